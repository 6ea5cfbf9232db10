from hypothesis import given
from hypothesis import strategies as st
from turnkeeper.domain.rate_limit import Arrival, RateLimit, arrival, denied_for_s

LIMIT = RateLimit(per_minute=60, burst=3)
limits = st.builds(RateLimit, per_minute=st.integers(1, 6_000), burst=st.integers(1, 100))


def admitted(limit: RateLimit, moments: list[float]) -> list[bool]:
    """Play arrivals, as the table's two updates do."""
    tat: float | None = None
    admitted = []
    for now in moments:
        kind = arrival(tat, now, limit)
        admitted.append(kind is not Arrival.DENIED)
        if kind is Arrival.IDLE:
            tat = now + limit.interval
        elif kind is Arrival.BURST:
            tat = (tat or 0) + limit.interval
    return admitted


def test_a_burst_is_admitted_at_once_and_no_more() -> None:
    assert [True, True, True, False, False] == admitted(LIMIT, [100.0] * 5)


def test_after_a_burst_one_is_admitted_each_interval() -> None:
    assert [True, True, True, False, True, False] == admitted(LIMIT, [100, 100, 100, 100.5, 101, 101.5])


def test_who_waits_as_told_is_admitted() -> None:
    tat = 100 + 3 * LIMIT.interval

    assert Arrival.DENIED is arrival(tat, 100.2, LIMIT)
    assert Arrival.BURST is arrival(tat, 100.2 + denied_for_s(tat, 100.2, LIMIT), LIMIT)


def test_who_was_away_has_no_more_than_the_burst() -> None:
    assert [True] * 4 + [False] == admitted(LIMIT, [0, 1_000, 1_000, 1_000, 1_000])


@given(limits, st.lists(st.floats(0, 120), max_size=200).map(sorted))
def test_no_window_admits_more_than_the_burst_and_the_rate(limit: RateLimit, moments: list[float]) -> None:
    let_in = [now for now, ok in zip(moments, admitted(limit, moments), strict=True) if ok]

    for i, start in enumerate(let_in):
        inside = sum(now <= start + 10 for now in let_in[i:])
        assert inside <= limit.burst + 10 / limit.interval + 1
