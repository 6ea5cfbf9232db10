"""The prices of the models in the chains, exported from genai-prices when the layer is built, and the owner's own."""

import json
from collections.abc import Mapping
from importlib.resources import files

from turnkeeper.domain.money import Price, price_from_json


def load_prices(own: str = "") -> Mapping[str, Price]:
    """Read the prices that the agents' layer carries; `own`, the variable PRICES, goes before them."""
    mine = read_prices(own or "{}")
    return {**read_prices(files("agents").joinpath("prices.json").read_text()), **mine}


def read_prices(text: str) -> dict[str, Price]:
    """Read prices by model; raises ValueError, which says what to write."""
    try:
        return {model: price_from_json(price) for model, price in json.loads(text).items()}
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise ValueError('PRICES: write it like {"openai:my-model": {"input": "0.40", "output": "1.60"}}') from error
