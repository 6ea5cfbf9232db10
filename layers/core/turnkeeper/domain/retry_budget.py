"""A token bucket for retries: each call earns a tenth of one, so an outage is never met with many more calls."""

from threading import Lock

EARNED = 0.1
MOST = 10.0


class RetryBudget:
    """Shared by all the calls of one environment; it starts empty."""

    def __init__(self) -> None:
        self._tokens = 0.0
        self._lock = Lock()

    def earn(self) -> None:
        """Add what one call earns."""
        with self._lock:
            self._tokens = min(MOST, self._tokens + EARNED)

    def spend(self) -> bool:
        """Take one retry; False when there is none."""
        with self._lock:
            if self._tokens < 1 - 1e-9:  # ten times 0.1 is a little less than 1
                return False
            self._tokens -= 1
            return True
