"""A conversation: who takes part in it, and what was said in its concluded turns."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Conversation:
    """Which tenant, customer and agent a conversation belongs to; all four are ids."""

    tenant: str
    customer: str
    agent: str
    conversation: str


@dataclass(frozen=True, slots=True)
class Exchange:
    """One concluded turn: what the user asked, and the reply ("" if nobody could answer).

    `at` is seconds since the epoch; `position` is the turn's place in the conversation.
    """

    turn_id: str
    position: str
    user: str
    reply: str
    at: float
    status: str
