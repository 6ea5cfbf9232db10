"""Reads what models cost: the prices that the agents' layer carries."""

import json
from collections.abc import Mapping
from importlib.resources import files

from turnkeeper.domain.money import Price, price_from_json


def load_prices() -> Mapping[str, Price]:
    """Return the layer's prices by model id; a stage's own prices go before them."""
    prices = json.loads(files("agents").joinpath("prices.json").read_text())
    return {model: price_from_json(price) for model, price in prices.items()}
