"""One breaker shared by 50 environments in several processes."""

import os
import signal
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import pytest
from turnkeeper.adapters.memory_telemetry import MemoryTelemetry
from turnkeeper.domain.breaker import BreakerPolicy, State
from turnkeeper.domain.failures import Failure
from turnkeeper.errors import DependencyError
from turnkeeper.runtime.guard import Guard, Permit
from turnkeeper.stores.breakers import BreakerStore

from tests.concurrency.deployment import RealTime
from tests.support.crowd import PATIENCE_S, PROCESSES, crowd
from tests.support.emulator import Cloud

pytestmark = pytest.mark.random

FLEET = 50
THRESHOLD = 5
MODEL = "openai:first"
POLICY = BreakerPolicy(THRESHOLD, recovery_timeout_s=100.0)
TIMEOUT_S = 10.0
RESTED_S, LAPSED_S = 120.0, 60.0
"""More than the recovery takes with its jitter, and more than a probe's lease."""


@dataclass(frozen=True)
class Fleet:
    """How an environment of the fleet is made: each has a store, and so a memory, of its own."""

    cloud: Cloud
    ahead_s: float = 0.0

    def later(self, seconds: float) -> "Fleet":
        return replace(self, ahead_s=self.ahead_s + seconds)

    def store(self) -> BreakerStore:
        return BreakerStore(self.cloud.open(), RealTime(self.ahead_s), POLICY, lambda: 0.5)

    def guard(self) -> Guard:
        return Guard(self.store(), RealTime(self.ahead_s), MemoryTelemetry())

    def state(self) -> tuple[State, int]:
        (breaker,) = self.store().read([MODEL])
        return breaker.state, breaker.generation

    def open(self) -> None:
        """Let a dependency fail until its breaker opens."""
        for _ in range(THRESHOLD):
            fail(self.guard())


@pytest.fixture
def fleet(cloud: Cloud) -> Fleet:
    return Fleet(cloud)


def enter(guard: Guard) -> Permit | None:
    """Read the breaker as a turn does, and ask to call."""
    guard.refresh(MODEL)
    try:
        return guard.enter(MODEL, TIMEOUT_S)
    except DependencyError:
        return None


def entered(guard: Guard) -> Permit:
    permit = enter(guard)
    assert permit
    return permit


def fail(guard: Guard) -> bool:
    """Call the dependency, which fails, unless the breaker is open; returns whether it was called."""
    permit = enter(guard)
    if permit:
        guard.failed(permit, Failure.SERVER_ERROR)
    return permit is not None


def failing(fleet: Fleet) -> Callable[[int], int]:
    """Return what calls until the breaker opens, as one environment: the number of its calls."""

    def call(_: int) -> int:
        guard, calls = fleet.guard(), 0
        while fail(guard):
            calls += 1
        return calls

    return call


def mostly_answered(fleet: Fleet) -> Callable[[int], bool]:
    """Return one environment of a healthy dependency: a hundred good calls, and in some a failure."""

    def call(n: int) -> bool:
        guard = fleet.guard()
        permit = entered(guard)
        for _ in range(100):
            guard.answered(permit)
        if n < THRESHOLD:
            guard.failed(permit, Failure.SERVER_ERROR)
        return enter(guard) is not None

    return call


def asking(fleet: Fleet) -> Callable[[int], str]:
    """Return one environment that asks once: what it may do."""

    def ask(_: int) -> str:
        permit = enter(fleet.guard())
        return "skip" if permit is None else "probe" if permit.probe else "call"

    return ask


def probe_and_die(fleet: Fleet) -> None:
    assert entered(fleet.guard()).probe
    os.kill(os.getpid(), signal.SIGKILL)


def asked(fleet: Fleet) -> dict[str, int]:
    answers = crowd(partial(asking, fleet), FLEET)
    return {answer: answers.count(answer) for answer in set(answers)}


def test_the_fifth_failure_of_a_small_fleet_opens_the_breaker_for_all(fleet: Fleet) -> None:
    states = []
    for _ in range(THRESHOLD):  # each in an environment of its own
        assert fail(fleet.guard())
        states.append(fleet.state()[0])

    assert [State.CLOSED] * (THRESHOLD - 1) + [State.OPEN] == states
    assert {"skip": FLEET} == asked(fleet)


def test_an_outage_costs_the_threshold_and_what_was_in_flight(fleet: Fleet) -> None:
    calls = crowd(partial(failing, fleet), FLEET)

    assert THRESHOLD <= sum(calls) <= THRESHOLD + FLEET
    assert (State.OPEN, 1) == fleet.state()


def test_five_failures_among_thousands_of_good_calls_open_nothing(fleet: Fleet) -> None:
    assert [True] * FLEET == crowd(partial(mostly_answered, fleet), FLEET)
    assert (State.CLOSED, 0) == fleet.state()


def test_after_its_time_exactly_one_environment_probes(fleet: Fleet) -> None:
    fleet.open()

    assert {"skip": FLEET} == asked(fleet)
    assert {"probe": 1, "skip": FLEET - 1} == asked(fleet.later(RESTED_S))


def test_a_killed_prober_is_followed_by_one_other_once_its_lease_is_over(fleet: Fleet) -> None:
    fleet.open()
    rested = fleet.later(RESTED_S)
    process = PROCESSES.Process(target=probe_and_die, args=(rested,))
    process.start()
    process.join(PATIENCE_S)

    assert -signal.SIGKILL == process.exitcode
    assert {"skip": FLEET} == asked(rested)
    assert {"probe": 1, "skip": FLEET - 1} == asked(rested.later(LAPSED_S))


@pytest.mark.parametrize("failure", [Failure.BAD_REQUEST, Failure.OVER_LIMIT, Failure.THROTTLED_HERE])
def test_a_probe_that_tells_nothing_is_given_back_at_once(fleet: Fleet, failure: Failure) -> None:
    fleet.open()
    rested = fleet.later(RESTED_S)
    guard = rested.guard()
    guard.failed(entered(guard), failure)

    assert {"probe": 1, "skip": FLEET - 1} == asked(rested)


def test_an_answered_probe_closes_it_for_all(fleet: Fleet) -> None:
    fleet.open()
    rested = fleet.later(RESTED_S)
    guard = rested.guard()
    guard.answered(entered(guard))

    assert {"call": FLEET} == asked(rested)


@pytest.mark.parametrize("ends", [Guard.answered, Guard.release], ids=["success", "release"])
def test_the_late_end_of_an_overtaken_probe_changes_nothing(
    fleet: Fleet, ends: Callable[[Guard, Permit], None]
) -> None:
    fleet.open()
    rested = fleet.later(RESTED_S)
    slow = rested.guard()
    overtaken = entered(slow)
    other = rested.later(LAPSED_S)
    guard = other.guard()
    guard.failed(entered(guard), Failure.SERVER_ERROR)
    reopened = other.state()
    ends(slow, overtaken)

    assert State.OPEN is reopened[0]
    assert reopened == other.state()
    assert {"skip": FLEET} == asked(other)


def test_neither_old_counts_nor_late_failures_open_a_breaker_that_closed(fleet: Fleet) -> None:
    late = fleet.guard()
    calling = entered(late)
    fleet.open()
    rested = fleet.later(RESTED_S)
    guard = rested.guard()
    guard.answered(entered(guard))
    closed = rested.state()
    for _ in range(2 * THRESHOLD):
        late.failed(calling, Failure.SERVER_ERROR)
    for _ in range(THRESHOLD - 1):
        fail(rested.guard())

    assert State.CLOSED is closed[0]
    assert closed == rested.state()
    fail(rested.guard())
    assert State.OPEN is rested.state()[0]
