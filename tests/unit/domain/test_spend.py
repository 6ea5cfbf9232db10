import pytest
from hypothesis import given
from hypothesis import strategies as st
from turnkeeper.domain.spend import Counter, Limit, OverLimit, alert_room, resets_at, room, utc_day


def test_what_is_pending_is_what_is_committed_and_not_posted() -> None:
    assert 30 == Counter(committed=100, posted=70).pending


@pytest.mark.parametrize(
    ("now", "day"),
    [(0, "1970-01-01"), (86_399.999, "1970-01-01"), (86_400, "1970-01-02"), (1_772_323_200, "2026-03-01")],
)
def test_days_are_utc(now: float, day: str) -> None:
    assert day == utc_day(now)


@pytest.mark.parametrize(
    ("day", "moment"), [("2026-11-23", "2026-11-24T00:00:00Z"), ("2028-02-28", "2028-02-29T00:00:00Z")]
)
def test_a_days_limit_resets_at_the_next_midnight(day: str, moment: str) -> None:
    assert moment == resets_at(day)


@given(st.integers(0, 10**9), st.integers(0, 10**9), st.integers(0, 10**9))
def test_what_fits_in_the_room_never_passes_the_limit(limit: int, estimate: int, committed: int) -> None:
    assert (committed <= room(limit, estimate)) == (committed + estimate <= limit)


@given(st.integers(1, 10**9), st.integers(0, 10**9), st.integers(0, 10**9))
def test_the_alert_mark_is_80_percent(limit: int, estimate: int, committed: int) -> None:
    assert (committed <= alert_room(limit, estimate)) == (committed + estimate <= limit * 80 // 100)


@pytest.mark.parametrize(("committed", "left"), [(0, 100), (99, 1), (100, 0), (120, 0)])
def test_what_remains_is_never_negative(committed: int, left: int) -> None:
    assert left == OverLimit(Limit.TASK, 100, committed, "2026-11-23").remaining
