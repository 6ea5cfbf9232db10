"""A conversation: whose it is, and what its concluded turns said."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Conversation:
    """Whose a conversation is; ids only."""

    tenant: str
    customer: str
    agent: str
    conversation: str


@dataclass(frozen=True, slots=True)
class Exchange:
    """One concluded turn: what was asked, and what was answered ("" when nobody could); `at` is since the epoch."""

    turn_id: str
    position: str
    user: str
    reply: str
    at: float
    status: str
