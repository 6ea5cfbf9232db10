"""What operators look at: an escalation, with everything that a person needs to answer it."""

from dataclasses import dataclass
from typing import Any, cast

from turnkeeper.agent import Agent
from turnkeeper.domain.attempt import Attempt
from turnkeeper.domain.effect import EffectState
from turnkeeper.domain.escalation import Escalation
from turnkeeper.domain.money import format_usd
from turnkeeper.domain.tier import Tier
from turnkeeper.domain.turn import Status
from turnkeeper.errors import BrokenAgent, EscalationNotFound, NotFound
from turnkeeper.outside import Outside
from turnkeeper.runtime.health import breaker_views
from turnkeeper.runtime.lookups import Lookups
from turnkeeper.runtime.operators import Operator, Operators
from turnkeeper.runtime.views import (
    AttemptView,
    CallView,
    EffectStatus,
    EscalationDetails,
    TurnView,
    turn_view,
)
from turnkeeper.stores.bundle import Stores


@dataclass(frozen=True, slots=True)
class EscalationContext:
    """An escalation, and what a person should know about it."""

    escalation: Escalation
    details: EscalationDetails


class Context:
    """Gathers what operators look at."""

    def __init__(self, stores: Stores, outside: Outside, operators: Operators, lookups: Lookups) -> None:
        self._stores, self._outside, self._clock = stores, outside, outside.clock
        self._operators, self._lookups = operators, lookups

    def of_escalation(self, who: Operator, turn_id: str) -> EscalationContext:
        """Gather one escalation: the conversation, what was tried and why it failed, the spending, the open breakers.

        Raises EscalationNotFound.
        """
        turn, escalation = self._operators.find(who, turn_id)
        agent = self._agent(turn.agent)
        whole = self._stores.turns.whole(turn_id)
        if whole is None:
            raise EscalationNotFound(f"there is no escalation {turn_id}")
        view = turn_view(
            turn,
            status=whole.waiting_status,
            cost_micro_usd=whole.cost_micro_usd,
            latency_ms=round((self._clock() - turn.created_at) * 1000),
            reason=escalation.reason,
        )
        dependencies = agent.dependencies if agent else ()
        said = self._stores.conversations.recent(turn.tenant, turn.conversation)
        details: EscalationDetails = {
            "turn": cast(TurnView, turn.outcome) if turn.is_done else view,
            "message": turn.message,
            "metadata": turn.request.get("metadata") or {},
            "conversation": [{"message": e.user, "reply": e.reply or None, "status": Status(e.status)} for e in said],
            "attempts": [_attempt(a) for a in whole.attempts],
            "effects": [
                {"tool": e.tool, "arguments": e.arguments, "state": _EFFECT[e.state], "result": e.result or None}
                for e in whole.effects
            ],
            "spend": self._lookups.spend(turn.tenant, turn.customer, None),
            "breakers": [b for b in breaker_views(self._stores.breakers, dependencies) if b["state"] != "closed"],
            "accept_at": _accept_at(agent) if agent else {},
            "output_schema": agent.output.model_json_schema() if agent else {},
            "contact": (agent.escalation_contact or None) if agent else None,
            "answer": dict(escalation.answer) or None,
            "draft": dict(escalation.draft) or None,
        }
        return EscalationContext(escalation, details)

    def _agent(self, name: str) -> Agent[Any] | None:
        """Find an agent; None where it cannot be loaded or was removed, as people answer its turns all the same."""
        try:
            return self._outside.agents(name)
        except (BrokenAgent, NotFound):
            return None


_EFFECT: dict[EffectState, EffectStatus] = {
    EffectState.STARTED: "started",
    EffectState.DONE: "done",
    EffectState.NOT_DONE: "not_done",
}


def _accept_at(agent: Agent[Any]) -> dict[str, float]:
    return {
        Tier.FIRST_ATTEMPT: agent.accept_at,
        Tier.CORRECTED_RETRY: agent.accept_at,
        Tier.ALTERNATIVE_PATH: agent.alternative_at,
    }


def _attempt(attempt: Attempt) -> AttemptView:
    calls: list[CallView] = [
        {
            "model": call.model,
            "error": call.error,
            "why": call.why,
            "duration_ms": call.duration_ms,
            "tokens_in": call.tokens_in,
            "tokens_out": call.tokens_out,
            "cost_usd": format_usd(call.cost_micro_usd),
        }
        for call in attempt.calls
    ]
    return {
        "epoch": attempt.epoch,
        "tier": attempt.tier,
        "outcome": attempt.outcome,
        "reason": attempt.reason,
        "at": attempt.at,
        "duration_ms": attempt.duration_ms,
        "calls": calls,
        "errors": list(attempt.errors),
        "draft": attempt.draft,
        "confidence": attempt.confidence,
        "reasked": attempt.reasked,
        "refused": attempt.refused,
        "cost_usd": format_usd(attempt.cost_micro_usd),
    }
