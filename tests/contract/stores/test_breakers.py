"""Breakers and the journal, conversations, cache and limits beside them, in memory and in moto."""

import pytest
from turnkeeper.domain.breaker import Breaker, BreakerPolicy, State
from turnkeeper.ports import Table
from turnkeeper.stores.breakers import BreakerStore

from tests.support.world import Clock

POLICY = BreakerPolicy(failure_threshold=2, recovery_timeout=300)


@pytest.fixture
def fleet(table: Table, clock: Clock) -> list[BreakerStore]:
    """Three environments."""
    return [BreakerStore(table, clock, POLICY, lambda: 0.0) for _ in range(3)]


def trip(fleet: list[BreakerStore]) -> Breaker:
    for made in fleet[:2]:
        made.called("d")
        opened = made.failed("d", 0)
    assert opened
    return opened


def test_failures_of_the_fleet_are_counted_together(fleet: list[BreakerStore]) -> None:
    opened = trip(fleet)

    assert (State.OPEN, 1) == (opened.state, opened.gen)
    assert [opened] == fleet[2].read(["d"])


def test_the_previous_minute_counts_and_the_one_before_does_not(fleet: list[BreakerStore], clock: Clock) -> None:
    clock.now = clock.now // 60 * 60
    first = fleet[0].failed("d", 0)
    clock.now += 119
    within = fleet[1].failed("d", 0)
    first_again = fleet[0].failed("e", 0)
    clock.now += 121
    beyond = fleet[1].failed("e", 0)

    assert (None, True, None, None) == (first, within is not None, first_again, beyond)


def test_calls_that_were_answered_are_reported_with_the_next_failure(fleet: list[BreakerStore]) -> None:
    for _ in range(10):
        fleet[0].called("d")
    outcomes = [fleet[0].failed("d", 0), fleet[1].failed("d", 0)]

    assert [None, None] == outcomes


def test_it_trips_once(fleet: list[BreakerStore]) -> None:
    trip(fleet)

    assert fleet[2].failed("d", 0) is None
    assert fleet[2].failed("d", 0) is None


def test_one_environment_probes(fleet: list[BreakerStore], clock: Clock) -> None:
    opened = trip(fleet)
    early = fleet[0].probe(opened, 10)
    clock.now += 301
    probes = [made.probe(opened, 10) for made in fleet]

    assert early is None
    assert [2, None, None] == [probe and probe.gen for probe in probes]


def test_a_lost_probe_is_followed_by_another_after_its_lease(fleet: list[BreakerStore], clock: Clock) -> None:
    opened = trip(fleet)
    clock.now += 301
    lost = fleet[0].probe(opened, 10)
    assert lost
    clock.now += 11
    another = fleet[1].probe(lost, 10)

    assert another
    assert fleet[0].close(lost) is None
    assert fleet[0].reopen(lost) is None
    assert fleet[1].close(another)
    assert [State.CLOSED] == [b.state for b in fleet[2].read(["d"])]


def test_a_released_probe_may_be_taken_at_once(fleet: list[BreakerStore], clock: Clock) -> None:
    opened = trip(fleet)
    clock.now += 301
    probe = fleet[0].probe(opened, 10)
    assert probe
    released = fleet[0].release(probe)
    assert released

    assert fleet[1].probe(released, 10)


def test_a_breaker_that_closed_counts_anew(fleet: list[BreakerStore], clock: Clock) -> None:
    opened = trip(fleet)
    clock.now += 301
    probe = fleet[0].probe(opened, 10)
    assert probe
    closed = fleet[0].close(probe)
    assert closed

    assert fleet[0].failed("d", closed.gen) is None
    assert fleet[1].failed("d", closed.gen)
