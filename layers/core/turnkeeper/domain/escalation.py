"""An escalation, which is a turn that left the fast path: its states, how it is listed, which tier comes next."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from turnkeeper.domain.attempt import Attempt
from turnkeeper.domain.tier import MODEL_TIERS, Tier


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
"""The states in which the turn has not ended yet."""

WAITING = (EscalationState.OPEN, EscalationState.CLAIMED)
"""The states in which the turn waits for a person."""


class Listed(StrEnum):
    """The statuses under which an operator sees escalations."""

    OPEN = "open"
    CLAIMED = "claimed"
    ANSWERED = "answered"
    EXPIRED = "expired"


_LISTED = {
    EscalationState.OPEN: Listed.OPEN,
    EscalationState.CLAIMED: Listed.CLAIMED,
    EscalationState.ANSWERED: Listed.ANSWERED,
    EscalationState.EXPIRED: Listed.EXPIRED,
}


class Severity(StrEnum):
    """How urgent a page is."""

    HIGH = "high"
    CRITICAL = "critical"


@dataclass(frozen=True, slots=True)
class Escalation:
    """A turn that left the fast path. Moments are seconds since the epoch, 0 where it has not happened.

    `reason` is the code of a `Reason`, as text: a newer release may have written one that this one does not know.

    `execution_number` counts the executions of the state machine; `claim_version` rises with every claim. The Task
    that waits for a person leaves its `task_token`; of two tokens, the one with the higher `token_order` is newer.
    `pages` counts the pages that were begun; `pages_confirmed` is the number of the last one that was surely published.
    """

    turn_id: str
    tenant: str
    customer: str
    agent: str
    state: EscalationState
    reason: str
    created_at: float
    answer_by: float
    execution_number: int = 1
    claim_version: int = 0
    first_done: bool = False
    reasked: bool = False
    to_human: bool = False
    excerpt: str = ""
    opened_at: float = 0.0
    claimant: str = ""
    claimant_name: str = ""
    claim_until: float = 0.0
    task_token: str = ""
    token_order: int = -1
    pages: int = 0
    pages_confirmed: int = 0
    next_page_at: float = 0.0
    answer_id: str = ""
    answer: Mapping[str, Any] = field(default_factory=dict)
    answered_at: float = 0.0
    draft: Mapping[str, Any] = field(default_factory=dict)
    due_at: float = 0.0

    @property
    def is_waiting(self) -> bool:
        """Whether the turn waits for a person."""
        return self.state in WAITING

    def is_claimed(self, now: float) -> bool:
        """Whether an operator's claim holds: it was made, and has not lapsed."""
        return self.state is EscalationState.CLAIMED and self.claim_until > now

    def listed(self, now: float) -> Listed | None:
        """Return under which status operators see it, or None if no person was asked. A lapsed claim is open again."""
        if self.state is EscalationState.CLAIMED and not self.is_claimed(now):
            return Listed.OPEN
        return _LISTED.get(self.state)


def severity(pages: int, second_level_from: int) -> Severity:
    """Return how urgent the newest page is: `critical` once pages go to the second level."""
    return Severity.CRITICAL if pages >= second_level_from else Severity.HIGH


def skip_reason(escalation: Escalation, attempts: Sequence[Attempt], tier: Tier) -> str | None:
    """Say why a tier of models is skipped, or return None if it should run."""
    if escalation.to_human:
        return "only a person may answer"
    if escalation.opened_at:
        return "it was put before people"
    if any(attempt.tier == tier for attempt in attempts):
        return "it was tried"
    if tier is Tier.FIRST_ATTEMPT and escalation.first_done:
        return "the API tried it"
    if tier is Tier.CORRECTED_RETRY and (escalation.reasked or any(attempt.reasked for attempt in attempts)):
        return "the model was asked again already"
    return None


def next_tier(escalation: Escalation, attempts: Sequence[Attempt]) -> Tier:
    """Return the first tier of models that is not skipped, or the human tier."""
    tiers = (tier for tier in MODEL_TIERS if skip_reason(escalation, attempts, tier) is None)
    return next(tiers, Tier.HUMAN)
