"""Tools: effects happen once across crashes and tiers, or a person is told that their outcome is unknown."""

import json
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from turnkeeper.adapters.memory import MemoryTable
from turnkeeper.agent import Agent, Dependency, ToolContext, ToolError, tool
from turnkeeper.domain.chat import Finish, ModelReply, ModelRequest
from turnkeeper.domain.failures import Failure
from turnkeeper.errors import DependencyError

from tests.support.tables import Killed, WatchedTable, fail, kill, on
from tests.support.world import USAGE, World, answer, customer, operator, paint, tool_call


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
    ("failure", "tries"), [(Failure.SERVER_ERROR, 3), (Failure.CONNECTION, 3), (Failure.BAD_KEY, 1)]
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


# --- what the model is told -------------------------------------------------------------------------------------------

TOLD = {
    Failure.GARBAGE: "shop answered with more than 1 MiB: ask for less",
    Failure.TIMEOUT: "no answer within 5.0 s",
    Failure.THROTTLED_HERE: "more than 600 requests a minute to shop: try again later",
}


@pytest.mark.parametrize("failure", TOLD)
def test_what_a_model_can_mend_it_is_told_and_the_attempt_goes_on(failure: Failure) -> None:
    @tool(dependency=Dependency("shop"))
    def find(context: ToolContext) -> str:
        """Find."""
        raise DependencyError(failure, TOLD[failure])

    world = World(paint(tools=[find]))
    world.models.script["first"] = [tool_call("find"), answer()]

    assert (200, [{"error": TOLD[failure]}]) == (world.send().status, booked(world.models.calls[1][1]))
    assert failure.value in [a.get("error_type") for a in world.telemetry.actions if a["action_type"] == "tool_call"]


@pytest.mark.parametrize("failure", [Failure.GARBAGE, Failure.TIMEOUT])
def test_what_the_model_is_told_still_counts_at_the_breaker(failure: Failure) -> None:
    @tool(dependency=Dependency("shop"))
    def find(context: ToolContext) -> str:
        """Find."""
        raise DependencyError(failure, TOLD[failure])

    world = World(paint(tools=[find]), env={"BREAKER_FAILURE_THRESHOLD": "1"})
    world.models.script["first"] = [tool_call("find"), tool_call("find"), answer()]

    assert "tool_unavailable" == world.send().json["reason"]


@pytest.mark.parametrize(
    "failure", [f for f in Failure if f not in TOLD and f.value in {"connection", "server_error", "bad_key"}]
)
def test_what_no_model_can_mend_ends_the_attempt(failure: Failure) -> None:
    @tool(dependency=Dependency("shop"))
    def find(context: ToolContext) -> str:
        """Find."""
        raise DependencyError(failure, "s3cret")

    world = World(paint(tools=[find]))
    world.models.script["first"] = [tool_call("find"), answer()]

    assert "tool_unavailable" == world.send().json["reason"]


@pytest.mark.parametrize("failure", TOLD)
@pytest.mark.parametrize("sent", [True, False])
def test_an_effect_that_may_have_happened_is_a_persons_and_one_that_did_not_is_told(
    failure: Failure, sent: bool
) -> None:
    bookings = Bookings(dependency=Dependency("shop"))
    bookings.plan = [DependencyError(failure, TOLD[failure], sent=sent)]
    world = World(bookings.agent())
    world.models.script["first"] = [tool_call("book", slot="nine"), tool_call("book", slot="nine"), answer()]
    shown = world.send()

    if sent:
        assert (202, "outcome_unknown", 1) == (shown.status, shown.json["reason"], len(bookings.calls))
    else:
        assert (200, 2) == (shown.status, len(bookings.calls))
        assert [{"error": TOLD[failure]}, {"booked": "nine"}] == booked(world.models.calls[2][1])


def test_the_owner_hears_by_name_of_a_secret_that_was_rejected() -> None:
    @tool(dependency=Dependency("shop"))
    def find(context: ToolContext) -> str:
        """Find."""
        raise DependencyError(Failure.BAD_KEY, "the secret shop-key was rejected by shop", sent=False)

    world = World(paint(tools=[find]))
    world.models.script["first"] = [tool_call("find"), answer()]
    turn = world.send().json["turn_id"]

    assert ("find: bad_key: the secret shop-key was rejected by shop", turn) in [
        (message, about["turn_id"]) for message, about in world.telemetry.warnings
    ]
    assert ("OwnerWarning", 1, {}) in world.telemetry.counts


def test_the_ninth_call_of_one_answer_is_refused_and_the_first_eight_are_made() -> None:
    bookings = Bookings()
    world = World(bookings.agent(max_steps=20))
    calls = [tool_call("book", slot=str(n)).tool_calls[0] for n in range(10)]
    # Different slots would be conflicting effects: one slot is booked once, and known from then on.
    same = [replace(call, arguments=calls[0].arguments) for call in calls]
    world.models.script["first"] = [ModelReply("", tuple(same), Finish.TOOL_CALLS, USAGE), answer()]

    assert 200 == world.send().status
    told = booked(world.models.calls[1][1])
    refusal = {"error": "not made: an answer may ask for at most 8 tool calls at once"}
    assert [{"booked": "0"}] * 8 + [refusal] * 2 == told


# --- a limit of requests a minute -------------------------------------------------------------------------------------


def test_a_limit_a_minute_holds_for_all_customers_and_environments_and_passes_with_time() -> None:
    table, asked = MemoryTable(), []

    @tool(dependency=Dependency("shop", per_minute=2))
    def find(context: ToolContext) -> str:
        """Find."""
        context.http.get("/x")
        asked.append(context.turn_id)
        return "found"

    world = World(paint(tools=[find]), table=table)
    for who in ("carla", "carl"):
        world.models.script["first"] = [tool_call("find"), answer()]
        world.restart()
        assert 200 == world.send(who=customer(who)).status
    assert 1 == len(asked)
    assert {"error": "too many requests a minute"} == booked(world.models.calls[3][1])[0]

    world.later(31)
    world.models.script["first"] = [tool_call("find"), answer()]
    world.send()
    assert 2 == len(asked)


@pytest.mark.parametrize(("per_minute", "counted"), [(None, 0), (60, 1)])
def test_only_a_service_with_a_limit_is_counted_in_the_table(per_minute: int | None, counted: int) -> None:
    counts: list[Any] = []

    @tool(dependency=Dependency("shop", per_minute=per_minute))
    def find(context: ToolContext) -> int:
        """Find."""
        return context.http.get("/x").status

    def note(_: str, written: Any) -> None:
        counts.extend(key for key in written if key[0] == "RATE#tool:shop")

    world = World(paint(tools=[find]), table=WatchedTable(MemoryTable(), before=note))
    world.models.script["first"] = [tool_call("find"), answer()]

    assert (200, counted) == (world.send().status, len(counts))
