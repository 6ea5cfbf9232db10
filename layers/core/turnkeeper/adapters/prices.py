"""Reads what models cost: the prices that the agents' layer carries, and those of the owner."""

import json
from collections.abc import Mapping
from importlib.resources import files

from turnkeeper.domain.money import Price, price_from_json


def load_prices(own: str = "") -> Mapping[str, Price]:
    """Return prices by model id; those in `own`, the JSON text of the variable PRICES, replace those of the layer."""
    mine = read_prices(own or "{}")
    return {**read_prices(files("agents").joinpath("prices.json").read_text()), **mine}


def read_prices(text: str) -> dict[str, Price]:
    """Read prices by model id from JSON text; raises ValueError, which says what to write."""
    try:
        return {model: price_from_json(price) for model, price in json.loads(text).items()}
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise ValueError('PRICES: write it like {"openai:my-model": {"input": "0.40", "output": "1.60"}}') from error
