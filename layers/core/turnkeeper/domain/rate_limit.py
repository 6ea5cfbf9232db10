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
    """How much of a model the fleet may use in a minute; None means no limit of ours."""

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
"""How many seconds the `tat` of a model may be ahead after a call: a tenth of a minute comes at once."""

_MINUTE_MS = 60_000
_PART_AT_ONCE, _FEW_AT_ONCE = 11, 3


@dataclass(frozen=True, slots=True)
class ToolRate:
    """How many requests the fleet may send to a tool's service: in no minute more than `per_minute`.

    Each request moves `tat` by the interval, and is admitted if `tat` is then at most `at_once` intervals ahead. After
    the first of m requests `tat` is at least one interval ahead of it, and after the last at least m intervals; it is
    at most `at_once` intervals ahead of the last. So m is at most `at_once` and the intervals between the first and the
    last: in 60 s, as an interval is longer than 60 s / (per_minute + 1 - at_once), at most `per_minute`.
    """

    per_minute: int

    @property
    def at_once(self) -> int:
        """How many come at once after a pause: an eleventh of a minute's, or 3 and at most half of few."""
        return max(self.per_minute // _PART_AT_ONCE, min(_FEW_AT_ONCE, self.per_minute // 2), 1)

    @property
    def interval_ms(self) -> int:
        """Milliseconds between two requests that go on without a pause."""
        return _MINUTE_MS // (self.per_minute + 1 - self.at_once) + 1
