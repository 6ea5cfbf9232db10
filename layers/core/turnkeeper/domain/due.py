"""Decides what is due for an escalation now: expire it, page, page again, start its execution or end it."""

from dataclasses import dataclass
from enum import StrEnum

from turnkeeper.domain.escalation import LIVE, Escalation, EscalationState
from turnkeeper.domain.policies import PagingTimes


class Due(StrEnum):
    """What the reconciler has to do for an escalation."""

    EXPIRE = "expire"
    REPEAT_PAGE = "repeat_page"
    PAGE = "page"
    ENSURE_EXECUTION = "ensure_execution"
    END_EXECUTION = "end_execution"
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class Decision:
    """What to do and why; `again_at` is when to look again (seconds since the epoch)."""

    action: Due
    reason: str
    again_at: float


def due_now(escalation: Escalation, now: float, times: PagingTimes) -> Decision:
    """Decide what an escalation needs at a moment (seconds since the epoch)."""
    soon = now + times.confirm_page_s
    if escalation.state not in LIVE:
        return Decision(Due.END_EXECUTION, f"it is {escalation.state.lower()}", soon)
    if escalation.answer_by <= now:
        return Decision(Due.EXPIRE, "nobody answered in time", soon)
    if escalation.state is EscalationState.TIERS:
        again_at = min(escalation.answer_by, now + times.look_every_s)
        return Decision(Due.ENSURE_EXECUTION, "its tiers should be running", again_at)
    return _page_due(escalation, now, soon)


def _page_due(escalation: Escalation, now: float, soon: float) -> Decision:
    if escalation.is_claimed(now):
        return Decision(Due.NOTHING, "it is claimed", min(escalation.answer_by, escalation.claim_until))
    # A new page goes before a repetition. So the count of pages reaches the second level even while none gets through.
    if escalation.next_page_at <= now:
        return Decision(Due.PAGE, "nobody claimed it", soon)
    if escalation.pages_confirmed < escalation.pages:
        return Decision(Due.REPEAT_PAGE, "the last page was not confirmed", soon)
    return Decision(Due.NOTHING, "the next page is not due", min(escalation.answer_by, escalation.next_page_at))
