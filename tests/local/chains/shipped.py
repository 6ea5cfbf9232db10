"""The agents that are shipped, the one that `turnkeeper new agent` writes, and a conversation with each."""

import importlib.util
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from agents.booking import agent as booking
from agents.support import agent as support
from agents.triage import agent as triage
from turnkeeper import Agent, Alternative, Model
from turnkeeper_cli.new import write_agent


def _written() -> Agent[Any]:
    with TemporaryDirectory() as folder:
        path, _ = write_agent(Path(folder), "order_desk")
        spec = importlib.util.spec_from_file_location("order_desk", Path(folder) / path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        agent: Agent[Any] = module.agent
        return agent


AGENTS: Mapping[str, Agent[Any]] = {a.name: a for a in (booking, support, triage, _written())}


@dataclass(frozen=True)
class Talk:
    """What a customer says, turn by turn, and some of the last turn's output; `calls` are the tools' calls."""

    says: Sequence[str]
    output: Mapping[str, Any]
    calls: int


TALKS: Mapping[str, Talk] = {
    "booking": Talk(
        ["I need a dentist in Wexley", "On Friday at 10:00, please"],
        {"date": "2026-11-20", "time": "10:00:00", "service_type": "dentist"},
        3,
    ),
    "support": Talk(
        ["How long does standard delivery take?", "I want a refund of $42.50 for order A-1001"],
        {"refund_id": "rf-00001"},
        2,
    ),
    "triage": Talk(["You charged my card twice for the October invoice!"], {"category": "billing"}, 0),
    "order_desk": Talk(["What are your opening hours?"], {"topic": "opening hours"}, 1),
}


def asking(agent: Agent[Any], *chain: Model) -> Agent[Any]:
    """Return an agent that asks other models."""
    return replace(agent, chain=chain, alternative=Alternative(agent.alternative.instructions, chain))
