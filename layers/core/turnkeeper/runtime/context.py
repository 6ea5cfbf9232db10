"""What operators look at: an escalation with everything that a person needs to answer it, and a deployment's health."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from turnkeeper.agent import Agent
from turnkeeper.domain.attempt import Attempt
from turnkeeper.domain.breaker import State
from turnkeeper.domain.effect import EffectState
from turnkeeper.domain.escalation import Escalation, Listed
from turnkeeper.domain.money import format_usd
from turnkeeper.domain.tier import Tier
from turnkeeper.domain.turn import Status
from turnkeeper.errors import BrokenAgent, DependencyError, EscalationNotFound, NotFound
from turnkeeper.outside import Outside
from turnkeeper.ports import Subscriptions
from turnkeeper.runtime.lookups import Lookups
from turnkeeper.runtime.operators import Operator, Operators
from turnkeeper.runtime.views import (
    AttemptView,
    BreakerStatus,
    BreakerView,
    BrokenAgentView,
    CallView,
    EffectStatus,
    EscalationDetails,
    HealthView,
    SubscriptionsView,
    TurnView,
    turn_view,
)
from turnkeeper.stores.bundle import Stores

PAGED = ("on_call", "second_level")
"""The topics to which pages go."""

CHANNELS = (*PAGED, "owner")
"""All topics; a topic's breaker is called `notify:` and its name."""


@dataclass(frozen=True, slots=True)
class EscalationContext:
    """An escalation, and what a person should know about it."""

    escalation: Escalation
    details: EscalationDetails


class Context:
    """Gathers what operators look at."""

    def __init__(
        self, stores: Stores, outside: Outside, operators: Operators, lookups: Lookups, topics: Mapping[str, str]
    ) -> None:
        self._stores, self._outside, self._clock = stores, outside, outside.clock
        self._operators, self._lookups, self._topics = operators, lookups, topics

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
            "breakers": [b for b in self._breaker_states(dependencies) if b["state"] != "closed"],
            "accept_at": _accept_at(agent) if agent else {},
            "output_schema": agent.output.model_json_schema() if agent else {},
            "contact": (agent.escalation_contact or None) if agent else None,
            "answer": dict(escalation.answer) or None,
            "draft": dict(escalation.draft) or None,
        }
        return EscalationContext(escalation, details)

    def health(self, who: Operator) -> HealthView:
        """Gather broken agents, the others' breakers, the tenant's backlog, and who is subscribed to the topics."""
        names, broken = list[str](), list[BrokenAgentView]()
        for name in self._outside.agent_names():
            try:
                names += self._outside.agents(name).dependencies
            except BrokenAgent as error:
                broken.append({"agent": name, "fault": error.fault})
        names += [f"notify:{name}" for name in CHANNELS]
        waiting, more = self._operators.page(who, Listed.OPEN, None)
        now = self._clock()
        subscriptions = self._subscriptions()
        return {
            "broken_agents": broken,
            "breakers": self._breaker_states(list(dict.fromkeys(names))),
            "backlog": {
                "open": len(waiting),
                "more": more is not None,
                "oldest_s": round(now - waiting[0].opened_at) if waiting else 0,
            },
            "unconfirmed_subscriptions": self._unconfirmed(subscriptions),
            "subscriptions": _subscriptions_view(subscriptions),
        }

    def _agent(self, name: str) -> Agent[Any] | None:
        """Find an agent; None where it cannot be loaded or was removed, as people answer its turns all the same."""
        try:
            return self._outside.agents(name)
        except (BrokenAgent, NotFound):
            return None

    def _breaker_states(self, names: Sequence[str]) -> list[BreakerView]:
        return [
            {
                "dependency": b.dependency,
                "state": _BREAKER[b.state],
                "generation": b.generation,
                "open_until": b.open_until,
            }
            for b in self._stores.breakers.read(names)
        ]

    def _subscriptions(self) -> dict[str, Subscriptions] | None:
        """Count the subscriptions of each topic; None if SNS cannot be reached."""
        try:
            found = {
                topic: self._outside.notifier.subscriptions(topic) for topic in set(self._topics.values()) if topic
            }
        except DependencyError:
            return None
        return {name: found.get(topic, Subscriptions()) for name, topic in self._topics.items()}

    def _unconfirmed(self, subscriptions: Mapping[str, Subscriptions] | None) -> int | None:
        """Count the unconfirmed subscriptions of the topics to which pages go."""
        if subscriptions is None:
            return None
        paged = {self._topics[name]: subscriptions[name].unconfirmed for name in PAGED}
        return sum(paged.values())


_EFFECT: dict[EffectState, EffectStatus] = {
    EffectState.STARTED: "started",
    EffectState.DONE: "done",
    EffectState.NOT_DONE: "not_done",
}
_BREAKER: dict[State, BreakerStatus] = {State.CLOSED: "closed", State.OPEN: "open", State.HALF_OPEN: "half_open"}


def _subscriptions_view(found: Mapping[str, Subscriptions] | None) -> dict[str, SubscriptionsView] | None:
    if found is None:
        return None
    return {name: {"confirmed": s.confirmed, "unconfirmed": s.unconfirmed} for name, s in found.items()}


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
