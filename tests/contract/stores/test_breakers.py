"""Breakers and the journal, conversations, cache and limits beside them, in memory and in moto."""

import pytest
from turnkeeper.adapters.memory import MemoryTable
from turnkeeper.domain.breaker import Breaker, BreakerPolicy, State
from turnkeeper.errors import StoreUnavailable
from turnkeeper.ports import Table
from turnkeeper.stores.breakers import REPORT_EVERY, BreakerStore

from tests.support.tables import WatchedTable, fail, on
from tests.support.world import Clock

POLICY = BreakerPolicy(failure_threshold=2, recovery_timeout_s=300)


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

    assert (State.OPEN, 1) == (opened.state, opened.generation)
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


def test_good_calls_of_the_previous_minute_stay_known_to_the_fleet(fleet: list[BreakerStore], clock: Clock) -> None:
    """They are written with the first failure, and not only weighed once where they were made."""
    clock.now = clock.now // 60 * 60 + 30
    for _ in range(40):
        fleet[0].called("d")
    clock.now += 40
    outcomes = [fleet[n].failed("d", 0) for n in (0, 1, 2, 0, 1)]

    assert 5 * [None] == outcomes


def test_an_environment_that_meets_no_failure_reports_now_and_then(fleet: list[BreakerStore]) -> None:
    """New environments whose first call fails do not outvote the others, of which none has failed."""
    for _ in range(REPORT_EVERY - 1):
        assert not fleet[0].called("d")
    assert fleet[0].called("d")
    fleet[0].report("d", 0)

    assert [None] * 4 == [fleet[n].failed("d", 0) for n in (1, 2, 1, 2)]


def test_counts_that_could_not_be_written_are_not_forgotten(clock: Clock) -> None:
    table = WatchedTable(MemoryTable(), before=on("write", "BREAKER#", fail))
    one, other = (BreakerStore(table, clock, POLICY, lambda: 0.0) for _ in range(2))
    for _ in range(10):
        one.called("d")
    with pytest.raises(StoreUnavailable):
        one.failed("d", 0)

    assert [None, None, None] == [one.failed("d", 0), other.failed("d", 0), other.failed("d", 0)]


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
    assert [2, None, None] == [probe and probe.generation for probe in probes]


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

    assert fleet[0].failed("d", closed.generation) is None
    assert fleet[1].failed("d", closed.generation)
