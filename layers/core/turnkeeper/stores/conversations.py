"""Conversations over the table: who they belong to, and what was said in their turns, in the order of positions."""

from typing import Any

from turnkeeper.domain.conversation import Conversation, Exchange
from turnkeeper.domain.turn import Turn
from turnkeeper.ports import Attr, Clock, Op, Put, Table, Update
from turnkeeper.stores import keys
from turnkeeper.stores.items import CONVERSATION, EXCHANGE

RECENT_TURNS = 50
"""The most turns of history that a run reads; the token budget usually ends it sooner."""

KEPT_CHARACTERS = 50_000
"""Characters of a reply that the conversation keeps; the turn itself has all of it."""


class ConversationStore:
    """Conversations over the table."""

    def __init__(self, table: Table, clock: Clock) -> None:
        self._table, self._clock = table, clock

    def recent(self, tenant: str, conversation: str) -> list[Exchange]:
        """Read the last concluded turns, oldest first."""
        return self._before(tenant, conversation, "", RECENT_TURNS)

    def page(self, tenant: str, conversation: str, before: str) -> tuple[list[Exchange], bool]:
        """Read a page of concluded turns, oldest first: the last ones before a position, or of all if that is "".

        Returns the turns, and whether there are older ones.
        """
        found = self._before(tenant, conversation, before, RECENT_TURNS + 1)
        return found[-RECENT_TURNS:], len(found) > RECENT_TURNS

    def _before(self, tenant: str, conversation: str, position: str, limit: int) -> list[Exchange]:
        pk, sk = keys.message(tenant, conversation, position)
        items = self._table.query(pk, prefix=keys.MESSAGE, newest_first=True, limit=limit, after=sk if position else "")
        return [EXCHANGE.read(item) for item in reversed(items)]

    def get(self, tenant: str, conversation: str) -> Conversation | None:
        """Read who a conversation belongs to."""
        item = self._table.get(keys.conversation(tenant, conversation))
        return CONVERSATION.read(item) if item else None

    def begin_ops(self, turn: Turn) -> list[Op]:
        """Return the write that opens a turn's conversation, or keeps an open one for as long as this turn is kept."""
        head: dict[str, Any] = {
            "tenant": turn.tenant,
            "customer": turn.customer,
            "agent": turn.agent,
            "conversation": turn.conversation,
            "created_at": turn.created_at,
            "cust_pk": keys.owned_by(turn.tenant, turn.customer),
        }
        return [Update(keys.conversation(turn.tenant, turn.conversation), set={"ttl": turn.kept_until}, default=head)]

    def add_ops(self, turn: Turn, *, reply: str, status: str) -> list[Op]:
        """Return the writes that add a concluded turn to its conversation, at its position."""
        said = {
            "turn_id": turn.turn_id,
            "position": turn.position,
            "user": turn.message,
            "reply": reply[:KEPT_CHARACTERS],
            "status": status,
            "at": self._clock(),
            "cust_pk": keys.owned_by(turn.tenant, turn.customer),
            "ttl": turn.children_kept_until,
        }
        key = keys.message(turn.tenant, turn.conversation, turn.position)
        return [Put(key, said, when=Attr("pk").absent())]
