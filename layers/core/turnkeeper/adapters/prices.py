"""The prices of the models in the chains, exported from genai-prices when the layer is built, and the owner's own."""

import json
from collections.abc import Mapping
from importlib.resources import files

from turnkeeper.domain.money import Price, price_from_json


def load_prices(own: str = "") -> Mapping[str, Price]:
    """Read the prices that the agents' layer carries; `own` (JSON of the same form) goes before them."""
    shipped = files("agents").joinpath("prices.json").read_text()
    raw = {**json.loads(shipped), **json.loads(own or "{}")}
    return {model: price_from_json(price) for model, price in raw.items()}
