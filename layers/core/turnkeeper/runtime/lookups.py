"""What callers may look up: a turn, a conversation, a customer's spending; and the feedback they leave."""

from dataclasses import dataclass
from typing import Any, Generic, TypeVar, cast

from turnkeeper.agent import Agent
from turnkeeper.domain.conversation import Exchange
from turnkeeper.domain.money import format_usd
from turnkeeper.domain.spend import Counter, month_of, month_resets_at, resets_at, utc_day
from turnkeeper.domain.telemetry import Metric
from turnkeeper.domain.turn import Status
from turnkeeper.errors import NotEnded, NotFound, TurnNotFound
from turnkeeper.outside import Outside
from turnkeeper.runtime.current_stage import CurrentStage
from turnkeeper.runtime.limits import limits_of
from turnkeeper.runtime.views import AmountsView, ConversationView, ExchangeView, SpendView, TurnView, turn_view
from turnkeeper.stores.bundle import Stores

_TASKS = 100
"""The most named tasks that are listed: a customer may have any number of them."""

View = TypeVar("View")


@dataclass(frozen=True)
class Found(Generic[View]):
    """What was found, and the customer that it belongs to: the API decides who may see it."""

    tenant: str
    customer: str
    view: View


class Lookups:
    """Reads for the API."""

    def __init__(self, stores: Stores, outside: Outside, stage: CurrentStage) -> None:
        self._stores, self._clock, self._telemetry = stores, outside.clock, outside.telemetry
        self._stage = stage

    def turn(self, turn_id: str) -> Found[TurnView]:
        """Read a turn as it is now. Raises TurnNotFound, even for a turn that is not accepted yet."""
        whole = self._stores.turns.whole(turn_id)
        if whole is None:
            raise TurnNotFound(f"there is no turn {turn_id}")
        turn = whole.turn
        if turn.is_done:
            return Found(turn.tenant, turn.customer, cast(TurnView, turn.outcome))
        if not whole.is_accepted:
            raise TurnNotFound(f"the turn {turn_id} is not accepted yet")
        view = turn_view(
            turn,
            status=whole.waiting_status,
            cost_micro_usd=whole.cost_micro_usd,
            latency_ms=round((self._clock() - turn.created_at) * 1000),
            reason=whole.escalation.reason if whole.escalation else None,
        )
        return Found(turn.tenant, turn.customer, view)

    def conversation(self, tenant: str, conversation_id: str, cursor: str | None = None) -> Found[ConversationView]:
        """Read a page of a conversation's turns, in order: the newest page, or the one that a cursor leads to.

        Raises NotFound.
        """
        owner = self._stores.conversations.get(tenant, conversation_id)
        if owner is None:
            raise NotFound(f"there is no conversation {conversation_id}")
        before = (cursor or "").replace(".", "#")
        turns, has_more = self._stores.conversations.page(tenant, conversation_id, before)
        view: ConversationView = {
            "conversation_id": conversation_id,
            "agent": owner.agent,
            "turns": [_exchange(e) for e in turns],
            "cursor": turns[0].position.replace("#", ".") if has_more else None,
        }
        return Found(tenant, owner.customer, view)

    def spend(self, tenant: str, customer: str, day: str | None, agent: Agent[Any] | None = None) -> SpendView:
        """Read what a customer spent on a UTC day (by default today) and in named tasks, with the limits of `agent`.

        The month of the day is there too where the customer has a limit for it.
        """
        day = day or utc_day(self._clock())
        limits = self._stage.get().settings.limits
        defaults = limits_of(agent, limits) if agent else limits
        overrides = self._stores.limits.overrides(tenant, customer, agent.name if agent else "")
        allowed = defaults.overridden(*overrides)
        tasks = self._stores.spend.of_named_tasks(tenant, customer, limit=_TASKS + 1)
        view: SpendView = {
            "customer_id": customer,
            "day": day,
            **_amounts(  # type: ignore[typeddict-item]  # mypy: it might have a month
                self._stores.spend.of_day(tenant, customer, day), allowed.customer_day_micro_usd
            ),
            "resets_at": resets_at(day),
            "tasks": [
                {"task_id": name, **_amounts(c, allowed.task_micro_usd)} for name, c in list(tasks.items())[:_TASKS]
            ],
            "more_tasks": len(tasks) > _TASKS,
        }
        if allowed.customer_month_micro_usd is not None:
            month = month_of(day)
            counter = self._stores.spend.of_month(tenant, customer, month)
            amounts = _amounts(counter, allowed.customer_month_micro_usd)
            view["month"] = {"month": month, **amounts, "resets_at": month_resets_at(month)}
        return view

    def feedback(self, turn_id: str, score: int, comment: str | None) -> None:
        """Keep a customer's score (1 to 5) for a turn, in place of an earlier one; only the first one is counted.

        Raises TurnNotFound or NotEnded.
        """
        turn = self._stores.turns.get(turn_id)
        if turn is None:
            raise TurnNotFound(f"there is no turn {turn_id}")
        if not turn.is_done:
            raise NotEnded(f"the turn {turn_id} has not ended: rate it once it has an outcome")
        if self._stores.feedback.keep(turn, score, comment or ""):
            self._telemetry.count(Metric.FeedbackScore, score, agent=turn.agent)


def _exchange(e: Exchange) -> ExchangeView:
    return {"turn_id": e.turn_id, "message": e.user, "reply": e.reply or None, "status": Status(e.status)}


def _amounts(counter: Counter, limit: int) -> AmountsView:
    return {
        "posted_usd": format_usd(counter.posted_micro_usd),
        "pending_usd": format_usd(counter.pending_micro_usd),
        "limit_usd": format_usd(limit),
        "remaining_usd": format_usd(max(0, limit - counter.committed_micro_usd)),
    }
