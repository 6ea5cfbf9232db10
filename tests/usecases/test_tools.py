"""Tools: effects happen once across crashes and tiers, or a person is told that their outcome is unknown."""

import json
from decimal import Decimal
from typing import Any

import pytest
from turnkeeper.adapters.memory import MemoryTable
from turnkeeper.agent import Agent, Dependency, ToolContext, ToolError, tool
from turnkeeper.domain.chat import Finish, ModelReply, ModelRequest
from turnkeeper.domain.failures import Failure
from turnkeeper.errors import DependencyError

from tests.support.tables import Killed, WatchedTable, fail, kill, on
from tests.support.world import USAGE, World, answer, operator, paint, tool_call


class Bookings:
    """The service behind a tool: it may raise before or after the effect, as often as is planned."""

    def __init__(self, *, honours_keys: bool = False, dependency: Dependency | None = None) -> None:
        self.calls: list[tuple[str, str, str]] = []
        self.plan: list[BaseException | None] = []

        @tool(side_effect=True, honours_keys=honours_keys, dependency=dependency)
        def book(context: ToolContext, slot: str) -> dict[str, str]:
            """Book a slot."""
            self.calls.append((context.idempotency_key, context.customer_id, slot))
            error = self.plan.pop(0) if self.plan else None
            if error:
                raise error
            return {"booked": slot}

        self.book = book

    def agent(self, **changes: Any) -> Agent[Any]:
        return paint(tools=[self.book], **changes)


def booked(request: ModelRequest) -> list[Any]:
    return [json.loads(m.text) for m in request.messages if m.role == "tool"]


def reason(world: World, turn: str) -> str:
    return str(world.get(f"/v1/escalations/{turn}", operator()).json["reason"])


def after_a_death(world: World, key: str = "k") -> None:
    with pytest.raises(Killed):
        world.send(key=key)
    world.later(60)
    world.restart()


def test_a_tool_answers_the_model_and_the_customer_is_the_callers() -> None:
    bookings = Bookings()
    world = World(bookings.agent())
    world.models.script["first"] = [tool_call("book", slot="nine"), answer()]
    sent = world.send()

    assert (200, [("carla", "nine")]) == (sent.status, [call[1:] for call in bookings.calls])
    assert [{"booked": "nine"}] == booked(world.models.calls[1][1])


def test_a_customer_id_from_the_model_is_refused() -> None:
    bookings = Bookings()
    world = World(bookings.agent())
    world.models.script["first"] = [tool_call("book", slot="nine", customer_id="carl"), answer()]
    world.send()

    assert [] == bookings.calls
    assert "customer_id" in booked(world.models.calls[1][1])[0]["error"]


def test_a_tool_that_does_not_exist_and_arguments_that_do_not_fit_are_errors_for_the_model() -> None:
    bookings = Bookings()
    world = World(bookings.agent())
    world.models.script["first"] = [tool_call("sell"), tool_call("book", slot=[1]), answer()]

    assert 200 == world.send().status
    assert [] == bookings.calls


def test_the_same_call_twice_in_a_run_is_one_effect() -> None:
    bookings = Bookings()
    world = World(bookings.agent())
    world.models.script["first"] = [tool_call("book", slot="nine"), tool_call("book", slot="nine"), answer()]
    world.send()

    assert 1 == len(bookings.calls)
    assert [{"booked": "nine"}] * 2 == booked(world.models.calls[2][1])


def test_an_effect_of_a_dead_run_is_replayed_and_not_repeated() -> None:
    bookings = Bookings()
    table = WatchedTable(MemoryTable(), before=on("transact", "CONV#", kill))
    world = World(bookings.agent(), table=table)
    world.models.script["first"] = [tool_call("book", slot="nine"), answer(), tool_call("book", slot="nine"), answer()]
    after_a_death(world)

    assert 200 == world.send(key="k").status
    assert 1 == len(bookings.calls)
    assert [{"booked": "nine"}] == booked(world.models.calls[3][1])


def test_a_tier_sees_the_effects_of_the_tiers_before_it() -> None:
    bookings = Bookings()
    world = World(bookings.agent())
    low = answer(confidence=0.1)
    world.models.script["first"] = [tool_call("book", slot="nine"), low]
    world.models.script["first"] += [tool_call("book", slot="nine"), low]
    world.models.script["third"] = [tool_call("book", slot="nine"), answer()]
    turn = world.send().json["turn_id"]

    assert ("completed", 1) == (world.play(turn), len(bookings.calls))


@pytest.mark.parametrize("honours_keys", [True, False])
def test_an_effect_of_unknown_outcome_is_repeated_under_its_key_or_a_person_decides(honours_keys: bool) -> None:
    bookings = Bookings(honours_keys=honours_keys)
    bookings.plan = [Killed()]
    world = World(bookings.agent())
    world.models.script["first"] = [tool_call("book", slot="nine"), tool_call("book", slot="nine"), answer()]
    after_a_death(world)
    again = world.send(key="k")

    if honours_keys:
        assert (200, 2, 1) == (again.status, len(bookings.calls), len({key for key, _, _ in bookings.calls}))
    else:
        world.play(again.json["turn_id"])
        assert (202, 1, "outcome_unknown") == (again.status, len(bookings.calls), again.json["reason"])
        assert [("started", None)] == [
            (e["state"], e["result"])
            for e in world.get(f"/v1/escalations/{again.json['turn_id']}", operator()).json["effects"]
        ]


def test_an_effect_repeated_under_its_key_is_known_from_then_on() -> None:
    bookings = Bookings(honours_keys=True)
    bookings.plan = [Killed()]
    world = World(bookings.agent())
    wish = tool_call("book", slot="nine")
    world.models.script["first"] = [wish, wish, wish, answer()]
    after_a_death(world)

    assert 200 == world.send(key="k").status
    assert 2 == len(bookings.calls)


@pytest.mark.parametrize(("honours_keys", "calls", "status"), [(True, 2, 200), (False, 1, 202)])
def test_an_effect_whose_answer_never_came_is_tried_once_more_under_its_key_or_a_person_decides(
    honours_keys: bool, calls: int, status: int
) -> None:
    bookings = Bookings(honours_keys=honours_keys)
    bookings.plan = [DependencyError(Failure.TIMEOUT)]
    world = World(bookings.agent())
    world.models.script["first"] = [tool_call("book", slot="nine"), answer()]

    assert (status, calls) == (world.send().status, len(bookings.calls))


def test_an_effect_that_surely_did_not_happen_may_be_tried_again() -> None:
    bookings = Bookings()
    bookings.plan = [ToolError("taken")]
    world = World(bookings.agent())
    world.models.script["first"] = [tool_call("book", slot="nine"), tool_call("book", slot="ten"), answer()]

    assert (200, 2) == (world.send().status, len(bookings.calls))
    assert {"error": "taken"} == booked(world.models.calls[1][1])[0]


def test_a_service_that_was_never_reached_fails_the_attempt_and_the_next_tier_tries() -> None:
    bookings = Bookings()
    bookings.plan = [DependencyError(Failure.CONNECTION, sent=False)]
    world = World(bookings.agent())
    wish = tool_call("book", slot="nine")
    world.models.script["first"] = [wish, wish, answer()]
    sent = world.send()

    assert (202, "tool_unavailable", "completed") == (
        sent.status,
        sent.json["reason"],
        world.play(sent.json["turn_id"]),
    )


def test_an_effect_that_was_taken_back_and_then_done_is_not_done_again() -> None:
    bookings = Bookings()
    bookings.plan = [DependencyError(Failure.CONNECTION, sent=False)]
    world = World(bookings.agent())
    wish = tool_call("book", slot="nine")
    world.models.script["first"] = [wish, wish, wish, answer()]
    turn = world.send().json["turn_id"]

    assert ("completed", 2) == (world.play(turn), len(bookings.calls))  # never reached, then done


def test_a_different_effect_after_an_abandoned_attempt_goes_to_a_person() -> None:
    bookings = Bookings()
    world = World(bookings.agent())
    nine, ten = tool_call("book", slot="nine"), tool_call("book", slot="ten")
    world.models.script["first"] = [nine, answer(confidence=0.1), ten, answer()]
    turn = world.send().json["turn_id"]

    assert ("waiting", 1) == (world.play(turn), len(bookings.calls))
    attempts = world.get(f"/v1/escalations/{turn}", operator()).json["attempts"]
    assert ["low_confidence", "conflicting_effect"] == [a["reason"] for a in attempts][:2]


def test_a_tool_that_raises_had_an_unknown_outcome() -> None:
    bookings = Bookings()
    bookings.plan = [ZeroDivisionError()]
    world = World(bookings.agent())
    world.models.script["first"] = [tool_call("book", slot="nine"), answer()]
    sent = world.send()

    assert (202, "outcome_unknown") == (sent.status, sent.json["reason"])


@pytest.mark.parametrize(("posts", "reason"), [(False, "tool_unavailable"), (True, "outcome_unknown")])
def test_a_tool_that_raises_before_it_posted_anything_has_changed_nothing(posts: bool, reason: str) -> None:
    tries = []

    @tool(side_effect=True, dependency=Dependency("shop"))
    def book(context: ToolContext, slot: str) -> None:
        """Book."""
        tries.append(slot)
        if posts:
            context.http.post("/slots", body={"slot": slot})
        raise KeyError(slot)

    world = World(paint(tools=[book]))
    world.models.script["first"] = [tool_call("book", slot="nine")]
    world.models.script["third"] = [tool_call("book", slot="nine"), answer()]
    sent = world.send()
    world.play(sent.json["turn_id"])
    shown = world.get(f"/v1/escalations/{sent.json['turn_id']}", operator()).json

    assert (202, reason) == (sent.status, sent.json["reason"])
    assert [("started" if posts else "not_done")] == [effect["state"] for effect in shown["effects"]]
    assert (1 if posts else 3) == len(tries)


def test_a_refusal_under_the_key_of_a_dead_run_says_that_it_never_happened() -> None:
    plan: list[BaseException | None] = [Killed(), ToolError("taken"), None]

    @tool(side_effect=True, honours_keys=True, dependency=Dependency("shop"))
    def book(context: ToolContext, slot: str) -> str:
        """Book."""
        context.http.post("/slots", body={"slot": slot})
        error = plan.pop(0)
        if error:
            raise error
        return slot

    world = World(paint(tools=[book]))
    nine, ten = tool_call("book", slot="nine"), tool_call("book", slot="ten")
    world.models.script["first"] = [nine, nine, ten, answer()]
    after_a_death(world)

    assert 200 == world.send(key="k").status
    assert {"error": "taken"} == booked(world.models.calls[2][1])[0]


def test_a_refusal_of_a_tools_own_says_nothing_of_the_call_of_a_dead_run() -> None:
    bookings = Bookings(honours_keys=True, dependency=Dependency("shop"))
    bookings.plan = [Killed(), ToolError("closed on Mondays")]
    world = World(bookings.agent())
    world.models.script["first"] = [tool_call("book", slot="nine")]
    after_a_death(world)
    again = world.send(key="k")

    assert (202, "outcome_unknown") == (again.status, again.json["reason"])


def test_amounts_that_are_equal_are_the_same_effect() -> None:
    paid = []

    @tool(side_effect=True)
    def pay(context: ToolContext, usd: Decimal) -> str:
        """Pay."""
        paid.append(usd)
        return "paid"

    world = World(paint(tools=[pay]))
    world.models.script["first"] = [*(tool_call("pay", usd=usd) for usd in ("5", "5.0", "5.00")), answer()]

    assert 200 == world.send().status
    assert [Decimal(5)] == paid


@pytest.mark.parametrize(
    ("failure", "tries"), [(Failure.SERVER_ERROR, 3), (Failure.CONNECTION, 3), (Failure.TIMEOUT, 1)]
)
def test_a_read_is_tried_again_as_often_as_its_tool_allows(failure: Failure, tries: int) -> None:
    found = []

    @tool(retries=2, dependency=Dependency("shop"))
    def find(context: ToolContext) -> str:
        """Find."""
        found.append(context.idempotency_key)
        if len(found) < tries or tries == 1:
            raise DependencyError(failure)
        return "found"

    world = World(paint(tools=[find]))
    world.models.script["first"] = [tool_call("find"), answer()]

    assert (202 if tries == 1 else 200, tries) == (world.send().status, len(found))


def test_a_read_is_not_tried_again_where_its_breaker_opened_or_no_time_is_left() -> None:
    found = []

    @tool(retries=9, dependency=Dependency("shop"))
    def find(context: ToolContext, seconds: int) -> str:
        """Find."""
        found.append(seconds)
        world.later(seconds)
        raise DependencyError(Failure.CONNECTION)

    world = World(paint(tools=[find]), env={"BREAKER_FAILURE_THRESHOLD": "3"})
    world.models.script["first"] = [tool_call("find", seconds=18)]
    world.send()
    assert [18] == found

    world.models.script["first"] = [tool_call("find", seconds=0)]
    world.send()
    assert [18, 0, 0] == found


def test_an_effect_is_not_begun_where_it_cannot_be_journalled() -> None:
    bookings = Bookings()
    world = World(bookings.agent(), table=WatchedTable(MemoryTable(), before=on("transact", "STEP#", fail)))
    world.models.script["first"] = [tool_call("book", slot="nine"), answer()]

    assert (503, []) == (world.send().status, bookings.calls)


def test_an_effect_is_not_begun_where_no_time_is_left() -> None:
    bookings = Bookings()
    world = World(bookings.agent())
    world.models.script["first"] = [lambda _: world.later(30) or tool_call("book", slot="nine"), answer()]  # type: ignore[func-returns-value]
    sent = world.send()

    assert (202, []) == (sent.status, bookings.calls)
    assert "tool_unavailable" == sent.json["reason"]


def test_a_run_that_lost_its_turn_begins_no_effect() -> None:
    bookings = Bookings()
    world = World(bookings.agent())

    def slow(_: object) -> Any:
        world.later(60)
        world.send(key="k")
        return tool_call("book", slot="nine")

    world.models.script["first"] = [slow, answer()]
    late = world.send(key="k")

    assert (503, []) == (late.status, bookings.calls)


def test_a_runaway_of_tool_calls_is_capped() -> None:
    calls = []

    @tool
    def look(context: ToolContext, n: int) -> int:
        """Look."""
        calls.append(n)
        return n

    world = World(paint(tools=[look], max_steps=4))
    world.models.script["first"] = [tool_call("look", n=1)]
    world.models.seconds = 0.1
    sent = world.send()

    assert (202, "too_many_steps", 4) == (sent.status, sent.json["reason"], len(calls))


def test_calls_that_are_made_at_once_are_as_many_steps() -> None:
    bookings = Bookings()
    world = World(bookings.agent())
    calls = [tool_call("book", slot=str(n)).tool_calls[0] for n in range(100)]
    world.models.script["first"] = [ModelReply("", tuple(calls), Finish.TOOL_CALLS, USAGE)]
    sent = world.send()

    assert (202, "too_many_steps", []) == (sent.status, sent.json["reason"], bookings.calls)
    assert "waiting" == world.play(sent.json["turn_id"])


def test_as_many_calls_at_once_as_there_are_steps_are_made() -> None:
    bookings = Bookings()
    world = World(bookings.agent(max_steps=4))
    calls = [tool_call("book", slot=str(n)).tool_calls[0] for n in range(3)]
    world.models.script["first"] = [ModelReply("", tuple(calls), Finish.TOOL_CALLS, USAGE), answer()]

    assert (200, 3) == (world.send().status, len(bookings.calls))


def test_a_tools_service_has_a_breaker() -> None:
    shop = Dependency("shop")
    bookings = Bookings(dependency=shop)
    bookings.plan = [DependencyError(Failure.CONNECTION, sent=False) for _ in range(9)]
    world = World(bookings.agent(), env={"BREAKER_FAILURE_THRESHOLD": "2"})
    world.models.script["first"] = [tool_call("book", slot="nine")]
    world.models.seconds = 0.1
    for _ in range(5):
        world.send()

    assert 2 == len(bookings.calls)


def test_an_answer_is_checked_against_what_tools_returned() -> None:
    def check(output: Any, context: Any) -> None:
        if not any(r.tool == "book" for r in context.tool_results):
            raise ValueError("nothing was booked")

    bookings = Bookings()
    world = World(bookings.agent(check=check))
    world.models.script["first"] = [answer(), tool_call("book", slot="nine"), answer()]
    sent = world.send()

    assert (200, 1) == (sent.status, len(bookings.calls))
