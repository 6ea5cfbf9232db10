"""Ends a turn that nobody answered in time: its status is `expired`, and its reply says so to the customer."""

from turnkeeper.domain import closing
from turnkeeper.domain.escalation import Escalation
from turnkeeper.domain.tier import Tier
from turnkeeper.domain.turn import Status, Turn
from turnkeeper.errors import TurnLost
from turnkeeper.outside import Outside
from turnkeeper.ports import Refused
from turnkeeper.runtime.closing_texts import closing_texts
from turnkeeper.runtime.endings import Endings
from turnkeeper.runtime.executions import Executions
from turnkeeper.runtime.views import turn_view
from turnkeeper.stores.bundle import Stores


class Expiry:
    """Ends turns whose `answer_by` has passed: for the reconciler, an execution's last task, and a late answer."""

    def __init__(self, stores: Stores, outside: Outside, endings: Endings, executions: Executions) -> None:
        self._stores, self._outside, self._endings, self._executions = stores, outside, endings, executions

    def expire(self, turn: Turn, escalation: Escalation) -> bool:
        """Expire a turn; False if its `answer_by` has not passed, or somebody else ended it first.

        The effects are read here, after `turn` was, so the reply names every effect that `turn` counts. If another one
        has begun since `turn` was read, the write is refused.
        """
        now = self._outside.clock()
        whole = self._stores.turns.whole(turn.turn_id) if escalation.answer_by <= now else None
        if whole is None:
            return False
        view = turn_view(
            turn,
            status=Status.EXPIRED,
            tier=Tier.HUMAN if escalation.opened_at else None,
            reply=closing.expired(whole.done_or_begun, closing_texts(self._outside, turn)),
            cost_micro_usd=whole.cost_micro_usd,
            latency_ms=round((now - turn.created_at) * 1000),
            reason=escalation.reason,
        )
        try:
            self._endings.conclude_by_person(turn, self._stores.escalations.expire_ops(escalation), view)
        except (Refused, TurnLost):
            return False
        self._executions.end(turn.turn_id)
        return True
