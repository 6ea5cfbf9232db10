"""One run: one invocation's work on a turn, with its deadline, its money, and what it has done so far."""

from dataclasses import dataclass, field
from typing import Any

from turnkeeper.agent import Agent
from turnkeeper.domain.attempt import Attempt, CallReport
from turnkeeper.domain.breaker import Breaker
from turnkeeper.domain.conversation import Exchange
from turnkeeper.domain.effect import Effect
from turnkeeper.domain.stage import Stage
from turnkeeper.domain.tier import Tier
from turnkeeper.domain.turn import Turn
from turnkeeper.runtime.run_money import RunMoney


@dataclass
class Run:
    """What a run knows and has done. `deadline` and `started_at` are seconds since the epoch.

    `stage` is the stage as the run found it: a change holds from the next run on. `history` are the conversation's
    concluded turns before this one, oldest first. `attempts_before` and `effects` are those of the turn's earlier runs;
    the run adds its own effects, and its `calls` of models. `gone` are the breakers of models that it found gone: the
    owner is told once the run has ended.
    """

    turn: Turn
    agent: Agent[Any]
    stage: Stage
    tier: Tier
    deadline: float
    money: RunMoney
    history: list[Exchange]
    started_at: float
    attempts_before: tuple[Attempt, ...] = ()
    effects: list[Effect] = field(default_factory=list)
    calls: list[CallReport] = field(default_factory=list)
    gone: list[Breaker] = field(default_factory=list)
    input_tokens: int = 0
    output_tokens: int = 0

    def may_use(self, tool: str) -> bool:
        """Whether a tool may be called: it is not stopped, or the turn began an effect with it and may finish that."""
        return not self.stage.stops_tool(tool) or any(effect.tool == tool for effect in self.effects)

    @property
    def about(self) -> dict[str, Any]:
        """The log fields that every line about this run has."""
        return about(self.turn, self.tier)


def about(turn: Turn, tier: Tier) -> dict[str, Any]:
    """The log fields that every line about a turn's run has."""
    return {
        "turn_id": turn.turn_id,
        "task_id": turn.task,
        "tenant": turn.tenant,
        "customer_id": turn.customer,
        "agent": turn.agent,
        "intent": turn.request.get("intent"),
        "tier": tier.value,
        "correlation_id": turn.correlation_id,
    }
