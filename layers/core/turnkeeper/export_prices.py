"""Exports what the agents' chains cost into prices.json: `python -m turnkeeper.export_prices TARGET [OWN]`.

Run when the layer is built, with genai-prices installed; it is too slow to import at a cold start. OWN is the owner's
file of prices, which go before those of genai-prices. A model without a price fails the build.
"""

import json
import sys
from collections.abc import Iterable, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

from turnkeeper.adapters.agents import agent, agent_names
from turnkeeper.agent import Model
from turnkeeper.domain.money import price_from_json
from turnkeeper.domain.providers import PROVIDERS

_FIELDS = {
    "input": "input_mtok",
    "output": "output_mtok",
    "cache_read": "cache_read_mtok",
    "cache_write": "cache_write_mtok",
}


def price_of(model: Model) -> dict[str, Any]:
    """Look a model's price up; raises LookupError when there is none."""
    from genai_prices import Usage, calc_price  # noqa: PLC0415 - needed at build time only

    price = calc_price(Usage(input_tokens=1), model.name, provider_id=PROVIDERS[model.provider]).model_price
    found = {name: getattr(price, field, None) for name, field in _FIELDS.items()}
    if found["input"] is None or found["output"] is None:
        raise LookupError(model.id)
    rates = {name: _rate(rate) for name, rate in found.items() if rate is not None}
    if price_from_json(rates).is_free:  # only its owner can say so: a silent zero would be no limit at all
        raise LookupError(model.id)
    return rates


def _rate(rate: Any) -> Any:
    if isinstance(rate, Decimal):
        return str(rate)
    return {"base": str(rate.base), "tiers": [{"start": t.start, "price": str(t.price)} for t in rate.tiers]}


def export(models: Iterable[Model], own: Mapping[str, Any]) -> dict[str, Any]:
    """Return the price of each model; raises LookupError, which says what to write, where there is none."""
    prices: dict[str, Any] = {}
    for model in models:
        try:
            prices[model.id] = own.get(model.id) or price_of(model)
            price_from_json(prices[model.id])
        except (LookupError, TypeError, ValueError) as error:
            raise LookupError(
                f"{model.id} has no price: write it into layers/agents/prices.json, in dollars a million tokens, as "
                f'{{"{model.id}": {{"input": "0.40", "output": "1.60"}}}}'
            ) from error
    return prices


def main(target: str, own: str = "") -> None:
    """Write prices.json for every model of every agent."""
    file = Path(own)
    mine = json.loads(file.read_text()) if own and file.exists() else {}
    models = {m.id: m for name in agent_names() for m in agent(name).models}
    try:
        prices = export([models[name] for name in sorted(models)], mine)
    except LookupError as error:
        sys.exit(str(error.args[0]))
    Path(target).write_text(json.dumps(prices, indent=2) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
