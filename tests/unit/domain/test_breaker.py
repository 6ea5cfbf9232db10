import pytest
from turnkeeper.domain.breaker import (
    LONGEST_REST_S,
    Admit,
    Breaker,
    BreakerPolicy,
    Reaction,
    State,
    after_call,
    open_seconds,
    should_trip,
)
from turnkeeper.domain.failures import Failure

POLICY = BreakerPolicy(failure_threshold=5, recovery_timeout_s=300)


@pytest.mark.parametrize(
    ("fails", "calls", "trips"),
    [(5, 5, True), (4, 4, False), (5, 10, True), (5, 11, False), (5, 120_000, False), (60_000, 120_000, True)],
)
def test_it_trips_at_the_threshold_where_half_of_the_calls_failed(fails: int, calls: int, trips: bool) -> None:
    assert trips == should_trip(fails=fails, calls=calls, policy=POLICY)


@pytest.mark.parametrize(
    ("breaker", "may"),
    [
        (Breaker("d"), Admit.CALL),
        (Breaker("d", State.OPEN, 1, open_until=101), Admit.SKIP),
        (Breaker("d", State.OPEN, 1, open_until=100), Admit.PROBE),
        (Breaker("d", State.HALF_OPEN, 2, probe_until=101), Admit.SKIP),
        (Breaker("d", State.HALF_OPEN, 2, probe_until=100), Admit.PROBE),
        (Breaker("d", State.HALF_OPEN, 2, probe_until=0), Admit.PROBE),
    ],
)
def test_who_may_call(breaker: Breaker, may: Admit) -> None:
    assert may is breaker.admits(100)


@pytest.mark.parametrize(("reopened", "shortest"), [(0, 300), (1, 600), (2, 1_200), (3, 1_200), (50, 1_200)])
def test_it_stays_open_longer_each_time_but_never_for_ever(reopened: int, shortest: float) -> None:
    assert shortest == open_seconds(reopened, POLICY, 0.0)
    assert shortest * 1.1 == pytest.approx(open_seconds(reopened, POLICY, 1.0))


def test_what_the_dependency_asks_for_is_kept_up_to_an_hour() -> None:
    assert [300, 900, LONGEST_REST_S] == [open_seconds(0, POLICY, 0.0, asked) for asked in (60, 900, 86_400)]


@pytest.mark.parametrize("reopened", [0, 1, 50])
def test_a_failure_with_a_rest_of_its_own_has_it_however_often_it_reopens(reopened: int) -> None:
    assert 86_400 == open_seconds(reopened, POLICY, 0.0, 7, Failure.MODEL_GONE)
    assert 86_400 * 1.1 == pytest.approx(open_seconds(reopened, POLICY, 1.0, None, Failure.MODEL_GONE))


@pytest.mark.parametrize(
    ("failure", "is_probe", "reaction"),
    [
        (None, False, Reaction.COUNT_CALL),
        (None, True, Reaction.CLOSE),
        (Failure.TIMEOUT, False, Reaction.COUNT_FAILURE),
        (Failure.RATE_LIMITED, False, Reaction.COUNT_FAILURE),
        (Failure.TIMEOUT, True, Reaction.REOPEN),
        (Failure.REFUSAL, False, Reaction.NOTHING),
        (Failure.REFUSAL, True, Reaction.CLOSE),
        (Failure.BAD_REQUEST, True, Reaction.RELEASE_PROBE),
        (Failure.MODEL_GONE, False, Reaction.OPEN),
        (Failure.MODEL_GONE, True, Reaction.REOPEN),
    ],
)
def test_what_the_outcome_of_a_call_does(failure: Failure | None, is_probe: bool, reaction: Reaction) -> None:
    assert reaction is after_call(failure, is_probe=is_probe)


def test_every_transition_has_a_generation_of_its_own() -> None:
    opened = Breaker("d").opened(100, 300)
    probing = opened.probing(400, 20)
    reopened = probing.reopened(410, 600)

    assert Breaker("d", State.OPEN, 1, open_until=400) == opened
    assert (State.HALF_OPEN, 2, 420) == (probing.state, probing.generation, probing.probe_until)
    assert (2, 0.0) == (probing.probe_released().generation, probing.probe_released().probe_until)
    assert (State.OPEN, 3, 1_010, 1) == (
        reopened.state,
        reopened.generation,
        reopened.open_until,
        reopened.times_reopened,
    )
    assert Breaker("d", State.CLOSED, 3) == probing.closed()
