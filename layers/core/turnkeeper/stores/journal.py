"""The journal of a turn: its side effects, each written before it begins, and its attempts."""

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
        """Record that an effect is about to happen, unless it is recorded already.

        `counted` is the write that counts the effect on the turn, on condition that the run owns it: Refused is raised
        if the run has lost the turn.
        """
        started = {"st": EffectState.STARTED, "epoch": turn.epoch, "at": self._clock(), "ttl": turn.children_kept_until}
        item = EFFECT.write(effect, without=("result",)) | started
        may_begin = Attr("pk").absent() | Attr("st").eq(EffectState.NOT_DONE)
        try:
            self._table.transact([counted, Put(_key(turn, effect), item, when=may_begin)])
        except Refused as refusal:
            if 0 in refusal.failed:  # otherwise only the journal's own condition failed: the effect is recorded already
                raise

    def done(self, turn: Turn, effect: Effect, result: str) -> None:
        """Record an effect's result (JSON text); the first result stays."""
        self._end(turn, effect, {"st": EffectState.DONE, "result": result, "done_at": self._clock()})

    def not_done(self, turn: Turn, effect: Effect) -> None:
        """Record that an effect surely did not happen, which means that it may be tried again."""
        self._end(turn, effect, {"st": EffectState.NOT_DONE})

    def attempt_op(self, turn: Turn, attempt: Attempt) -> Op:
        """Return the write that records what a run tried."""
        item = attempt_item(attempt) | {"ttl": turn.children_kept_until}
        return Put(keys.attempt(turn.turn_id, attempt.epoch), item)

    def _end(self, turn: Turn, effect: Effect, change: dict[str, str | float]) -> None:
        try:
            self._table.write(Update(_key(turn, effect), set=change, when=Attr("st").eq(EffectState.STARTED)))
        except Refused:
            return  # its outcome is recorded already


def _key(turn: Turn, effect: Effect) -> tuple[str, str]:
    return keys.effect(turn.turn_id, effect.tool, effect.arguments_digest)
