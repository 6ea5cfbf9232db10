"""What `booking` reserves, thinks and costs on its own chain: `python -m tests.local.chains.figures [CONVERSATIONS]`.

It plays conversations of the data set (SGD_DATA) with the real runtime against the strict double, at public prices.
"""

import os
import statistics
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from turnkeeper import Agent
from turnkeeper.domain.money import format_usd
from turnkeeper.export_prices import price_of

from infra.local import sgd
from infra.local.model_provider.annotated import Annotations
from infra.local.model_provider.brain import Brain
from infra.local.tools_service.app import ToolsService
from tests.local.chains.chain import Deployment, Double, Json
from tests.local.chains.shipped import AGENTS
from tests.local.chats import serving
from tests.support.world import customer

_USUAL = 10
_CUT = ("max_output_tokens", "length", "max_tokens")


def public_prices(agent: Agent[Any]) -> dict[str, Any]:
    """What the models of an agent cost, by id, in dollars per million tokens."""
    return {model.id: price_of(model) for model in agent.models}


@dataclass
class Figures:
    """What was counted: amounts are micro-dollars."""

    turns: int = 0
    reserved: list[int] = field(default_factory=list)
    cost: list[int] = field(default_factory=list)
    thinking: list[int] = field(default_factory=list)
    written: list[int] = field(default_factory=list)
    cut: int = 0

    def __str__(self) -> str:
        """The figures, a line each."""
        of = {
            "turns": self.turns,
            "calls": len(self.reserved),
            "largest reservation of a call, dollars": format_usd(max(self.reserved)),
            "median reservation of a call, dollars": format_usd(round(statistics.median(self.reserved))),
            "median cost of a call, dollars": format_usd(round(statistics.median(self.cost))),
            "truncated replies": self.cut,
            "median thinking of a call, tokens": statistics.median(self.thinking),
            "most written by a call (thinking included), tokens": max(self.written),
        }
        return "\n".join(f"{name:52} {value}" for name, value in of.items())


def measure(dialogues: Sequence[sgd.Dialogue]) -> Figures:
    """Play conversations, each of a customer of its own."""
    found, agent, double = Figures(), AGENTS["booking"], Double(brain=Brain(Annotations(dialogues)))
    tools = ToolsService(list(dialogues))
    with serving(double) as url:
        world = Deployment(double, url, agent, tools=tools, prices=public_prices(agent))
        for number, dialogue in enumerate(dialogues):
            _play(world, dialogue, f"customer-{number}", found)
    found.thinking = [call["thinking"] for call in double.calls()]
    found.written = [call["tokens_out"] for call in double.calls()]
    found.cut = sum(is_cut(exchange.answer) for exchange in double.exchanges)
    assert [] == double.refused()
    return found


def _play(world: Deployment, dialogue: sgd.Dialogue, name: str, found: Figures) -> None:
    body: dict[str, Any] = {}
    for said in dialogue.turns:
        turn = world.says(said["user"], who=customer(name), **body)
        body = {"conversation_id": turn["conversation_id"]}
        whole = world.services.stores.turns.whole(turn["turn_id"])
        assert whole is not None
        found.turns += 1
        found.reserved += [r.reserved_micro_usd for r in whole.reservations]
        found.cost += [r.actual_micro_usd for r in whole.reservations]
        world.later(60)


def is_cut(answer: Json) -> bool:
    """Whether an answer of any wire was cut off at its limit."""
    incomplete, choice = answer.get("incomplete_details") or {}, (answer.get("choices") or [{}])[0]
    words = (incomplete.get("reason"), choice.get("finish_reason"), answer.get("stop_reason"), answer.get("stopReason"))
    return any(word in _CUT for word in words)


if __name__ == "__main__":
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        os.environ.setdefault(name, "local")
    many = int(sys.argv[1]) if len(sys.argv) > 1 else _USUAL
    print(measure(list(islice(sgd.load(), many))))  # noqa: T201 - it is asked for figures
