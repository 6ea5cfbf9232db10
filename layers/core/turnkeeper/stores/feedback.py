"""Feedback over the table: how a customer rated a turn."""

from turnkeeper.domain.turn import Turn
from turnkeeper.ports import Attr, Clock, Put, Refused, Table
from turnkeeper.stores import keys


class FeedbackStore:
    """Feedback over the table."""

    def __init__(self, table: Table, clock: Clock) -> None:
        self._table, self._clock = table, clock

    def keep(self, turn: Turn, score: int, comment: str) -> bool:
        """Keep a score of 1 to 5 and a comment, in place of earlier ones. Returns whether they are the turn's first."""
        said = {"score": score, "comment": comment, "at": self._clock(), "ttl": turn.children_kept_until}
        key = keys.feedback(turn.turn_id)
        try:
            self._table.write(Put(key, said, when=Attr("pk").absent()))
        except Refused:
            self._table.write(Put(key, said))
            return False
        return True
