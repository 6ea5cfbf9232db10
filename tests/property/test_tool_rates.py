"""No sliding minute has more requests to a tool's service than its limit, however greedily the fleet asks."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from turnkeeper.adapters.memory import MemoryTable
from turnkeeper.domain.rate_limit import ToolRate
from turnkeeper.stores.rates import ToolRates

MINUTE_MS = 60_000
FEW = 6
"""From so many requests a minute on, at least 0.6 of them are sustained."""


def greedily(per_minute: int, pauses_ms: list[int]) -> list[int]:
    """Ask at every moment at which there is something new to get; returns when requests were admitted.

    The clock stands still during a moment, and jumps by the interval to the next one. This goes on for a minute before
    and after each pause.
    """
    now_ms = 1_000_000_000_000
    rates = ToolRates(MemoryTable(), lambda: now_ms / 1000)
    interval_ms, admitted = ToolRate(per_minute).interval_ms, []
    for pause_ms in [*pauses_ms, 0]:
        until_ms = now_ms + MINUTE_MS
        while now_ms <= until_ms:
            while rates.admits("orders", per_minute):
                admitted.append(now_ms)
            now_ms += interval_ms
        now_ms += pause_ms
    return admitted


@settings(deadline=None, derandomize=True, max_examples=40)
@given(st.integers(1, 700), st.lists(st.integers(0, 2 * MINUTE_MS), max_size=2))
@example(1, [MINUTE_MS])
@example(6, [0, 10_000])
@example(21, [1_000])
@example(22, [])
@example(700, [6_000])
def test_no_sliding_minute_has_more_than_the_limit(per_minute: int, pauses_ms: list[int]) -> None:
    admitted = greedily(per_minute, pauses_ms)

    after = zip(admitted, admitted[per_minute:], strict=False)
    assert not [(first, late) for first, late in after if late - first <= MINUTE_MS]
    at_once = max(per_minute // 11, min(3, per_minute // 2), 1)
    assert [admitted[0]] * at_once == admitted[:at_once]
    assert per_minute < at_once + 1 or admitted[at_once] > admitted[0]


@pytest.mark.parametrize("per_minute", [*range(FEW, 50), 100, 300, 500, 700])
def test_most_of_the_limit_is_sustained(per_minute: int) -> None:
    admitted = greedily(per_minute, [0, 0])

    last_minute = [at for at in admitted if admitted[-1] - MINUTE_MS < at]
    assert 0.6 * per_minute <= len(last_minute) <= per_minute


def test_what_comes_at_once_and_in_the_minute_after_it_is_within_every_limit() -> None:
    rates = map(ToolRate, range(1, 701))

    assert not [rate for rate in rates if rate.at_once + MINUTE_MS // rate.interval_ms > rate.per_minute]
