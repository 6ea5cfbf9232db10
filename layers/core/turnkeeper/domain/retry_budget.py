"""A token bucket for retries: each call earns a tenth of a retry, so an outage adds at most a tenth to the calls."""

from threading import Lock

EARNED = 0.1
"""Retries that one call earns."""

MOST = 10.0
"""Retries that can be saved up."""


class RetryBudget:
    """The retries that one environment may make, shared by all its calls; it starts empty."""

    def __init__(self) -> None:
        self._tokens = 0.0
        self._lock = Lock()

    def earn(self) -> None:
        """Add what one call earns."""
        with self._lock:
            self._tokens = min(MOST, self._tokens + EARNED)

    def spend(self) -> bool:
        """Take one retry; returns False when there is none."""
        with self._lock:
            if self._tokens < 1 - 1e-9:  # as floats, ten times 0.1 add up to a little less than 1
                return False
            self._tokens -= 1
            return True
