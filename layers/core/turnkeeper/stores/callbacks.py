"""Callbacks over the table: an outbox, written with the end of a turn and emptied until the receiver has it."""

from dataclasses import dataclass

from turnkeeper.ports import Attr, Clock, Op, Put, Refused, Table, Update
from turnkeeper.stores import keys
from turnkeeper.stores.records import Record, Turn

_UNTIL_LOOKED_AT_S = 30
"""The queue is quicker; after this the reconciler takes care of it."""

DUE, DELIVERED, GIVEN_UP = "DUE", "DELIVERED", "GIVEN_UP"


@dataclass(frozen=True, slots=True)
class Callback(Record):
    """A message to a receiver: DUE, then DELIVERED or GIVEN_UP (which may be tried again by hand)."""

    turn_id: str
    url: str
    st: str
    at: float
    tries: int = 0
    due_at: float = 0.0


class CallbackStore:
    """The outbox."""

    def __init__(self, table: Table, clock: Clock) -> None:
        self._table, self._clock = table, clock

    def new_ops(self, turn: Turn) -> list[Op]:
        """The write that belongs to a turn's end, where the turn asked for a callback."""
        url = turn.request.get("callback_url")
        if not url:
            return []
        now = self._clock()
        due = {"due_pk": keys.due(turn.turn_id), "due_at": now + _UNTIL_LOOKED_AT_S}
        item = {"turn_id": turn.turn_id, "url": url, "st": DUE, "at": now, "tries": 0, "ttl": turn.child_ttl, **due}
        return [Put(keys.callback(turn.turn_id), item, when=Attr("pk").absent())]

    def get(self, turn_id: str) -> Callback | None:
        """Read a callback."""
        item = self._table.get(keys.callback(turn_id))
        return Callback.from_item(item) if item else None

    def begin(self, seen: Callback, until: float) -> Callback | None:
        """Count a try that is about to begin; None when somebody else tries, or it was delivered."""
        due = {"st": DUE, "due_pk": keys.due(seen.turn_id), "due_at": until}
        when = Attr("st").eq(seen.st) & Attr("tries").eq(seen.tries)
        return self._try(Update(keys.callback(seen.turn_id), set=due, add={"tries": 1}, when=when))

    def look_again(self, seen: Callback, at: float) -> bool:
        """Move the moment at which the reconciler looks at it again; False when it was moved meanwhile."""
        when = Attr("st").eq(DUE) & Attr("due_at").eq(seen.due_at)
        return self._try(Update(keys.callback(seen.turn_id), set={"due_at": at}, when=when)) is not None

    def end(self, mine: Callback, st: str) -> None:
        """Record that the receiver has it, or that it was given up."""
        when = Attr("st").eq(DUE) & Attr("tries").eq(mine.tries)
        self._try(Update(keys.callback(mine.turn_id), set={"st": st}, remove=("due_pk", "due_at"), when=when))

    def _try(self, op: Update) -> Callback | None:
        try:
            item = self._table.write(op)
        except Refused:
            return None
        return Callback.from_item(item)
