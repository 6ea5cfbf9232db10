"""Money as integer micro-dollars, always rounded up, and the prices of models."""

from collections.abc import Mapping
from dataclasses import dataclass, field
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

    def highest(self, input_tokens: int) -> Decimal:
        """Return the highest rate for a call that reads at most `input_tokens`."""
        return max([self.base, *(rate for start, rate in self.tiers if input_tokens > start)])


_USUAL_TIERS = frozenset({"", "auto", "default", "standard", "standard_only", "on_demand", "flex", "batch"})
"""The service tiers that no provider bills above its usual price."""


@dataclass(frozen=True, slots=True)
class Price:
    """What a model costs. Where a provider has no price for cached tokens, it bills them as input.

    `service_tiers` are the prices of tiers that a provider bills differently, such as OpenAI's `priority`.
    """

    input: Rate
    output: Rate
    cache_read: Rate | None = None
    cache_write: Rate | None = None
    service_tiers: Mapping[str, "Price"] = field(default_factory=dict)

    def served(self, tier: str) -> "Price | None":
        """Return the price in a service tier; None where that is not known."""
        return self.service_tiers.get(tier) or (self if tier in _USUAL_TIERS else None)

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
        rates = (self.input, self.cache_read, self.cache_write)
        read = max(rate.highest(input_tokens) for rate in rates if rate)
        exact = input_tokens * read + output_tokens * self.output.highest(input_tokens)
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
    `service_tiers`, where it stands beside them, has such prices by the name of a tier.
    """
    cached = {name: _rate(raw[name]) for name in ("cache_read", "cache_write") if raw.get(name) is not None}
    tiers = {str(name): price_from_json(tier) for name, tier in raw.get("service_tiers", {}).items()}
    return Price(_rate(raw["input"]), _rate(raw["output"]), **cached, service_tiers=tiers)
