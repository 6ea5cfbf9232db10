"""The rate limit of a customer: GCRA (generic cell rate algorithm), with its one number `tat` in seconds.

Source: ATM Forum Traffic Management Specification 4.1, as used by many API gateways: `tat` is the theoretical arrival
time of the next request that conforms exactly.
"""

from dataclasses import dataclass
from enum import StrEnum


class Arrival(StrEnum):
    """How a request stands to the customer's `tat`."""

    IDLE = "idle"
    BURST = "burst"
    DENIED = "denied"


@dataclass(frozen=True, slots=True)
class RateLimit:
    """`per_minute` requests on average, `burst` of them at once."""

    per_minute: int
    burst: int

    @property
    def interval(self) -> float:
        """Seconds between two requests at the average rate."""
        return 60 / self.per_minute

    @property
    def tolerance(self) -> float:
        """Seconds that `tat` may lie ahead of now when a request arrives."""
        return self.interval * (self.burst - 1)


def arrival(tat: float | None, now: float, limit: RateLimit) -> Arrival:
    """Say which of the two conditional updates will admit a request, or that none will."""
    if tat is None or tat <= now:
        return Arrival.IDLE
    return Arrival.BURST if tat <= now + limit.tolerance else Arrival.DENIED


def retry_after(tat: float, now: float, limit: RateLimit) -> float:
    """Return seconds until a denied request would be admitted."""
    return max(0.0, tat - limit.tolerance - now)
