"""What operators do: list escalations, claim one, answer it, release the claim, or stop a turn."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from pydantic import BaseModel

from turnkeeper.domain import closing
from turnkeeper.domain.answers import read_output, shown, stored
from turnkeeper.domain.escalation import Escalation, EscalationState, Listed
from turnkeeper.domain.finite import not_finite
from turnkeeper.domain.ids import digest
from turnkeeper.domain.reasons import Reason
from turnkeeper.domain.telemetry import Action, Metric
from turnkeeper.domain.tier import Tier
from turnkeeper.domain.turn import Status, Turn, TurnState
from turnkeeper.domain.whole_turn import WholeTurn
from turnkeeper.errors import (
    BrokenAgent,
    ConflictingAction,
    EscalationNotFound,
    InvalidAnswer,
    TooLate,
    TurnLost,
    TurnNotFound,
)
from turnkeeper.outside import Outside
from turnkeeper.ports import Json, Refused
from turnkeeper.runtime.closing_texts import closing_texts
from turnkeeper.runtime.endings import Endings
from turnkeeper.runtime.executions import Executions
from turnkeeper.runtime.expiry import Expiry
from turnkeeper.runtime.views import TurnView, json_text, turn_view
from turnkeeper.stores.bundle import Stores

PAGE_SIZE = 50


@dataclass(frozen=True, slots=True)
class Operator:
    """The person who acts, and their tenant; `name` is shown to other operators."""

    id: str
    tenant: str
    name: str = ""


class Operators:
    """The operators' side of escalations."""

    def __init__(
        self, stores: Stores, outside: Outside, endings: Endings, expiry: Expiry, executions: Executions
    ) -> None:
        self._stores, self._outside, self._endings = stores, outside, endings
        self._expiry, self._executions = expiry, executions
        self._clock, self._telemetry = outside.clock, outside.telemetry

    def page(self, who: Operator, status: Listed, after: Json | None) -> tuple[list[Escalation], Json | None]:
        """List a page of escalations of one status, oldest first, and a cursor; a lapsed claim counts as open."""
        stored = (Listed.OPEN, Listed.CLAIMED) if status is Listed.OPEN else (status,)
        while True:
            found, after = self._stores.escalations.page_of(who.tenant, *stored, limit=PAGE_SIZE, after=after)
            now = self._clock()
            page = [e for e in found if e.listed(now) is status]
            if page or after is None:
                return page, after

    def find(self, who: Operator, turn_id: str) -> tuple[Turn, Escalation]:
        """Read an escalation and its turn. Raises EscalationNotFound, even if it exists for another tenant."""
        escalation, turn = self._stores.escalations.get(turn_id), self._stores.turns.get(turn_id)
        if escalation is None or turn is None or escalation.tenant != who.tenant or not escalation.opened_at:
            raise EscalationNotFound(f"there is no escalation {turn_id}")
        return turn, escalation

    def claim(self, who: Operator, turn_id: str) -> Escalation:
        """Claim an escalation, or renew a claim. Raises EscalationNotFound or ConflictingAction."""
        _, escalation = self.find(who, turn_id)
        claimed = self._stores.escalations.claim(escalation, who.id, who.name)
        if claimed is None:
            raise ConflictingAction(self._why(who, turn_id))
        self._log(who, claimed, Action.OPERATOR_CLAIM, Metric.OperatorClaimSeconds)
        return claimed

    def release(self, who: Operator, turn_id: str, version: int) -> Escalation:
        """Release a claim: the next page is due at once. Raises EscalationNotFound or ConflictingAction."""
        _, escalation = self.find(who, turn_id)
        released = self._stores.escalations.release(escalation, who.id, version)
        if released is None:
            raise ConflictingAction(self._why(who, turn_id))
        self._log(who, released, Action.OPERATOR_RELEASE, Metric.OperatorReleaseSeconds)
        return released

    def answer(
        self, who: Operator, turn_id: str, version: int, reply: str, output: Mapping[str, Any] | None
    ) -> TurnView:
        """Answer the customer; returns the turn as it is now. The same answer may be sent again.

        Raises EscalationNotFound, InvalidAnswer, TooLate or ConflictingAction.
        """
        turn, escalation = self.find(who, turn_id)
        answer_id = digest(who.id, str(version), reply, json_text(output))
        if escalation.state is EscalationState.ANSWERED:
            return self._repeated(turn, escalation, answer_id)
        to_store, to_show = self._checked(turn, output)
        given = {
            "reply": reply,
            "output": to_store,
            "by": who.id,
            "by_name": who.name,
        }
        if escalation.answer_by <= self._clock():
            is_kept = self._stores.escalations.keep_draft(escalation, who.id, given)
            self._expiry.expire(turn, escalation)
            draft = (
                "your answer was kept as a draft" if is_kept else "another answer is kept as a draft, and yours is not"
            )
            raise TooLate(f"the time to answer was over; {draft}")
        whole = self._whole(turn)
        view = self._view(whole, Tier.HUMAN, Status.COMPLETED, reply, to_show, escalation.reason)
        ops = self._stores.escalations.answer_ops(escalation, who.id, version, answer_id, given)
        try:
            self._endings.conclude_by_person(turn, ops, view)
        except (Refused, TurnLost):
            turn, escalation = self.find(who, turn_id)
            return self._repeated(turn, escalation, answer_id)
        self._log(who, escalation, Action.OPERATOR_ANSWER, Metric.OperatorAnswerSeconds)
        self._executions.end(turn.turn_id)
        return view

    def stop(self, who: Operator, turn_id: str) -> TurnView:
        """End a turn now: nothing more is called for it, and its reply says so to the customer.

        Raises TurnNotFound or ConflictingAction.
        """
        turn = self._stores.turns.get(turn_id)
        if turn is None or turn.tenant != who.tenant:
            raise TurnNotFound(f"there is no turn {turn_id}")
        escalation = self._stores.escalations.get(turn_id)
        tier = Tier.HUMAN if escalation and escalation.opened_at else None
        whole = self._whole(turn)
        reply = closing.stopped(whole.done_or_begun, closing_texts(self._outside, turn))
        view = self._view(whole, tier, Status.FAILED, reply, None, Reason.STOPPED)
        try:
            if turn.state is TurnState.RUN:
                self._endings.stop(turn, view)
            elif escalation:
                ops = self._stores.escalations.end_ops(escalation, EscalationState.STOPPED)
                self._endings.conclude_by_person(turn, ops, view)
        except (Refused, TurnLost) as error:
            raise ConflictingAction("the turn has ended, or was changed at this moment") from error
        if turn.is_done:  # it ended on the fast path: without an escalation, nothing was written or refused above
            raise ConflictingAction("the turn has ended")
        if escalation:
            self._executions.end(turn_id)
        return view

    def _whole(self, turn: Turn) -> WholeTurn:
        """Read everything of a turn that was read before: it has every effect that `turn` counts.

        If an effect has begun since `turn` was read, the write that ends the turn is refused.
        """
        whole = self._stores.turns.whole(turn.turn_id)
        if whole is None:
            raise TurnNotFound(f"there is no turn {turn.turn_id}")
        return whole

    def _repeated(self, turn: Turn, escalation: Escalation, answer_id: str) -> TurnView:
        if escalation.state is EscalationState.ANSWERED and escalation.answer_id == answer_id:
            self._executions.end(turn.turn_id)
            return cast(TurnView, turn.outcome)
        if escalation.state is EscalationState.EXPIRED:
            raise TooLate("the time to answer is over")
        raise ConflictingAction(
            _WHY.get(escalation.state, "another operator holds it, or your claim is not the newest: claim it again")
        )

    def _why(self, who: Operator, turn_id: str) -> str:
        _, escalation = self.find(who, turn_id)
        return _WHY.get(escalation.state, "another operator holds it, or your claim is not the newest")

    def _checked(self, turn: Turn, output: Mapping[str, Any] | None) -> tuple[Json | None, Json | None]:
        """Return an output as it is stored and as it is shown. No code of the agent's can end in a fault of ours."""
        if output is None:
            return None, None
        if wrong := not_finite(output):
            raise InvalidAnswer(wrong)
        try:
            model: type[BaseModel] = self._outside.agents(turn.agent).output
        except BrokenAgent as error:
            raise InvalidAnswer(["output cannot be checked, as the agent cannot be loaded: leave it out"]) from error
        try:
            read = read_output(json_text(output), model)
            if not isinstance(read, list):
                return stored(read), shown(read)
        except Exception as error:
            fault = f"output: the agent's own code raised {type(error).__name__} on it: change it, or leave it out"
            raise InvalidAnswer([fault]) from error
        raise InvalidAnswer(read)

    def _view(
        self,
        whole: WholeTurn,
        tier: Tier | None,
        status: Status,
        reply: str,
        output: Mapping[str, Any] | None,
        reason: str,
    ) -> TurnView:
        turn = whole.turn
        return turn_view(
            turn,
            status=status,
            tier=tier,
            reply=reply,
            output=output,
            confidence=1.0 if status is Status.COMPLETED else None,
            cost_micro_usd=whole.cost_micro_usd,
            latency_ms=round((self._clock() - turn.created_at) * 1000),
            reason=reason,
        )

    def _log(self, who: Operator, escalation: Escalation, action: Action, wait: Metric) -> None:
        self._telemetry.action(
            action,
            turn_id=escalation.turn_id,
            tenant=who.tenant,
            operator=who.id,
            agent=escalation.agent,
            success=True,
        )
        waited = max(0.0, self._clock() - escalation.opened_at)
        self._telemetry.count(wait, waited, agent=escalation.agent)


_WHY: dict[EscalationState, str] = {
    EscalationState.ANSWERED: "somebody else answered it",
    EscalationState.EXPIRED: "the time to answer is over",
    EscalationState.RESOLVED: "a model has answered it",
    EscalationState.STOPPED: "it was stopped",
}
