"""The executions of the escalation state machine: starts them, replaces those that die, and ends them."""

from turnkeeper.domain.escalation import Escalation
from turnkeeper.errors import StoreUnavailable, WorkflowUnavailable
from turnkeeper.outside import Outside
from turnkeeper.stores.escalations import EscalationStore

_MOST_EXECUTIONS = 3
"""How many executions of one escalation may finish while its turn is still open."""


class Executions:
    """Executions, named after their turns. If anything fails here, it stays due, and the reconciler repeats it."""

    def __init__(self, escalations: EscalationStore, outside: Outside) -> None:
        self._escalations, self._workflow, self._telemetry = escalations, outside.workflow, outside.telemetry

    def start(self, turn_id: str) -> None:
        """Start the first execution of a new escalation; if that fails, the reconciler does it."""
        try:
            self._start(turn_id, 1)
        except WorkflowUnavailable as error:
            self._telemetry.warning("execution not started yet", turn_id=turn_id, error=str(error))

    def ensure(self, escalation: Escalation) -> bool:
        """Make sure that an execution runs: the current one, or the next one if that is closed.

        Returns False once as many executions as are allowed have finished with the turn still open.
        """
        if self._start(escalation.turn_id, escalation.execution_number):
            return True
        if escalation.execution_number >= _MOST_EXECUTIONS:
            return False
        following = self._escalations.next_execution(escalation)
        if following:
            self._start(following.turn_id, following.execution_number)
        return True

    def end(self, turn_id: str) -> None:
        """End the Task that waits for an escalation that has ended, unless that was done before."""
        try:
            # Read it again: its Task may have been retried since, with another token.
            escalation = self._escalations.get(turn_id)
            if escalation is None or not escalation.due_at:
                return
            if escalation.task_token:  # without one no Task waits: the next one sees that the turn ended, and concludes
                self._workflow.task_succeeded(escalation.task_token, {"turn_id": turn_id})
            self._escalations.execution_ended(escalation)
        except (StoreUnavailable, WorkflowUnavailable) as error:
            self._telemetry.warning("execution does not know of its turn's end yet", turn_id=turn_id, error=str(error))

    def _start(self, turn_id: str, number: int) -> bool:
        return self._workflow.start(_name(turn_id, number), {"turn_id": turn_id, "n": number})


def _name(turn_id: str, number: int) -> str:
    return f"{turn_id}-{number}"
