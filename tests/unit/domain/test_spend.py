import pytest
from hypothesis import given
from hypothesis import strategies as st
from turnkeeper.domain.spend import (
    Counter,
    Limit,
    Limits,
    OverLimit,
    Override,
    alert_headroom,
    alert_is_due,
    headroom,
    month_of,
    month_resets_at,
    resets_at,
    utc_day,
)


def test_what_is_pending_is_what_is_committed_and_not_posted() -> None:
    assert 30 == Counter(committed_micro_usd=100, posted_micro_usd=70).pending_micro_usd


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


@pytest.mark.parametrize(
    ("day", "moment"),
    [
        ("2026-11-30", "2026-12-01T00:00:00Z"),
        ("2026-12-01", "2027-01-01T00:00:00Z"),
        ("2027-01-31", "2027-02-01T00:00:00Z"),
        ("2028-02-29", "2028-03-01T00:00:00Z"),
    ],
)
def test_a_months_limit_resets_on_the_first_of_the_next(day: str, moment: str) -> None:
    assert moment == month_resets_at(month_of(day))


@pytest.mark.parametrize(
    ("limit", "moment"),
    [
        (Limit.TASK, None),
        (Limit.CUSTOMER_DAY, "2026-11-24T00:00:00Z"),
        (Limit.CUSTOMER_MONTH, "2026-12-01T00:00:00Z"),
        (Limit.TENANT_DAY, "2026-11-24T00:00:00Z"),
        (Limit.STACK_DAY, "2026-11-24T00:00:00Z"),
    ],
)
def test_a_refusal_tells_when_its_limit_starts_afresh(limit: Limit, moment: str | None) -> None:
    assert moment == OverLimit(limit, 100, 100, "2026-11-23").resets_at


@pytest.mark.parametrize("limit", Limit)
def test_a_refusal_tells_what_remains_unless_other_tenants_spent_of_it(limit: Limit) -> None:
    assert (0 if limit is Limit.STACK_DAY else 60) == OverLimit(limit, 100, 40, "2026-11-23").told_remaining_micro_usd


@given(st.integers(0, 10**9), st.integers(0, 10**9), st.integers(0, 10**9))
def test_what_fits_into_the_headroom_never_passes_the_limit(limit: int, reserved: int, committed: int) -> None:
    assert (committed <= headroom(limit, reserved)) == (committed + reserved <= limit)


@given(st.integers(1, 10**9), st.integers(0, 10**9), st.integers(0, 10**9))
def test_the_alert_is_due_above_80_percent_and_once(limit: int, reserved: int, committed: int) -> None:
    above = committed + reserved > limit * 80 // 100

    assert (
        above
        == alert_is_due(limit, committed, reserved, alerted=False)
        == (committed > alert_headroom(limit, reserved))
    )
    assert not alert_is_due(limit, committed, reserved, alerted=True)


def test_a_later_override_goes_before_an_earlier_one_and_leaves_out_what_it_does_not_name() -> None:
    limits = Limits(500, 5_000, 90_000)

    assert Limits(200, 7_000, 90_000) == limits.overridden(Override(100, 7_000), Override(task_micro_usd=200))
    assert limits == limits.overridden()
    assert Limits(0, 5_000, 90_000) == limits.overridden(Override(task_micro_usd=0))


def test_an_override_may_set_a_limit_that_is_off() -> None:
    month = Limits(500, 5_000).overridden(Override(customer_month_micro_usd=60_000))

    assert Limits(500, 5_000, customer_month_micro_usd=60_000) == month
    assert {Limit.TASK: 500, Limit.CUSTOMER_DAY: 5_000, Limit.CUSTOMER_MONTH: 60_000} == month.amounts()


@pytest.mark.parametrize(("committed", "left"), [(0, 100), (99, 1), (100, 0), (120, 0)])
def test_what_remains_is_never_negative(committed: int, left: int) -> None:
    assert left == OverLimit(Limit.TASK, 100, committed, "2026-11-23").remaining_micro_usd
