"""Ends a turn that nobody answered in time, honestly: `expired`, and the customer is told."""

from turnkeeper.domain import closing
from turnkeeper.domain.turns import Status, Tier
from turnkeeper.errors import TurnLost
from turnkeeper.ports import Clock, Refused
from turnkeeper.runtime.endings import Endings
from turnkeeper.runtime.executions import Executions
from turnkeeper.runtime.turns import spent
from turnkeeper.runtime.views import turn_view
from turnkeeper.stores.escalations import EscalationStore
from turnkeeper.stores.journal import Journal
from turnkeeper.stores.records import Escalation, Turn
from turnkeeper.stores.turns import TurnStore


class Expiry:
    """Expires turns."""

    def __init__(
        self, turns: TurnStore, escalations: EscalationStore, endings: Endings, executions: Executions, clock: Clock
    ) -> None:
        self._turns, self._escalations, self._endings = turns, escalations, endings
        self._executions, self._clock = executions, clock

    def expire(self, turn: Turn, escalation: Escalation) -> bool:
        """Expire a turn whose `answer_by` has passed; False when it is not yet time, or somebody ended it first."""
        if escalation.answer_by > self._clock():
            return False
        family = self._turns.family(turn.turn_id)
        view = turn_view(
            turn,
            status=Status.EXPIRED,
            tier=Tier.HUMAN if escalation.opened_at else None,
            reply=closing.expired(Journal.effects_of(family)),
            cost=spent(family),
            latency_ms=round((self._clock() - turn.created_at) * 1000),
            reason=escalation.reason,
        )
        try:
            self._endings.conclude_by_person(turn, self._escalations.expire_ops(escalation), view)
        except (Refused, TurnLost):
            return False
        self._executions.end(turn.turn_id)
        return True
