"""The executions of the escalation state machine: started once, carried on when they died, ended with their turn."""

from turnkeeper.errors import StoreUnavailable, WorkflowUnavailable
from turnkeeper.ports import Telemetry, Workflow
from turnkeeper.stores.escalations import EscalationStore
from turnkeeper.stores.records import Escalation

_MOST = 3
"""Executions of one escalation that may end without an end of their turn."""


class Executions:
    """Executions by the names of their turns. What fails here stays due, and the reconciler does it again."""

    def __init__(self, workflow: Workflow, escalations: EscalationStore, telemetry: Telemetry) -> None:
        self._workflow, self._escalations, self._telemetry = workflow, escalations, telemetry

    def start(self, turn_id: str) -> None:
        """Start a new escalation's first execution; where that fails, the reconciler does it."""
        try:
            self._start(turn_id, 1)
        except WorkflowUnavailable as error:
            self._telemetry.warning("execution not started yet", turn_id=turn_id, error=str(error))

    def ensure(self, escalation: Escalation) -> bool:
        """Make sure that an execution runs, the next one when the last is closed; False when enough of them failed."""
        if self._start(escalation.turn_id, escalation.n):
            return True
        if escalation.n >= _MOST:
            return False
        following = self._escalations.next_execution(escalation)
        if following:
            self._start(following.turn_id, following.n)
        return True

    def end(self, turn_id: str) -> None:
        """End what still waits for an escalation that ended; one that was told is not told again."""
        try:
            escalation = self._escalations.get(turn_id)  # read anew: its task may have been retried, with another token
            if escalation is None or not escalation.due_at:
                return
            if escalation.tok:  # else nothing waits: the next task finds that the turn ended, and concludes
                self._workflow.task_succeeded(escalation.tok, {"turn_id": turn_id})
            self._escalations.told(escalation)
        except (StoreUnavailable, WorkflowUnavailable) as error:
            self._telemetry.warning("execution not told of its turn's end yet", turn_id=turn_id, error=str(error))

    def _start(self, turn_id: str, n: int) -> bool:
        return self._workflow.start(_name(turn_id, n), {"turn_id": turn_id, "n": n})


def _name(turn_id: str, n: int) -> str:
    return f"{turn_id}-{n}"
