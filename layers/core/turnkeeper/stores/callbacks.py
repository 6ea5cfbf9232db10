"""Callbacks over the table: an outbox. A message is written with the end of its turn, and stays due until delivered."""

from turnkeeper.domain.callbacks import Callback, CallbackState
from turnkeeper.domain.turn import Turn
from turnkeeper.ports import Attr, Clock, Op, Put, Refused, Table, Update
from turnkeeper.stores import keys
from turnkeeper.stores.items import CALLBACK

_UNTIL_LOOKED_AT_S = 30
"""Seconds that the queue has to deliver a new message; if it is still due then, the reconciler queues it again."""


class CallbackStore:
    """The outbox."""

    def __init__(self, table: Table, clock: Clock) -> None:
        self._table, self._clock = table, clock

    def new_ops(self, turn: Turn) -> list[Op]:
        """Return the write that goes with a turn's end, if the turn asked for a callback."""
        if not turn.callback_url:
            return []
        now = self._clock()
        callback = Callback(turn.turn_id, turn.callback_url, CallbackState.DUE, at=now, due_at=now + _UNTIL_LOOKED_AT_S)
        kept = {"due_pk": keys.due(turn.turn_id), "ttl": turn.children_kept_until}
        return [Put(keys.callback(turn.turn_id), CALLBACK.write(callback) | kept, when=Attr("pk").absent())]

    def get(self, turn_id: str) -> Callback | None:
        """Read a callback."""
        item = self._table.get(keys.callback(turn_id))
        return CALLBACK.read(item) if item else None

    def begin(self, seen: Callback, until: float) -> Callback | None:
        """Count a try that is about to begin, and that may last until `until`; None if somebody else was first."""
        due = {"st": CallbackState.DUE, "due_pk": keys.due(seen.turn_id), "due_at": until}
        when = Attr("st").eq(seen.state) & Attr("tries").eq(seen.tries)
        return self._try(Update(keys.callback(seen.turn_id), set=due, add={"tries": 1}, when=when))

    def look_again(self, seen: Callback, at: float) -> bool:
        """Let the reconciler look at it at `at` (seconds since the epoch); False if somebody else moved that moment."""
        when = Attr("st").eq(CallbackState.DUE) & Attr("due_at").eq(seen.due_at)
        return self._try(Update(keys.callback(seen.turn_id), set={"due_at": at}, when=when)) is not None

    def end(self, mine: Callback, state: CallbackState) -> None:
        """Record that the receiver has the message, or that it was given up."""
        when = Attr("st").eq(CallbackState.DUE) & Attr("tries").eq(mine.tries)
        self._try(Update(keys.callback(mine.turn_id), set={"st": state}, remove=("due_pk", "due_at"), when=when))

    def _try(self, op: Update) -> Callback | None:
        try:
            item = self._table.write(op)
        except Refused:
            return None
        return CALLBACK.read(item)
