"""What an answered call cost, priced as it was billed: by the model that answered, and the tier that served it."""

from collections.abc import Callable
from dataclasses import dataclass

from turnkeeper.domain.chat import ModelReply, Usage
from turnkeeper.domain.model_names import is_same_model
from turnkeeper.domain.money import Price


@dataclass(frozen=True, slots=True)
class Bill:
    """What a call cost in micro-dollars, None where that is not known, and what the owner is to be told, or ""."""

    cost_micro_usd: int | None
    warning: str = ""


def bill(asked: str, reply: ModelReply, price_of: Callable[[str], Price | None], *, renames_models: bool) -> Bill:
    """Return the bill of a call; `price_of` returns the price of a model by its provider's name for it, or None.

    With `renames_models` its server names other models than were asked, and means no other.
    """
    says_other = bool(reply.model) and not renames_models and reply.model != asked
    is_other = says_other and not is_same_model(asked, reply.model)
    price = (price_of(reply.model) if says_other else None) or (None if is_other else price_of(asked))
    other = f"{reply.model} answered in the place of {asked}" if is_other else ""
    served = price.served(reply.service_tier) if price else None
    if reply.usage is None:
        return Bill(None, other)
    if price is None:
        return Bill(None, f"{other}, and has no price: the estimate is counted")
    if served is None:
        tier = f"the service tier {reply.service_tier} of {asked} has no price: the estimate is counted"
        return Bill(None, " and ".join(filter(None, [other, tier])))
    return Bill(_cost(served, reply.usage), other)


def _cost(price: Price, usage: Usage) -> int:
    return price.cost(
        input_tokens=usage.input_tokens,
        output_tokens=usage.output_tokens,
        cache_read=usage.cache_read_tokens,
        cache_write=usage.cache_write_tokens,
    )
