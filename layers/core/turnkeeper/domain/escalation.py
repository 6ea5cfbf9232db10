"""An escalation's states, and what is due for one at a moment."""

from dataclasses import dataclass
from enum import StrEnum


class EscalationState(StrEnum):
    """TIERS -> OPEN -> CLAIMED -> ANSWERED or EXPIRED; RESOLVED (a model answered) and STOPPED need no person."""

    TIERS = "TIERS"
    OPEN = "OPEN"
    CLAIMED = "CLAIMED"
    ANSWERED = "ANSWERED"
    EXPIRED = "EXPIRED"
    RESOLVED = "RESOLVED"
    STOPPED = "STOPPED"


LIVE = (EscalationState.TIERS, EscalationState.OPEN, EscalationState.CLAIMED)
WAITING = (EscalationState.OPEN, EscalationState.CLAIMED)


class Listed(StrEnum):
    """The statuses under which an operator sees escalations."""

    OPEN = "open"
    CLAIMED = "claimed"
    ANSWERED = "answered"
    EXPIRED = "expired"


def listed(st: str, claim_until: float, now: float) -> Listed | None:
    """Return how an escalation is listed: a lapsed claim is open again; what no person was asked for is not listed."""
    if st == EscalationState.CLAIMED:
        return Listed.OPEN if claim_until <= now else Listed.CLAIMED
    names = {"OPEN": Listed.OPEN, "ANSWERED": Listed.ANSWERED, "EXPIRED": Listed.EXPIRED}
    return names.get(st)


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


@dataclass(frozen=True, slots=True)
class Pacing:
    """Seconds: between pages, for a claim, between looks at an execution, until an unconfirmed page is repeated.

    `no_tiers` is for how long the state machine may be away before people are asked without it.
    """

    page_every: float
    claim: float
    look_every: float = 30.0
    confirm_page: float = 10.0
    no_tiers: float = 300.0


def due_now(  # noqa: PLR0911 - one return for each way it can stand
    *,
    st: str,
    answer_by: float,
    claim_until: float,
    next_page_at: float,
    pages: int,
    paged: int,
    now: float,
    pacing: Pacing,
) -> Decision:
    """Decide what an escalation needs at a moment."""
    if st not in LIVE:
        return Decision(Due.END_EXECUTION, f"it is {st.lower()}", now + pacing.confirm_page)
    if answer_by <= now:
        return Decision(Due.EXPIRE, "nobody answered in time", now + pacing.confirm_page)
    if st == EscalationState.TIERS:
        return Decision(Due.ENSURE_EXECUTION, "its tiers should be running", min(answer_by, now + pacing.look_every))
    if st == EscalationState.CLAIMED and claim_until > now:
        return Decision(Due.NOTHING, "it is claimed", min(answer_by, claim_until))
    # Before a repetition: pages count on while nothing can be published, and so reach the second level.
    if next_page_at <= now:
        return Decision(Due.PAGE, "nobody claimed it", now + pacing.confirm_page)
    if paged < pages:
        return Decision(Due.REPEAT_PAGE, "the last page was not confirmed", now + pacing.confirm_page)
    return Decision(Due.NOTHING, "the next page is not due", min(answer_by, next_page_at))
