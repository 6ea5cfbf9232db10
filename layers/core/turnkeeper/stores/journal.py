"""The journal of a turn: side effects, written before they begin, and what each run tried."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from turnkeeper.domain.closing import Effect
from turnkeeper.ports import Attr, Clock, Item, Op, Put, Refused, Table, Update
from turnkeeper.stores import keys
from turnkeeper.stores.records import Record, Turn


@dataclass(frozen=True, slots=True)
class Step(Record):
    """A side effect: STARTED, then DONE with the tool's result (JSON text)."""

    tool: str
    digest: str
    arguments: str
    st: str
    epoch: int
    result: str = ""


@dataclass(frozen=True, slots=True)
class Attempt(Record):
    """What one run tried: `calls` are models with failure, cost and duration; `errors` what was wrong at the end."""

    epoch: int
    tier: str
    outcome: str
    reason: str
    at: float
    duration_ms: int
    calls: Sequence[Mapping[str, Any]] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    draft: str = ""
    confidence: float | None = None
    reasked: bool = False
    refused: bool = False


class Journal:
    """The journal over the table."""

    def __init__(self, table: Table, clock: Clock) -> None:
        self._table, self._clock = table, clock

    @staticmethod
    def steps_of(family: list[Item]) -> list[Step]:
        """Pick the side effects out of a turn's items."""
        return [Step.from_item(item) for item in family if str(item["sk"]).startswith(keys.STEP)]

    @staticmethod
    def effects_of(family: list[Item]) -> list[Effect]:
        """Pick the side effects that were done, or may have been, out of a turn's items."""
        steps = Journal.steps_of(family)
        return [Effect(s.tool, s.arguments, done=s.st == "DONE") for s in steps if s.st != "NOT_DONE"]

    def begin(self, counted: Update, turn: Turn, step: Step) -> None:
        """Write that an effect is about to happen, unless it was begun before. Raises Refused when the turn is lost.

        `counted` is what counts it on the turn, which the run must own.
        """
        key = keys.step(turn.turn_id, step.tool, step.digest)
        item = {
            "tool": step.tool,
            "digest": step.digest,
            "arguments": step.arguments,
            "st": "STARTED",
            "epoch": turn.epoch,
            "at": self._clock(),
            "ttl": turn.child_ttl,
        }
        try:
            self._table.transact([counted, Put(key, item, when=Attr("pk").absent() | Attr("st").eq("NOT_DONE"))])
        except Refused as refusal:
            if 0 in refusal.failed:
                raise

    def end(self, turn: Turn, step: Step, result: str) -> None:
        """Write what an effect came to; the first result stays."""
        key = keys.step(turn.turn_id, step.tool, step.digest)
        done = {"st": "DONE", "result": result, "done_at": self._clock()}
        try:
            self._table.write(Update(key, set=done, when=Attr("st").eq("STARTED")))
        except Refused:
            return

    def forget(self, turn: Turn, step: Step) -> None:
        """Take back an effect that surely did not happen, so that it may be tried again."""
        key = keys.step(turn.turn_id, step.tool, step.digest)
        try:
            self._table.write(Update(key, set={"st": "NOT_DONE"}, when=Attr("st").eq("STARTED")))
        except Refused:
            return

    def attempt_op(self, turn: Turn, attempt: Attempt) -> Op:
        """The write that records what a run tried."""
        item = {name: getattr(attempt, name) for name in Attempt.__dataclass_fields__}
        return Put(keys.attempt(turn.turn_id, attempt.epoch), {**item, "ttl": turn.child_ttl})

    @staticmethod
    def attempts(family: list[Item]) -> list[Attempt]:
        """Pick what was tried out of a turn's items, oldest first."""
        return [Attempt.from_item(item) for item in family if str(item["sk"]).startswith(keys.ATTEMPT)]
