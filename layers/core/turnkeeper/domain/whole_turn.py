"""A turn with everything that belongs to it, as one read of the table shows it."""

from dataclasses import dataclass

from turnkeeper.domain.attempt import Attempt
from turnkeeper.domain.callbacks import Callback
from turnkeeper.domain.effect import Effect
from turnkeeper.domain.escalation import Escalation
from turnkeeper.domain.reservation import Reservation
from turnkeeper.domain.turn import Status, Turn, TurnState


@dataclass(frozen=True, slots=True)
class WholeTurn:
    """A turn and what belongs to it; attempts, effects and reservations are in the order of their keys.

    `feedback_score` is 1 to 5, or None if the customer left none.
    """

    turn: Turn
    escalation: Escalation | None = None
    attempts: tuple[Attempt, ...] = ()
    effects: tuple[Effect, ...] = ()
    reservations: tuple[Reservation, ...] = ()
    callback: Callback | None = None
    feedback_score: int | None = None

    @property
    def cost_micro_usd(self) -> int:
        """What the turn has cost so far, in micro-dollars; a pending reservation counts in full."""
        return sum(reservation.cost_micro_usd for reservation in self.reservations)

    @property
    def is_accepted(self) -> bool:
        """Whether the turn can no longer be refused: it made a reservation, or left the fast path."""
        return self.turn.state is not TurnState.RUN or bool(self.reservations)

    @property
    def waiting_status(self) -> Status:
        """The status of a turn that has no outcome yet."""
        is_waiting = self.escalation is not None and self.escalation.is_waiting
        return Status.AWAITING_HUMAN if is_waiting else Status.ESCALATING

    @property
    def done_or_begun(self) -> list[Effect]:
        """The effects that were done, or may have been."""
        return [effect for effect in self.effects if effect.may_have_happened]
