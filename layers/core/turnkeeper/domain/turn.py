"""A turn: one request of a customer, which is also the lock on its idempotency key; its states and its documents."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

OUTLIVES_S = 86_400
"""Seconds by which a turn outlives the items under it: DynamoDB deletes expired items in any order, within days."""


class TurnState(StrEnum):
    """Where a turn stands: RUN -> DONE or ESC; ESC -> DONE."""

    RUN = "RUN"
    ESC = "ESC"
    DONE = "DONE"


class Status(StrEnum):
    """The status that the API shows of a turn."""

    COMPLETED = "completed"
    ESCALATING = "escalating"
    AWAITING_HUMAN = "awaiting_human"
    EXPIRED = "expired"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Document:
    """An HTTP status and body that the POST answered, and answers again on every replay, byte for byte."""

    status: int
    body: str


@dataclass(frozen=True, slots=True)
class Lease:
    """How long a run may hold its turn: `until` is seconds since the epoch."""

    until: float

    GRACE_S = 30.0

    @property
    def sweep_at(self) -> float:
        """When others may resolve the run's reservations, in seconds since the epoch."""
        return self.until + self.GRACE_S


@dataclass(frozen=True, slots=True)
class Turn:
    """A turn. Moments are seconds since the epoch; `request` is the canonical validated body.

    Every run raises `epoch` and has a `run_id` of its own: writes on condition of both are the fence. `position` is
    the turn's place in its conversation.
    """

    turn_id: str
    tenant: str
    customer: str
    agent: str
    agent_version: str
    task: str
    conversation: str
    request_fingerprint: str
    request: Mapping[str, Any]
    created_at: float
    answer_by: float
    position: str = ""
    state: TurnState = TurnState.RUN
    epoch: int = 0
    run_id: str = ""
    base_url: str = ""
    correlation_id: str = ""
    effects_begun: int = 0
    lease_until: float = 0.0
    due_at: float = 0.0
    """When the reconciler looks at the turn; 0 if it need not."""
    kept_until: int = 0
    first_status: int = 0
    first_body: str = ""
    outcome_body: str = ""

    @property
    def children_kept_until(self) -> int:
        """When the items under the turn expire (seconds since the epoch), which is before the turn does."""
        return self.kept_until - OUTLIVES_S

    @property
    def message(self) -> str:
        """What the customer wrote."""
        return str(self.request["message"])

    @property
    def is_new_conversation(self) -> bool:
        """Whether this turn begins its conversation."""
        return not self.request.get("conversation_id")

    @property
    def callback_url(self) -> str | None:
        """The URL to which the client wants the outcome sent, if it named one."""
        return self.request.get("callback_url") or None

    @property
    def first_answer(self) -> Document:
        """What the POST was answered; empty while its run is still at work."""
        return Document(self.first_status, self.first_body)

    @property
    def outcome(self) -> dict[str, Any]:
        """How the turn ended, as GET shows it; empty until then."""
        text = self.outcome_body or self.first_body
        view: dict[str, Any] = json.loads(text) if self.is_done else {}
        return view

    @property
    def is_done(self) -> bool:
        """Whether the turn has its outcome."""
        return self.state is TurnState.DONE

    def lease_lapsed(self, now: float) -> bool:
        """Whether the run that held the turn is dead, so that another may take over."""
        return self.state is TurnState.RUN and self.lease_until <= now
