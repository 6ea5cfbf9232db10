"""Breakers and the journal, conversations, cache and limits beside them, in memory and in moto."""

from dataclasses import replace

import pytest
from turnkeeper.adapters.memory import MemoryTable
from turnkeeper.domain.breaker import Breaker, BreakerPolicy, State
from turnkeeper.domain.failures import Failure
from turnkeeper.errors import StoreUnavailable
from turnkeeper.ports import Table
from turnkeeper.stores.breakers import REPORT_EVERY, BreakerStore
from turnkeeper.stores.due_work import DueWork

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


# --- one failure is enough --------------------------------------------------------------------------------------------

SAID = "The model `d` does not exist."


def due(table: Table, now: float) -> list[str]:
    return [str(work) for work in DueWork(table).until(now)]


def test_one_failure_that_has_a_rest_of_its_own_opens_it_for_a_day_and_once(
    fleet: list[BreakerStore], clock: Clock
) -> None:
    outcomes = [made.open("d", 0, Failure.MODEL_GONE, SAID) for made in fleet]
    (seen,) = fleet[2].read(["d"])

    assert [True, False, False] == [outcome is not None for outcome in outcomes]
    assert (State.OPEN, "model_gone", SAID) == (seen.state, seen.opened_by, seen.said)
    assert 86_400 == pytest.approx(seen.open_until - clock(), abs=1)


def test_it_is_open_for_a_day_again_after_a_probe_that_failed_in_the_same_way(
    fleet: list[BreakerStore], clock: Clock
) -> None:
    for _ in range(4):
        opened = fleet[0].open("d", 0, Failure.MODEL_GONE, SAID) or fleet[0].known("d")
        clock.now = opened.open_until + 1
        probe = fleet[0].probe(opened, 10)
        assert probe
        reopened = fleet[0].reopen(probe, 7, Failure.MODEL_GONE, SAID)
        assert reopened
        assert 86_400 == pytest.approx(reopened.open_until - clock(), abs=1)


def test_a_breaker_that_is_open_for_another_reason_is_not_opened(fleet: list[BreakerStore]) -> None:
    opened = trip(fleet)

    assert fleet[2].open("d", 0, Failure.MODEL_GONE, SAID) is None
    assert [opened] == fleet[2].read(["d"])


def test_its_notice_is_due_until_it_is_confirmed_and_taken_up_by_one(
    fleet: list[BreakerStore], table: Table, clock: Clock
) -> None:
    opened = fleet[0].open("d", 0, Failure.MODEL_GONE, SAID)
    assert opened
    before = due(table, clock())
    clock.now += 31
    later, taken = due(table, clock()), [made.begin_notice("d") for made in fleet]
    clock.now += 31
    again = fleet[1].begin_notice("d")
    fleet[1].confirm_notice(opened)
    clock.now += 31

    assert ([], ["d"], [opened, None, None], opened) == (before, later, taken, again)
    assert ([], None) == (due(table, clock()), fleet[0].begin_notice("d"))


def test_of_a_breaker_that_closed_meanwhile_nobody_is_told(
    fleet: list[BreakerStore], table: Table, clock: Clock
) -> None:
    opened = fleet[0].open("d", 0, Failure.MODEL_GONE, SAID)
    assert opened
    clock.now = opened.open_until + 1
    probe = fleet[0].probe(opened, 10)
    assert probe
    closed = fleet[0].close(probe)
    assert closed

    assert "" == closed.opened_by + closed.said
    assert fleet[1].begin_notice("d") is None
    assert [] == due(table, clock())


def test_an_older_notice_that_is_confirmed_late_does_not_confirm_the_newer_one(
    fleet: list[BreakerStore], clock: Clock
) -> None:
    opened = fleet[0].open("d", 0, Failure.MODEL_GONE, SAID)
    assert opened
    clock.now = opened.open_until + 1
    probe = fleet[0].probe(opened, 10)
    assert probe
    reopened = fleet[0].reopen(probe, None, Failure.MODEL_GONE, SAID)
    fleet[1].confirm_notice(opened)
    clock.now += 31

    assert reopened == fleet[1].begin_notice("d")


def test_its_owner_lets_the_next_call_probe_and_only_one(fleet: list[BreakerStore], clock: Clock) -> None:
    opened = fleet[0].open("d", 0, Failure.MODEL_GONE, SAID)
    assert opened
    retried = fleet[2].retry("d")
    probes = [made.probe(made.read(["d"])[0], 10) for made in fleet]

    assert opened.generation == retried.generation
    assert clock() == pytest.approx(retried.open_until, abs=1)
    assert [True, False, False] == [probe is not None for probe in probes]


def test_a_breaker_that_moved_is_not_opened_to_a_probe(
    fleet: list[BreakerStore], clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = fleet[0].open("d", 0, Failure.MODEL_GONE, SAID)
    assert opened
    clock.now = opened.open_until + 1
    probe = fleet[0].probe(opened, 10)
    assert probe
    reopened = fleet[0].reopen(probe, None, Failure.MODEL_GONE, SAID)
    monkeypatch.setattr(fleet[1], "read", lambda _: [replace(opened, open_until=clock() + 9)])

    assert reopened == fleet[1].retry("d")
    assert [reopened] == fleet[2].read(["d"])


def test_there_is_nothing_to_retry_where_calls_are_made(fleet: list[BreakerStore]) -> None:
    assert (State.CLOSED, 0) == (fleet[0].retry("d").state, fleet[0].retry("d").generation)


def test_a_retry_makes_no_second_notice(fleet: list[BreakerStore], table: Table, clock: Clock) -> None:
    opened = fleet[0].open("d", 0, Failure.MODEL_GONE, SAID)
    assert opened
    fleet[0].confirm_notice(opened)
    fleet[1].retry("d")

    assert [] == due(table, clock() + 60)


def test_a_notice_is_confirmed_while_a_probe_is_on_its_way(
    fleet: list[BreakerStore], table: Table, clock: Clock
) -> None:
    opened = fleet[0].open("d", 0, Failure.MODEL_GONE, SAID)
    assert opened
    clock.now = opened.open_until + 1
    probe = fleet[0].probe(opened, 10)
    assert probe
    fleet[1].confirm_notice(opened)

    assert (1, 1) == (opened.opening, fleet[2].read(["d"])[0].opening)
    assert [] == due(table, clock() + 60)


def test_what_is_counted_first_is_never_told(fleet: list[BreakerStore], table: Table, clock: Clock) -> None:
    fleet[0].failed("d", 0, failure=Failure.TIMEOUT)
    opened = fleet[1].failed("d", 0, failure=Failure.NO_CREDIT)

    assert opened
    assert ("no_credit", [], None) == (opened.opened_by, due(table, clock() + 60), fleet[0].begin_notice("d"))
