"""The journal of a turn: side effects, written before they begin, and what each run tried."""

from turnkeeper.domain.attempt import Attempt
from turnkeeper.domain.effect import Effect, EffectState
from turnkeeper.domain.turn import Turn
from turnkeeper.ports import Attr, Clock, Op, Put, Refused, Table, Update
from turnkeeper.stores import keys
from turnkeeper.stores.items import EFFECT, attempt_item


class Journal:
    """The journal over the table."""

    def __init__(self, table: Table, clock: Clock) -> None:
        self._table, self._clock = table, clock

    def begin(self, counted: Update, turn: Turn, effect: Effect) -> None:
        """Write that an effect is about to happen, unless it was begun before. Raises Refused when the turn is lost.

        `counted` is the write that counts it on the turn, which the run must own.
        """
        started = {"st": EffectState.STARTED, "epoch": turn.epoch, "at": self._clock(), "ttl": turn.children_kept_until}
        item = EFFECT.write(effect, without=("result",)) | started
        may_begin = Attr("pk").absent() | Attr("st").eq(EffectState.NOT_DONE)
        try:
            self._table.transact([counted, Put(_key(turn, effect), item, when=may_begin)])
        except Refused as refusal:
            if 0 in refusal.failed:
                raise

    def done(self, turn: Turn, effect: Effect, result: str) -> None:
        """Write what an effect came to (JSON text); the first result stays."""
        self._end(turn, effect, {"st": EffectState.DONE, "result": result, "done_at": self._clock()})

    def not_done(self, turn: Turn, effect: Effect) -> None:
        """Write that an effect surely did not happen: it may be tried again."""
        self._end(turn, effect, {"st": EffectState.NOT_DONE})

    def attempt_op(self, turn: Turn, attempt: Attempt) -> Op:
        """The write that records what a run tried."""
        item = attempt_item(attempt) | {"ttl": turn.children_kept_until}
        return Put(keys.attempt(turn.turn_id, attempt.epoch), item)

    def _end(self, turn: Turn, effect: Effect, change: dict[str, str | float]) -> None:
        try:
            self._table.write(Update(_key(turn, effect), set=change, when=Attr("st").eq(EffectState.STARTED)))
        except Refused:
            return  # its outcome is known already


def _key(turn: Turn, effect: Effect) -> tuple[str, str]:
    return keys.effect(turn.turn_id, effect.tool, effect.arguments_digest)
