"""Breakers: one count for the fleet, one probe, no state change by a stale outcome, and never open for ever."""

from collections.abc import Callable
from typing import Any

import pytest
from turnkeeper.adapters.memory import MemoryTable
from turnkeeper.agent import Dependency, Model, ToolContext, ToolError, tool
from turnkeeper.domain.breaker import Breaker, State
from turnkeeper.domain.failures import CONSEQUENCES, Failure
from turnkeeper.errors import DependencyError
from turnkeeper.ports import CallHttp, Update
from turnkeeper.services import Services
from turnkeeper.stores import keys

from tests.support.tables import WatchedTable, fail, on
from tests.support.world import Http, Tools, World, answer, customer, failing, paint, tool_call

FIRST = "openai:first"
ONE = paint(chain=[Model(FIRST, 4_000)], alternative=paint().alternative)


def state(world: World, dependency: str = FIRST) -> Breaker:
    """Read a breaker as a new environment would."""
    (breaker,) = world.restart().stores.breakers.read([dependency])
    return breaker


def enter(made: Services, dependency: str = FIRST) -> Any:
    """Ask one environment for leave to call, having read the breaker as every turn does."""
    made.stores.breakers.read([dependency])
    try:
        return made.guard.enter(dependency, 4)
    except DependencyError:
        return None


class Unanswered(Tools):
    """Tools' HTTP in which nothing was answered."""

    def http(
        self, dependency: Dependency | None, *, timeout_s: float, idempotency_key: str, admits: Callable[[], bool]
    ) -> CallHttp:
        return Http(answered=False)


def opened(env: dict[str, str] | None = None) -> World:
    """A world whose first model's breaker has just opened."""
    world = World(ONE, env={"BREAKER_FAILURE_THRESHOLD": "1", "BREAKER_RECOVERY_SECONDS": "300", **(env or {})})
    world.models.script["first"] = list(failing())
    world.send()
    assert state(world).state is State.OPEN
    return world


def test_five_failures_in_five_environments_open_it() -> None:
    world = World(ONE)
    world.models.script["first"] = list(failing())
    seen = []
    for _ in range(6):
        world.restart()
        world.send()
        seen.append(len(world.models.calls))

    assert [1, 2, 3, 4, 5, 5] == seen


def test_five_failures_do_not_open_it_in_a_healthy_fleet() -> None:
    world = World(ONE, env={"turns.burst": 1000})
    for n in range(30):
        world.models.script["first"] = list(failing(Failure.RATE_LIMITED)) if n % 5 == 0 else [answer()]
        world.models.seconds = 0.1
        world.send()

    assert State.CLOSED is state(world).state
    assert 30 == len(world.models.calls)


def test_the_healthy_path_writes_nothing_about_breakers() -> None:
    world = World()
    for _ in range(3):
        world.send()

    assert [] == [key for key in world.table._items if key[0].startswith("BREAKER#")]  # type: ignore[attr-defined]


def test_an_open_breaker_skips_its_model_at_no_cost() -> None:
    world = World(env={"BREAKER_FAILURE_THRESHOLD": "1"})
    world.models.script["first"] = list(failing())
    world.send()
    world.models.calls.clear()
    sent = world.send()

    assert (["second"], "anthropic:second") == (world.models.names(), sent.json["model"])


def test_when_every_breaker_is_open_nothing_is_called_or_reserved() -> None:
    world = opened()
    world.models.calls.clear()
    spent = world.spent()
    sent = world.send()

    assert (202, [], spent) == (sent.status, world.models.calls, world.spent())


def test_a_single_provider_gets_the_threshold_and_probes_and_no_more_during_an_outage() -> None:
    world = World(ONE, env={"BREAKER_RECOVERY_SECONDS": "300", "turns.burst": 1000, "limits.customer_day_usd": "100"})
    world.models.script["first"] = list(failing())
    for _ in range(360):  # an hour
        world.restart()
        world.send()
        world.later(10)

    assert 5 < len(world.models.calls) <= 5 + 8


@pytest.mark.parametrize("failure", [f for f in Failure if CONSEQUENCES[f].counts])
def test_what_counts_opens_it(failure: Failure) -> None:
    world = World(ONE, env={"BREAKER_FAILURE_THRESHOLD": "1"})
    world.models.script["first"] = list(failing(failure))
    world.send()

    assert State.OPEN is state(world).state


@pytest.mark.parametrize("failure", [Failure.BAD_REQUEST])
def test_what_is_our_own_mistake_does_not_open_it(failure: Failure) -> None:
    world = World(ONE, env={"BREAKER_FAILURE_THRESHOLD": "1"})
    world.models.script["first"] = list(failing(failure))
    world.send()

    assert State.CLOSED is state(world).state


def test_each_dependency_counts_its_own_failures() -> None:
    world = World(env={"BREAKER_FAILURE_THRESHOLD": "1"})
    world.models.script = {"first": list(failing()), "second": list(failing())}
    world.send()

    assert [State.OPEN, State.OPEN] == [state(world, d).state for d in (FIRST, "anthropic:second")]
    assert State.CLOSED is state(world, "openai:third").state


# --- probes -----------------------------------------------------------------------------------------------------------


def test_exactly_one_probe_in_the_fleet() -> None:
    world = opened()
    world.later(331)
    fleet = [world.restart() for _ in range(20)]
    for made in fleet:
        made.stores.breakers.read([FIRST])  # every environment reads before any of them probes
    permits = [permit for made in fleet if (permit := _try(made))]

    assert [True] == [permit.probe for permit in permits]


def _try(made: Services) -> Any:
    try:
        return made.guard.enter(FIRST, 4)
    except DependencyError:
        return None


def test_a_probe_that_is_answered_closes_it() -> None:
    world = opened()
    world.later(331)
    world.models.script["first"] = [answer()]
    sent = world.send()

    assert (200, State.CLOSED) == (sent.status, state(world).state)


def test_a_probe_that_fails_keeps_it_open_for_longer() -> None:
    world = opened()
    first = state(world).open_until - world.clock.now
    world.later(331)
    world.send()
    second = state(world).open_until - world.clock.now

    assert 300 <= first <= 330
    assert 590 <= second <= 660


def test_a_prober_that_died_is_followed_by_another() -> None:
    world = opened()
    world.later(331)
    dead = enter(world.restart())
    too_early = enter(world.restart())
    world.later(10)
    another = enter(world.restart())

    assert (True, None, True) == (dead.probe, too_early, another.probe)


@pytest.mark.parametrize("failure", [Failure.BAD_REQUEST, Failure.THROTTLED_HERE])
def test_a_probe_that_tells_nothing_is_released_at_once(failure: Failure) -> None:
    world = opened()
    world.later(331)
    made = world.restart()
    made.guard.failed(enter(made), failure)

    assert enter(world.restart()).probe


def test_a_probe_that_was_refused_for_money_is_released_at_once() -> None:
    world = opened({"limits.customer_day_usd": "0.02"})
    world.later(331)
    key = keys.customer_limits("tenant-a", "poor")
    world.table.write(_limit(key))
    refused = world.send(who=customer("poor"))

    assert 402 == refused.status
    assert enter(world.restart()).probe


def _limit(key: Any) -> Any:
    return Update(key, set={"customer_day": 1})


@pytest.mark.parametrize("how", ["answered", "failed"])
def test_a_slow_outcome_of_an_old_probe_changes_nothing(how: str) -> None:
    world = opened()
    world.later(331)
    old_environment = world.restart()
    old = enter(old_environment)
    world.later(10)
    new_environment = world.restart()
    new_environment.guard.failed(enter(new_environment), Failure.TIMEOUT)
    before = state(world)
    _report(old_environment, how)(old)

    assert before == state(world)


def _report(made: Services, how: str) -> Callable[[Any], object]:
    if how == "answered":
        return made.guard.answered
    return lambda permit: made.guard.failed(permit, Failure.TIMEOUT)


def test_a_slow_failure_from_before_it_closed_does_not_open_it_again() -> None:
    world = World(ONE, env={"BREAKER_FAILURE_THRESHOLD": "1"})
    slow_environment = world.restart()
    slow = enter(slow_environment)
    world.models.script["first"] = list(failing())
    world.send()
    world.later(331)
    world.models.script["first"] = [answer()]
    world.send()
    slow_environment.guard.failed(slow, Failure.TIMEOUT)

    assert State.CLOSED is state(world).state


def test_a_breaker_never_stays_open_for_ever() -> None:
    world = opened()
    for _ in range(12):
        world.later(1_400)
        world.restart()
        world.send()
    world.later(1_400)
    world.models.script["first"] = [answer()]

    assert (200, State.CLOSED) == (world.send().status, state(world).state)


def test_the_breaker_of_a_topic_closes_again_in_whichever_environment() -> None:
    world = World(env={"BREAKER_FAILURE_THRESHOLD": "1", "PAGE_SECONDS": "600"})
    world.topics.down = True
    world.awaiting()
    opened_at = state(world, "notify:on_call").state
    world.topics.down = False
    for _ in range(4):
        world.restart()
        world.later(400)
        world.reconcile()

    assert (State.OPEN, State.CLOSED) == (opened_at, state(world, "notify:on_call").state)


def test_a_store_that_is_away_keeps_the_last_known_state() -> None:
    table = WatchedTable(MemoryTable())
    world = World(ONE, table=table, env={"BREAKER_FAILURE_THRESHOLD": "1"})
    world.models.script["first"] = list(failing())
    table.before = on("write", "BREAKER#", fail, times=99)
    sent = world.send()
    table.before = lambda *_: None

    assert (202, State.CLOSED) == (sent.status, state(world).state)
    assert ["breaker not reported"] == [what for what, _ in world.telemetry.warnings]


def test_a_transition_is_told_once() -> None:
    world = opened()
    world.later(331)
    world.models.script["first"] = [answer()]
    world.send()
    told = [a["state"] for a in world.telemetry.actions if a["action_type"] == "breaker_transition"]

    assert ["open", "half_open", "closed"] == told


def test_a_tool_that_sent_nothing_says_nothing_of_its_service() -> None:
    """The tool refused by itself: the probe of a half-open breaker is released, and the breaker does not close."""

    @tool(dependency=Dependency("shop"))
    def find(context: ToolContext, order: str) -> str:
        """Find an order."""
        if order == "none":
            raise ToolError("that is no order")
        raise DependencyError(Failure.CONNECTION)

    world = World(paint(tools=[find]), env={"BREAKER_FAILURE_THRESHOLD": "1"})
    world.tools = Unanswered()
    world.restart()
    for order in ("A-1", "none"):
        world.models.script["first"] = [tool_call("find", order=order), answer()]
        world.send()
        world.later(331)

    assert State.HALF_OPEN is state(world, "tool:shop").state
    assert enter(world.services, "tool:shop").probe


def test_a_provider_that_asks_for_rest_gets_it() -> None:
    """Retry-After keeps the breaker open for longer than usual, and within bounds."""
    rests = []
    for asked in (10, 900, 1e9):
        world = World(ONE, env={"BREAKER_FAILURE_THRESHOLD": "1"})
        world.models.script["first"] = [DependencyError(Failure.RATE_LIMITED, retry_after_s=asked)]
        world.send()
        rests.append(round(state(world).open_until - world.clock.now))

    assert [315, 945, 3_780] == rests


def test_a_probe_ends_before_its_lease_however_long_the_writes_before_it_took() -> None:
    table = WatchedTable(MemoryTable())
    world = World(ONE, table=table, env={"BREAKER_FAILURE_THRESHOLD": "1"})
    world.models.script["first"] = [*failing(), answer()]
    world.send()
    world.later(331)
    table.before = on("transact", "RSV#", lambda: world.later(7))
    world.send()

    assert 2 == len(world.models.timeouts)
    assert world.models.timeouts[-1] < 4 + 5 - 7  # the lease is 5 seconds longer than the call's own limit of 4


def test_a_call_that_got_no_fair_share_of_the_time_does_not_count() -> None:
    """Others used the run's time up: that it timed out says nothing of the model."""
    table = WatchedTable(MemoryTable())
    world = World(ONE, table=table, env={"BREAKER_FAILURE_THRESHOLD": "1"})
    world.models.script["first"] = list(failing(Failure.TIMEOUT))
    table.before = on("transact", "RSV#", lambda: world.later(18.3))
    world.send()

    assert (["first"], State.CLOSED) == (world.models.names(), state(world).state)


def test_a_client_that_fails_in_its_own_way_counts_as_garbage_and_the_next_model_answers() -> None:
    world = World(env={"BREAKER_FAILURE_THRESHOLD": "1"})
    world.models.script["first"] = [ZeroDivisionError("a fault in an adapter")]
    sent = world.send()

    assert (200, "anthropic:second", State.OPEN) == (sent.status, sent.json["model"], state(world).state)
