import pytest
from turnkeeper.domain.breaker import Admit, Breaker, BreakerPolicy, State, admit, open_seconds, should_trip

POLICY = BreakerPolicy(failure_threshold=5, recovery_timeout=300)


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
        (Breaker("d", State.HALF_OPEN, 2, lease_until=101), Admit.SKIP),
        (Breaker("d", State.HALF_OPEN, 2, lease_until=100), Admit.PROBE),
        (Breaker("d", State.HALF_OPEN, 2, lease_until=0), Admit.PROBE),
    ],
)
def test_who_may_call(breaker: Breaker, may: Admit) -> None:
    assert may is admit(breaker, 100)


@pytest.mark.parametrize(("reopened", "shortest"), [(0, 300), (1, 600), (2, 1_200), (3, 1_200), (50, 1_200)])
def test_it_stays_open_longer_each_time_but_never_for_ever(reopened: int, shortest: float) -> None:
    assert shortest == open_seconds(reopened, POLICY, 0.0)
    assert shortest * 1.1 == pytest.approx(open_seconds(reopened, POLICY, 1.0))
