"""Turns and escalations as the code sees them, read from their items."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Self

from turnkeeper.domain.turns import TurnState
from turnkeeper.ports import Item

OUTLIVES_S = 86_400
"""Seconds by which a turn outlives what lies under it: DynamoDB removes expired items in any order, within days."""


@dataclass(frozen=True, slots=True)
class Record:
    """An item read into typed attributes; what the item has beyond them is ignored."""

    @classmethod
    def from_item(cls, item: Item) -> Self:
        """Read an item."""
        return cls(**{f.name: item[f.name] for f in fields(cls) if f.name in item})


@dataclass(frozen=True, slots=True)
class Turn(Record):
    """A turn. Moments are seconds since the epoch; `request` is the canonical validated body."""

    turn_id: str
    tenant: str
    customer: str
    agent: str
    agent_version: str
    task: str
    conversation: str
    position: str
    fp: str
    st: str
    epoch: int
    created_at: float
    answer_by: float
    request: Mapping[str, Any]
    base_url: str = ""
    correlation_id: str = ""
    run_id: str = ""
    effects: int = 0
    """How many side effects were begun."""
    lease_until: float = 0.0
    ttl: int = 0
    first_status: int = 0
    first_body: str = ""
    outcome_body: str = ""

    @property
    def child_ttl(self) -> int:
        """When what lies under the turn is removed (seconds since the epoch): the turn outlives it."""
        return self.ttl - OUTLIVES_S

    @property
    def message(self) -> str:
        """What the customer wrote."""
        return str(self.request["message"])

    @property
    def is_new_conversation(self) -> bool:
        """Whether this turn begins its conversation."""
        return not self.request.get("conversation_id")

    @property
    def outcome(self) -> dict[str, Any]:
        """How the turn ended, as GET shows it; empty until then."""
        text = self.outcome_body or self.first_body
        view: dict[str, Any] = json.loads(text) if self.is_done else {}
        return view

    @property
    def is_done(self) -> bool:
        """Whether the turn has its outcome."""
        return self.st == TurnState.DONE


@dataclass(frozen=True, slots=True)
class Escalation(Record):
    """A turn that left the fast path; for `st` see `EscalationState`."""

    turn_id: str
    tenant: str
    customer: str
    agent: str
    st: str
    reason: str
    created_at: float
    answer_by: float
    n: int = 1
    ver: int = 0
    first_done: bool = False
    reasked: bool = False
    to_human: bool = False
    excerpt: str = ""
    opened_at: float = 0.0
    claimant: str = ""
    claimant_name: str = ""
    claim_until: float = 0.0
    tok: str = ""
    tok_seq: int = -1
    pages: int = 0
    paged: int = 0
    next_page_at: float = 0.0
    answer_id: str = ""
    answer: Mapping[str, Any] = field(default_factory=dict)
    answered_at: float = 0.0
    draft: Mapping[str, Any] = field(default_factory=dict)
    due_at: float = 0.0
