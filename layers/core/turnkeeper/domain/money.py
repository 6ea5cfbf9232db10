"""Money as integer micro-dollars, always rounded up, and the prices of models."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal, InvalidOperation
from typing import Any

MICRO = 1_000_000
"""Micro-dollars in a dollar."""


def micro_usd(dollars: str | Decimal) -> int:
    """Read an amount of dollars, such as "0.50", as micro-dollars; raises ValueError unless finite and >= 0."""
    return int((_amount(dollars) * MICRO).to_integral_value(ROUND_CEILING))


def _amount(dollars: str | Decimal) -> Decimal:
    try:
        amount = Decimal(dollars)
    except InvalidOperation:
        amount = Decimal("NaN")
    if not amount.is_finite() or amount < 0:
        raise ValueError(f"not an amount of dollars: {dollars!r} (write it like 0.50)")
    return amount


def format_usd(micro: int) -> str:
    """Write micro-dollars as dollars with six places, as the API does."""
    sign = "-" if micro < 0 else ""
    return f"{sign}{abs(micro) // MICRO}.{abs(micro) % MICRO:06d}"


@dataclass(frozen=True, slots=True)
class Rate:
    """Micro-dollars per token (the same figure as dollars per million tokens), depending on the size of the input.

    `tiers` are (start, rate) in order: if the input has more than `start` tokens, every token of it costs `rate`.
    """

    base: Decimal
    tiers: tuple[tuple[int, Decimal], ...] = ()

    def at(self, input_tokens: int) -> Decimal:
        """Return the rate for a call that reads `input_tokens`."""
        return next((rate for start, rate in reversed(self.tiers) if input_tokens > start), self.base)

    def highest(self) -> Decimal:
        """Return the highest rate, whatever the size of the input."""
        return max(self.base, *(rate for _, rate in self.tiers)) if self.tiers else self.base


@dataclass(frozen=True, slots=True)
class Price:
    """What a model costs. Where a provider has no price for cached tokens, it bills them as input."""

    input: Rate
    output: Rate
    cache_read: Rate | None = None
    cache_write: Rate | None = None

    def cost(self, *, input_tokens: int, output_tokens: int, cache_read: int = 0, cache_write: int = 0) -> int:
        """Return what a call costs in micro-dollars; `input_tokens` includes the cached tokens."""
        at = input_tokens
        plain = input_tokens - cache_read - cache_write
        exact = (
            plain * self.input.at(at)
            + cache_read * (self.cache_read or self.input).at(at)
            + cache_write * (self.cache_write or self.input).at(at)
            + output_tokens * self.output.at(at)
        )
        return int(exact.to_integral_value(ROUND_CEILING))

    def worst_case(self, *, input_tokens: int, output_tokens: int) -> int:
        """Return the most that a call with at most so many tokens can cost, in micro-dollars."""
        read = max(rate.highest() for rate in (self.input, self.cache_read, self.cache_write) if rate)
        exact = input_tokens * read + output_tokens * self.output.highest()
        return int(exact.to_integral_value(ROUND_CEILING))

    @property
    def is_free(self) -> bool:
        """Whether the owner priced the model at zero."""
        return self.worst_case(input_tokens=MICRO, output_tokens=MICRO) == 0


def _rate(raw: Any) -> Rate:
    if isinstance(raw, Mapping):
        tiers = tuple((int(t["start"]), _amount(str(t["price"]))) for t in raw.get("tiers", ()))
        return Rate(_amount(str(raw["base"])), tuple(sorted(tiers)))
    return Rate(_amount(str(raw)))


def price_from_json(raw: Mapping[str, Any]) -> Price:
    """Read `{"input": "0.4", "output": "1.6", "cache_read"?, "cache_write"?}`; raises ValueError or KeyError.

    Each price is in dollars per million tokens, or `{"base": "0.4", "tiers": [{"start": 200000, "price": "0.8"}]}`.
    """
    cached = {name: _rate(raw[name]) for name in ("cache_read", "cache_write") if raw.get(name) is not None}
    return Price(_rate(raw["input"]), _rate(raw["output"]), **cached)
