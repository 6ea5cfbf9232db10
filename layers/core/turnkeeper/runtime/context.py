"""The whole context of an escalation, as a person needs it to answer; and the health of a deployment."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from turnkeeper.agent import Agent
from turnkeeper.domain.escalation import Listed
from turnkeeper.domain.money import format_usd
from turnkeeper.domain.turns import Tier
from turnkeeper.errors import DependencyError
from turnkeeper.ports import Clock, Notifier, Subscriptions
from turnkeeper.runtime.lookups import Lookups
from turnkeeper.runtime.operators import Operator, Operators
from turnkeeper.runtime.turns import spent
from turnkeeper.runtime.views import turn_view, waiting_status
from turnkeeper.stores.breakers import BreakerStore
from turnkeeper.stores.conversations import ConversationStore
from turnkeeper.stores.journal import Journal
from turnkeeper.stores.records import Escalation
from turnkeeper.stores.turns import TurnStore

PAGED = ("on_call", "second_level")
"""The topics to which pages go."""

CHANNELS = (*PAGED, "owner")
"""The topics; `notify:` and the name is what a topic's breaker is called."""


@dataclass(frozen=True, slots=True)
class EscalationContext:
    """An escalation, and what a person should know of it."""

    escalation: Escalation
    details: dict[str, Any]


class Context:
    """Gathers what operators look at."""

    def __init__(
        self,
        *,
        operators: Operators,
        turns: TurnStore,
        lookups: Lookups,
        conversations: ConversationStore,
        breakers: BreakerStore,
        agents: Callable[[str], Agent[Any]],
        agent_names: Callable[[], Sequence[str]],
        notifier: Notifier,
        topics: Mapping[str, str],
        clock: Clock,
    ) -> None:
        self._operators, self._turns, self._lookups = operators, turns, lookups
        self._conversations, self._breakers = conversations, breakers
        self._agents, self._agent_names = agents, agent_names
        self._notifier, self._topics, self._clock = notifier, topics, clock

    def of_escalation(self, who: Operator, turn_id: str) -> EscalationContext:
        """Gather one escalation: the conversation, what was tried and why it failed, the spending, open breakers."""
        turn, escalation = self._operators.find(who, turn_id)
        agent = self._agents(turn.agent)
        family = self._turns.family(turn_id)
        view = turn_view(
            turn,
            status=waiting_status(escalation),
            cost=spent(family),
            latency_ms=round((self._clock() - turn.created_at) * 1000),
            reason=escalation.reason,
        )
        said = self._conversations.recent(turn.tenant, turn.conversation)
        details = {
            "turn": dict(turn.outcome) if turn.is_done else view,
            "message": turn.message,
            "metadata": turn.request.get("metadata") or {},
            "conversation": [{"message": e.user, "reply": e.reply or None, "status": e.status} for e in said],
            "attempts": [_attempt(asdict(a)) for a in Journal.attempts(family)],
            "effects": [
                {"tool": s.tool, "arguments": s.arguments, "state": s.st.lower(), "result": s.result or None}
                for s in Journal.steps_of(family)
            ],
            "spend": self._lookups.spend(turn.tenant, turn.customer, None),
            "breakers": [b for b in self._breaker_states(agent.dependencies) if b["state"] != "closed"],
            "accept_at": {
                Tier.FIRST_ATTEMPT: agent.accept_at,
                Tier.CORRECTED_RETRY: agent.accept_at,
                Tier.ALTERNATIVE_PATH: agent.alternative_at,
            },
            "output_schema": agent.output.model_json_schema(),
            "contact": agent.escalation_contact or None,
            "answer": dict(escalation.answer) or None,
            "draft": dict(escalation.draft) or None,
        }
        return EscalationContext(escalation, details)

    def health(self, who: Operator) -> dict[str, Any]:
        """Gather the breakers of every agent, the tenant's backlog, and who is subscribed to the topics."""
        names = [d for name in self._agent_names() for d in self._agents(name).dependencies]
        names += [f"notify:{name}" for name in CHANNELS]
        waiting, more = self._operators.page(who, Listed.OPEN, None)
        now = self._clock()
        subscriptions = self._subscriptions()
        return {
            "breakers": self._breaker_states(list(dict.fromkeys(names))),
            "backlog": {
                "open": len(waiting),
                "more": more is not None,
                "oldest_s": round(now - waiting[0].opened_at) if waiting else 0,
            },
            "unconfirmed_subscriptions": self._unconfirmed(subscriptions),
            "subscriptions": subscriptions and {name: asdict(found) for name, found in subscriptions.items()},
        }

    def _breaker_states(self, names: Sequence[str]) -> list[dict[str, Any]]:
        return [
            {"dependency": b.dependency, "state": b.state.name.lower(), "generation": b.gen, "open_until": b.open_until}
            for b in self._breakers.read(names)
        ]

    def _subscriptions(self) -> dict[str, Subscriptions] | None:
        """Count who is subscribed to each topic, or None where that cannot be told now."""
        try:
            found = {topic: self._notifier.subscriptions(topic) for topic in set(self._topics.values()) if topic}
        except DependencyError:
            return None
        return {name: found.get(topic, Subscriptions()) for name, topic in self._topics.items()}

    def _unconfirmed(self, subscriptions: Mapping[str, Subscriptions] | None) -> int | None:
        """Count the subscriptions, of the topics to which pages go, that nobody confirmed."""
        if subscriptions is None:
            return None
        paged = {self._topics[name]: subscriptions[name].unconfirmed for name in PAGED}
        return sum(paged.values())


def _attempt(a: dict[str, Any]) -> dict[str, Any]:
    cost = sum(round(float(c["cost_usd"]) * 1_000_000) for c in a["calls"])
    return {**a, "cost_usd": format_usd(cost)}
