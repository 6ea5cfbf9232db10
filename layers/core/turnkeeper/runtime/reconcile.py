"""Finishes what a process left undone when it died; safe to run at any time, twice, and beside everything else."""

from dataclasses import dataclass

from turnkeeper.domain.turn import TurnState
from turnkeeper.domain.whole_turn import WholeTurn
from turnkeeper.errors import DependencyError, StoreUnavailable, TurnLost, WorkflowUnavailable
from turnkeeper.outside import Outside
from turnkeeper.ports import Refused
from turnkeeper.runtime.callbacks import Callbacks
from turnkeeper.runtime.due_escalations import DueEscalations
from turnkeeper.runtime.owner import Owner
from turnkeeper.runtime.takeover import Takeover
from turnkeeper.stores.bundle import Stores
from turnkeeper.stores.due_work import DueAlert, DueNotice, DueTurn


@dataclass(slots=True)
class Tally:
    """How many items one pass of the reconciler looked at, and how many of them failed."""

    looked_at: int = 0
    failed: int = 0


class Reconciler:
    """Finds due work in the index, reads it again (strongly consistent), and does the next conditional write."""

    def __init__(
        self,
        stores: Stores,
        outside: Outside,
        takeover: Takeover,
        escalations: DueEscalations,
        callbacks: Callbacks,
        owner: Owner,
    ) -> None:
        self._stores, self._clock, self._telemetry = stores, outside.clock, outside.telemetry
        self._takeover, self._escalations, self._callbacks, self._owner = takeover, escalations, callbacks, owner

    def run(self, until: float) -> Tally:
        """Look at everything that is due, and stop at `until` (seconds since the epoch)."""
        tally = Tally()
        for work in self._stores.due_work.until(self._clock()):
            if self._clock() >= until:
                break
            tally.looked_at += 1
            try:
                self._look_at(work)
            except (TurnLost, Refused):
                continue  # somebody else did it
            except (StoreUnavailable, WorkflowUnavailable, DependencyError) as error:
                tally.failed += 1
                turn_id = work.turn_id if isinstance(work, DueTurn) else None
                self._telemetry.warning("not reconciled; it stays due", turn_id=turn_id, error=str(error))
            except Exception as error:  # noqa: BLE001 - a fault in one item must not keep the rest from people
                tally.failed += 1
                self._telemetry.fault(f"not reconciled: {work}", error)
        return tally

    def _look_at(self, work: DueTurn | DueAlert | DueNotice) -> None:
        if isinstance(work, DueNotice):
            gone = self._stores.breakers.begin_notice(work.dependency)
            if gone:
                self._owner.model_gone(gone, self._clock())
            return
        if isinstance(work, DueAlert):
            alert = self._stores.spend.begin_alert(work.pk, work.sk)
            if alert:
                self._owner.spend_alert(alert)
            return
        whole = self._stores.turns.whole(work.turn_id)
        if whole:
            self._look_at_turn(whole)

    def _look_at_turn(self, whole: WholeTurn) -> None:
        turn, now = whole.turn, self._clock()
        if turn.state is TurnState.RUN:
            if turn.lease_lapsed(now):
                self._takeover.take_over(turn)
            return
        if _is_due(turn.due_at, now):
            self._stores.spend.sweep(turn.turn_id)
            self._stores.turns.nothing_due(turn)
        if whole.escalation and _is_due(whole.escalation.due_at, now):
            self._escalations.look_at(turn, whole.escalation)
        if whole.callback and _is_due(whole.callback.due_at, now):
            self._callbacks.remind(turn.turn_id)


def _is_due(at: float, now: float) -> bool:
    return 0 < at <= now
