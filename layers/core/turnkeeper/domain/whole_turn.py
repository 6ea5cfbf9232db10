"""A turn with all that lies under it, as one read of the table shows it."""

from dataclasses import dataclass

from turnkeeper.domain.attempt import Attempt
from turnkeeper.domain.callbacks import Callback
from turnkeeper.domain.effect import Effect
from turnkeeper.domain.escalation import Escalation
from turnkeeper.domain.reservation import Reservation
from turnkeeper.domain.turn import Status, Turn, TurnState


@dataclass(frozen=True, slots=True)
class WholeTurn:
    """A turn, its escalation and callback where it has them, and its attempts, effects and reservations in key order.

    `feedback_score` is 1 to 5, where the customer left one.
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
        """What the turn has cost so far; what is not settled yet counts in full."""
        return sum(reservation.cost_micro_usd for reservation in self.reservations)

    @property
    def is_accepted(self) -> bool:
        """Whether the turn must end: it made a reservation, or left the fast path."""
        return self.turn.state is not TurnState.RUN or bool(self.reservations)

    @property
    def waiting_status(self) -> Status:
        """What a turn without an outcome waits for."""
        is_waiting = self.escalation is not None and self.escalation.is_waiting
        return Status.AWAITING_HUMAN if is_waiting else Status.ESCALATING

    @property
    def done_or_begun(self) -> list[Effect]:
        """The effects that were done, or may have been."""
        return [effect for effect in self.effects if effect.may_have_happened]
