"""Exports what the agents' chains cost out of genai-prices into prices.json: `python -m turnkeeper.export_prices FILE`.

Run when the layer is built, with genai-prices installed; it is too slow to import at a cold start. A model without a
price fails the build.
"""

import json
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

from turnkeeper.adapters.agents import agent, agent_names
from turnkeeper.agent import Model

_PROVIDERS = {"openai": "openai", "anthropic": "anthropic", "bedrock": "aws"}
_FIELDS = {
    "input": "input_mtok",
    "output": "output_mtok",
    "cache_read": "cache_read_mtok",
    "cache_write": "cache_write_mtok",
}


def price_of(model: Model) -> dict[str, Any]:
    """Look a model's price up; raises LookupError when there is none."""
    from genai_prices import Usage, calc_price  # noqa: PLC0415 - needed at build time only

    price = calc_price(Usage(input_tokens=1), model.name, provider_id=_PROVIDERS[model.provider]).model_price
    found = {name: getattr(price, field, None) for name, field in _FIELDS.items()}
    if found["input"] is None or found["output"] is None:
        raise LookupError(f"{model.id} has no price of input and output tokens")
    return {name: _rate(rate) for name, rate in found.items() if rate is not None}


def _rate(rate: Any) -> Any:
    if isinstance(rate, Decimal):
        return str(rate)
    return {"base": str(rate.base), "tiers": [{"start": t.start, "price": str(t.price)} for t in rate.tiers]}


def main(target: str) -> None:
    """Write prices.json for every model of every agent."""
    models = {m.id: m for name in agent_names() for m in agent(name).models}
    prices = {name: price_of(model) for name, model in sorted(models.items())}
    Path(target).write_text(json.dumps(prices, indent=2) + "\n")


if __name__ == "__main__":
    main(sys.argv[1])
