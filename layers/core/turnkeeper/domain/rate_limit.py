"""The rate limits of customers, models and tools' services, by the generic cell rate algorithm (GCRA).

All of its state is one number, `tat`: the theoretical arrival time (seconds since the epoch) of the next request, if
requests came exactly at the average rate. Source: ATM Forum Traffic Management Specification 4.1.
"""

from dataclasses import dataclass
from enum import StrEnum


class Arrival(StrEnum):
    """How a request relates to the customer's `tat`: after it, before it but within the burst, or too early."""

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
        """How many seconds `tat` may be ahead of the clock when a request is admitted."""
        return self.interval * (self.burst - 1)


def arrival(tat: float | None, now: float, limit: RateLimit) -> Arrival:
    """Decide which of the two conditional updates can admit a request, or that neither can."""
    if tat is None or tat <= now:
        return Arrival.IDLE
    return Arrival.BURST if tat <= now + limit.tolerance else Arrival.DENIED


def denied_for_s(tat: float, now: float, limit: RateLimit) -> float:
    """Return the seconds until a denied request would be admitted."""
    return max(0.0, tat - limit.tolerance - now)


@dataclass(frozen=True, slots=True)
class ModelRate:
    """How much of a model, or of a tool's service, the fleet may use in a minute; None means no limit of ours."""

    requests: int | None = None
    tokens: int | None = None

    def seconds(self, tokens: int) -> dict[str, float]:
        """Return by how many seconds one call of `tokens` tokens moves the `tat` of each limit.

        In one minute, calls can move `tat` by the minute itself and by the burst that was free when it began. So the
        limit is spread over 60 s plus the burst; spread over 60 s, a minute could admit a tenth more than the limit.
        """
        moves = {}
        if self.requests:
            moves["requests"] = (60 + MODEL_BURST_S) / self.requests
        if self.tokens:
            moves["tokens"] = (60 + MODEL_BURST_S) * tokens / self.tokens
        return moves

    def never_admits(self, tokens: int) -> bool:
        """Whether one call alone has more tokens than a minute allows: the provider would refuse it too."""
        return self.tokens is not None and tokens > self.tokens


MODEL_BURST_S = 6.0
"""How many seconds the `tat` of a model or a service may be ahead after a call: a tenth of a minute comes at once."""
