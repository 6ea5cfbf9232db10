"""What callers may look up: a turn, a conversation, a customer's spending; and the feedback they leave."""

from dataclasses import dataclass
from typing import Any

from turnkeeper.agent import Agent
from turnkeeper.domain.money import format_usd
from turnkeeper.domain.spend import Counter, Limits, resets_at, utc_day
from turnkeeper.domain.telemetry import Metric
from turnkeeper.domain.turns import TurnState
from turnkeeper.errors import NotEnded, NotFound, TurnNotFound
from turnkeeper.ports import Attr, Clock, Put, Refused, Table, Telemetry
from turnkeeper.runtime.turns import own_limits, spent
from turnkeeper.runtime.views import turn_view, waiting_status
from turnkeeper.stores import keys, limits
from turnkeeper.stores.conversations import ConversationStore, Exchange
from turnkeeper.stores.records import Escalation, Turn
from turnkeeper.stores.spend import SpendStore
from turnkeeper.stores.turns import TurnStore

_TASKS = 100
"""Named tasks that are listed: a customer may have any number of them."""


@dataclass(frozen=True, slots=True)
class Found:
    """Something found, and whose it is: the API decides who may see it."""

    tenant: str
    customer: str
    what: dict[str, Any]


class Lookups:
    """Reads for the API."""

    def __init__(
        self,
        *,
        table: Table,
        turns: TurnStore,
        spend: SpendStore,
        conversations: ConversationStore,
        clock: Clock,
        telemetry: Telemetry,
        limits_usd: Limits,
    ) -> None:
        self._table, self._turns, self._spend, self._conversations = table, turns, spend, conversations
        self._clock, self._telemetry, self._limits = clock, telemetry, limits_usd

    def turn(self, turn_id: str) -> Found:
        """Read a turn as it is now; one that is not accepted yet is not there."""
        family = self._turns.family(turn_id)
        items = {str(item["sk"]): item for item in family}
        if keys.TURN not in items:
            raise TurnNotFound(f"there is no turn {turn_id}")
        turn = Turn.from_item(items[keys.TURN])
        if turn.is_done:
            return Found(turn.tenant, turn.customer, self._turns.whole(items[keys.TURN]).outcome)
        if turn.st == TurnState.RUN and not any(sk.startswith(keys.RESERVATION) for sk in items):
            raise TurnNotFound(f"the turn {turn_id} is not accepted yet")
        escalation = Escalation.from_item(items[keys.ESCALATION]) if keys.ESCALATION in items else None
        view = turn_view(
            turn,
            status=waiting_status(escalation),
            cost=spent(family),
            latency_ms=round((self._clock() - turn.created_at) * 1000),
            reason=escalation.reason if escalation else None,
        )
        return Found(turn.tenant, turn.customer, view)

    def conversation(self, tenant: str, conversation_id: str, cursor: str | None = None) -> Found:
        """Read a page of a conversation's turns, in their order: the newest one, or the one that a cursor leads to."""
        head = self._conversations.head(tenant, conversation_id)
        if head is None:
            raise NotFound(f"there is no conversation {conversation_id}")
        before = (cursor or "").replace(".", "#")
        turns, has_more = self._conversations.page(tenant, conversation_id, before)
        what = {
            "conversation_id": conversation_id,
            "agent": head["agent"],
            "turns": [_exchange(e) for e in turns],
            "cursor": turns[0].position.replace("#", ".") if has_more else None,
        }
        return Found(tenant, head["customer"], what)

    def spend(self, tenant: str, customer: str, day: str | None, agent: Agent[Any] | None = None) -> dict[str, Any]:
        """Read what a customer spent on a UTC day, and in the tasks that were named; limits as `agent` has them."""
        day = day or utc_day(self._clock())
        wanted = limits.limit_keys(tenant, customer, agent.name if agent else "")
        own = own_limits(agent, self._limits) if agent else self._limits
        allowed = limits.effective(own, self._table.batch_get(wanted), tenant, customer, agent.name if agent else "")
        tasks = self._spend.of_named_tasks(tenant, customer, limit=_TASKS + 1)
        return {
            "customer_id": customer,
            "day": day,
            **_amounts(self._spend.of_day(tenant, customer, day), allowed.customer_day),
            "resets_at": resets_at(day),
            "tasks": [{"task_id": name, **_amounts(c, allowed.task)} for name, c in list(tasks.items())[:_TASKS]],
            "more_tasks": len(tasks) > _TASKS,
        }

    def feedback(self, turn_id: str, score: int, comment: str | None) -> None:
        """Keep how a customer liked a turn: the last word stays, and the first is counted."""
        turn = self._turns.get(turn_id)
        if turn is None:
            raise TurnNotFound(f"there is no turn {turn_id}")
        if not turn.is_done:
            raise NotEnded(f"the turn {turn_id} has not ended: say how its outcome was")
        said = {"score": score, "comment": comment or "", "at": self._clock(), "ttl": turn.child_ttl}
        try:
            self._table.write(Put(keys.feedback(turn_id), said, when=Attr("pk").absent()))
        except Refused:  # on second thoughts
            self._table.write(Put(keys.feedback(turn_id), said))
            return
        self._telemetry.count(Metric.FeedbackScore, score, agent=turn.agent)


def _exchange(e: Exchange) -> dict[str, Any]:
    return {"turn_id": e.turn_id, "message": e.user, "reply": e.reply or None, "status": e.status}


def _amounts(counter: Counter, limit: int) -> dict[str, str]:
    return {
        "posted_usd": format_usd(counter.posted),
        "pending_usd": format_usd(counter.pending),
        "limit_usd": format_usd(limit),
        "remaining_usd": format_usd(max(0, limit - counter.committed)),
    }
