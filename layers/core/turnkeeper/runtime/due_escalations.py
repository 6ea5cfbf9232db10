"""Does what is due for an escalation: expire it, page, page again, start its execution or end it."""

from turnkeeper.domain.due import Decision, Due, due_now
from turnkeeper.domain.escalation import Escalation
from turnkeeper.domain.policies import PagingTimes
from turnkeeper.domain.turn import Turn
from turnkeeper.errors import WorkflowUnavailable
from turnkeeper.outside import Outside
from turnkeeper.runtime.executions import Executions
from turnkeeper.runtime.expiry import Expiry
from turnkeeper.runtime.pager import Pager
from turnkeeper.stores.escalations import EscalationStore


class DueEscalations:
    """The reconciler's side of escalations."""

    def __init__(
        self,
        escalations: EscalationStore,
        outside: Outside,
        expiry: Expiry,
        pager: Pager,
        executions: Executions,
        times: PagingTimes,
    ) -> None:
        self._escalations, self._clock, self._expiry = escalations, outside.clock, expiry
        self._pager, self._executions, self._times = pager, executions, times

    def look_at(self, turn: Turn, escalation: Escalation) -> None:
        """Decide what is due, note when to look again, and only then do it: if this dies, the next look does it."""
        decision = due_now(escalation, self._clock(), self._times)
        self._escalations.look_again(escalation, decision.again_at)
        self._act(turn, escalation, decision)

    def _act(self, turn: Turn, escalation: Escalation, decision: Decision) -> None:
        match decision.action:
            case Due.EXPIRE:
                self._expiry.expire(turn, escalation)
            case Due.PAGE:
                self._pager.page(escalation)
            case Due.REPEAT_PAGE:
                self._pager.publish(escalation)
            case Due.ENSURE_EXECUTION:
                self._ensure_execution(escalation)
            case Due.END_EXECUTION:
                self._executions.end(escalation.turn_id)
            case Due.NOTHING:
                pass

    def _ensure_execution(self, escalation: Escalation) -> None:
        try:
            if self._executions.ensure(escalation):
                return
        except WorkflowUnavailable:
            if self._clock() - escalation.created_at < self._times.no_tiers_s:
                raise
        # No state machine will hand it off to people, so the reconciler does.
        opened = self._escalations.offer(escalation, "", 0)
        if opened:
            self._pager.page(opened)
