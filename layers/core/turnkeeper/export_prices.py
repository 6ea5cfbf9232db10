"""Exports the prices of the agents' models into a JSON file: `python -m turnkeeper.export_prices TARGET OWN [LIBRARY]`.

It runs when the layer is built, as genai-prices is too slow to import at a cold start. OWN is the owner's file of
prices, which replace those of genai-prices. An agent that cannot be imported fails the build, and so does a model
without a price.

LIBRARY is the folder that genai-prices is installed in. It is looked into once every agent is imported: before that,
what genai-prices needs would stand in for a requirement that the agents' layer lacks.
"""

import json
import sys
from collections.abc import Iterable, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

from turnkeeper.adapters.agents import agent, agent_names
from turnkeeper.agent import Agent, AgentError, Model
from turnkeeper.domain.money import price_from_json
from turnkeeper.errors import BrokenAgent

_FIELDS = {
    "input": "input_mtok",
    "output": "output_mtok",
    "cache_read": "cache_read_mtok",
    "cache_write": "cache_write_mtok",
}


def price_of(model: Model) -> dict[str, Any]:
    """Return the public price of a model, in dollars per million tokens; raises LookupError when there is none.

    The shape is that of `price_from_json`: {"input": "0.40", "output": "1.60", ...}, with tiers where it has them.
    """
    from genai_prices import Usage, calc_price  # noqa: PLC0415 - needed at build time only

    provider = model.asked_at.prices
    if not provider:
        raise LookupError(model.id)

    price = calc_price(Usage(input_tokens=1), model.known_as, provider_id=provider).model_price
    found = {name: getattr(price, field, None) for name, field in _FIELDS.items()}
    if found["input"] is None or found["output"] is None:
        raise LookupError(model.id)
    rates = {name: _rate(rate) for name, rate in found.items() if rate is not None}
    if price_from_json(rates).is_free:  # free needs the owner's word: with a price of 0 by mistake, no limit would hold
        raise LookupError(model.id)
    return rates


def _rate(rate: Any) -> Any:
    if isinstance(rate, Decimal):
        return str(rate)
    return {"base": str(rate.base), "tiers": [{"start": t.start, "price": str(t.price)} for t in rate.tiers]}


def export(models: Iterable[Model], own: Mapping[str, Any]) -> dict[str, Any]:
    """Return the prices by model id, `own` before public ones; raises LookupError, which says what to write."""
    prices: dict[str, Any] = {}
    for model in models:
        try:
            prices[model.id] = own.get(model.id) or price_of(model)
            price = price_from_json(prices[model.id])
        except (LookupError, TypeError, ValueError) as error:
            raise LookupError(
                f"{model.id} has no price: write it into layers/agents/prices.json, in dollars per million tokens, as "
                f'{{"{model.id}": {{"input": "0.40", "output": "1.60"}}}}'
            ) from error
        if price.served(model.service_tier) is None:
            tier = f'"service_tiers": {{"{model.service_tier}": {{"input": "...", "output": "..."}}}}'
            raise LookupError(f"{model.id} has no price in its service tier: write it into its price as {tier}")
    return prices


def load_agents() -> list[Agent[Any]]:
    """Import every agent; raises ImportError with a line for each that cannot be imported, and what to do."""
    agents, faults = [], []
    for name in agent_names():
        try:
            agents.append(agent(name))
        except BrokenAgent as broken:
            faults.append(f"layers/agents/{broken.place}: {_told(broken.__cause__)}")
    if faults:
        raise ImportError("\n".join(faults))
    return agents


def _told(error: BaseException | None) -> str:
    told = error.msg if isinstance(error, SyntaxError) else str(error)
    told = " ".join(told.split())
    match error:
        case AgentError():
            return told
        case ModuleNotFoundError(name=str(name)) if name.partition(".")[0] not in {"agents", "turnkeeper"}:
            return f"{told}: run `uv add --group agents PACKAGE` with the package that has it, then `make layers`"
        case _:
            return f"{type(error).__name__}: {told}"


def main(target: str, own: str = "", library: str = "") -> None:
    """Write the prices of every model of every agent to the file `target`; exits with what to do if that cannot be."""
    file = Path(own)
    mine = json.loads(file.read_text()) if own and file.exists() else {}
    try:
        models = {m.id: m for one in load_agents() for m in one.models}
        sys.path += [library] if library else []
        prices = export([models[name] for name in sorted(models)], mine)
    except (ImportError, LookupError) as error:
        sys.exit(str(error.args[0]))
    Path(target).write_text(json.dumps(prices, indent=2) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
