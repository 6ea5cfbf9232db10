"""The rate limits of customers and of models: GCRA (generic cell rate algorithm), with its one number `tat` in seconds.

Source: ATM Forum Traffic Management Specification 4.1, as used by many API gateways: `tat` is the theoretical arrival
time of the next request that conforms exactly.
"""

import json
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


@dataclass(frozen=True, slots=True)
class ModelRate:
    """What a model's provider admits in a minute, for the whole fleet; None where we set no limit."""

    requests: int | None = None
    tokens: int | None = None

    def seconds(self, tokens: int) -> dict[str, float]:
        """Return how far one call of so many tokens moves each `tat`.

        A minute admits what is ahead at its beginning, and what a minute brings: both together are the limit.
        """
        moves = {}
        if self.requests:
            moves["requests"] = (60 + MODEL_BURST_S) / self.requests
        if self.tokens:
            moves["tokens"] = (60 + MODEL_BURST_S) * tokens / self.tokens
        return moves

    def never_admits(self, tokens: int) -> bool:
        """Whether one call alone is more than a minute's tokens: its provider would refuse it too."""
        return self.tokens is not None and tokens > self.tokens


MODEL_BURST_S = 6.0
"""Seconds that a model's `tat` may lie ahead after a call: about a tenth of a minute's calls at once."""


def model_rates(text: str) -> dict[str, ModelRate]:
    """Read `{"openai:gpt-5.4-mini": {"requests": 500, "tokens": 200000}, "anthropic:*": ...}`; raises ValueError."""
    try:
        raw = json.loads(text or "{}")
        rates = {name: ModelRate(**limits) for name, limits in raw.items()}
    except (ValueError, TypeError, AttributeError) as error:
        raise ValueError('write it like {"openai:*": {"requests": 500, "tokens": 200000}}') from error
    for name, rate in rates.items():
        numbers = [n for n in (rate.requests, rate.tokens) if n is not None]
        if ":" not in name or not numbers or any(not isinstance(n, int) or n <= 0 for n in numbers):
            raise ValueError(f"{name}: give requests, tokens or both, as whole numbers above 0")
    return rates
