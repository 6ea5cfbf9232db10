"""The turn item: the idempotency lock, its fence (`epoch`), its lease, and its two documents."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from turnkeeper.domain.turns import TurnState, position
from turnkeeper.errors import TurnLost
from turnkeeper.ports import Attr, Check, Clock, Cond, Delete, Item, Op, Put, Refused, Table, Update
from turnkeeper.stores import keys
from turnkeeper.stores.records import OUTLIVES_S, Turn

KEEP_S = 30 * 86_400
"""Seconds for which a turn is kept after its `answer_by`, unless the deployment says otherwise; its key replays."""

FIRST, OUTCOME = "first", "outcome"
"""A turn's documents: what the POST answered, and how an escalated turn ended."""

PART_BYTES = 150_000
"""The most of a document that lies in one item: both documents and the request fit into DynamoDB's 400 KB."""

_MOST_BYTES_A_CHARACTER = 4


@dataclass(frozen=True, slots=True)
class Lease:
    """Until when a run may hold a turn; `swept_at` is when its reservations may be resolved by others."""

    until: float

    GRACE = 30.0

    @property
    def swept_at(self) -> float:
        """Seconds since the epoch."""
        return self.until + self.GRACE


@dataclass(frozen=True, slots=True)
class Document:
    """What the POST answered, and answers again on every replay: a status and a body, byte for byte."""

    status: int
    body: str


class TurnStore:
    """Turns over the table. `TurnLost` says that the caller's run no longer owns its turn.

    A run is fenced by the turn's `epoch`, which every run raises, and by its `run_id`, which names no other run: the
    epochs begin anew where a refused turn is forgotten and its key is used again.
    """

    def __init__(
        self, table: Table, clock: Clock, keep_s: float = KEEP_S, *, new_id: Callable[[], str] = lambda: uuid4().hex
    ) -> None:
        self._table, self._clock, self._keep_s, self._new_id = table, clock, keep_s, new_id

    def acquire(self, turn: Turn, lease: Lease) -> tuple[Turn, bool]:
        """Take a new turn, or one whose holder's lease lapsed: (the turn, whether it is ours now)."""
        now = self._clock()
        free = Attr("pk").absent()
        lapsed = Attr("fp").eq(turn.fp) & Attr("st").eq(TurnState.RUN) & Attr("lease_until").le(now)
        op = Update(
            keys.turn(turn.turn_id),
            set={
                **{name: getattr(turn, name) for name in _FIXED},
                "st": TurnState.RUN,
                **self._held(turn, lease),
                "cust_pk": keys.owned_by(turn.tenant, turn.customer),
                "ttl": int(turn.answer_by + self._keep_s) + OUTLIVES_S,
            },
            default={
                "created_at": now,
                "answer_by": turn.answer_by,
                "position": position(now, turn.turn_id),
            },
            add={"epoch": 1},
            when=free | lapsed,
        )
        try:
            item = self._table.write(op)
        except Refused as refusal:
            old = refusal.olds[0]
            if old is None:  # abandoned by its holder between our write and its answer
                return self.acquire(turn, lease)
            return self.whole(old), False
        return Turn.from_item(item), True

    def get(self, turn_id: str) -> Turn | None:
        """Read a turn."""
        item = self._table.get(keys.turn(turn_id))
        return self.whole(item) if item else None

    def family(self, turn_id: str) -> list[Item]:
        """Read a turn with everything that happened in it: escalation, attempts, reservations, steps.

        Documents that lie in parts are not among it: read them with `whole`.
        """
        return self._table.query(keys.turn(turn_id)[0])

    def whole(self, item: Item) -> Turn:
        """Read a turn's item with its documents, also where one lies in parts beside it."""
        whole = dict(item)
        for name in (FIRST, OUTCOME):
            count = int(item.get(f"{name}_parts", 0))
            if count:
                parts = self._table.query(keys.document_part(item["turn_id"], name, 0)[0], prefix=f"{name}#")
                whole[f"{name}_body"] = "".join(part["text"] for part in parts[:count])
        return Turn.from_item(whole)

    def finish(self, turn: Turn, answer: Document, also: Sequence[Op]) -> None:
        """End a run's turn: RUN -> DONE, with whatever belongs to the same moment; the answer is its outcome."""
        body, parts = _document(turn, FIRST, answer.body)
        update = Update(
            keys.turn(turn.turn_id),
            set={"st": TurnState.DONE, "first_status": answer.status, **body, "done_at": self._clock()},
            remove=("lease_until", "due_pk", "due_at"),
            when=_mine(turn, TurnState.RUN),
        )
        self._own(turn, update, [*parts, *also])

    def suspend(self, turn: Turn, answer: Document, escalation: Mapping[str, Any], also: Sequence[Op]) -> None:
        """Leave the fast path: RUN -> ESC, with the escalation item."""
        update = Update(
            keys.turn(turn.turn_id),
            set={"st": TurnState.ESC, "first_status": answer.status, "first_body": answer.body},
            remove=("lease_until", "due_pk", "due_at"),
            when=_mine(turn, TurnState.RUN),
        )
        put = Put(keys.escalation(turn.turn_id), escalation, when=Attr("pk").absent())
        self._own(turn, update, [put, *also])

    def abandon(self, turn: Turn) -> None:
        """Forget a turn that was refused before it was accepted; its key may be tried again."""
        when = _mine(turn, TurnState.RUN) & Attr("epoch").eq(1)
        try:
            self._table.transact([Delete(keys.turn(turn.turn_id), when=when)])
        except Refused as refusal:
            # Only its own run forgets a turn: it is gone, or its key began another, if an earlier try got through.
            old = refusal.olds[0]
            if old is not None and (old["epoch"] > 1 or old.get("run_id", "") == turn.run_id):
                raise TurnLost(turn.turn_id) from refusal

    def take_over(self, turn: Turn, lease: Lease) -> Turn:
        """Take a run whose lease lapsed, whatever its key's owner does; raises TurnLost when somebody else did."""
        when = _mine(turn, TurnState.RUN) & Attr("lease_until").le(self._clock())
        return self._lease(turn, lease, when)

    def begin_tier(self, turn: Turn, lease: Lease) -> Turn:
        """Take an escalated turn for a tier's run; raises TurnLost when another run holds it, or it ended."""
        free = Attr("lease_until").absent() | Attr("lease_until").le(self._clock())
        return self._lease(turn, lease, Attr("st").eq(TurnState.ESC) & free)

    def end_tier(self, turn: Turn, also: Sequence[Op]) -> None:
        """Give an escalated turn back after a tier's run that did not answer it."""
        remove = ("lease_until", "due_pk", "due_at")
        self._own(turn, Update(keys.turn(turn.turn_id), remove=remove, when=_mine(turn, TurnState.ESC)), also)

    def conclude(self, turn: Turn, outcome: str, also: Sequence[Op], *, fenced: bool) -> None:
        """End an escalated turn: ESC -> DONE; `fenced` when a tier's run does it, which may have been overtaken.

        Unfenced, it is refused where a run began an effect since the turn was read: the outcome would not tell of it.
        """
        body, parts = _document(turn, OUTCOME, outcome)
        when = _mine(turn, TurnState.ESC) if fenced else Attr("st").eq(TurnState.ESC) & _nothing_begun_since(turn)
        update = Update(
            keys.turn(turn.turn_id),
            set={"st": TurnState.DONE, **body, "done_at": self._clock()},
            # Unfenced, a tier's run may still hold money: the turn stays due, for the sweep.
            remove=("lease_until", "due_pk", "due_at") if fenced else ("lease_until",),
            when=when,
        )
        self._own(turn, update, [*parts, *also])

    def stop(self, turn: Turn, answer: Document, also: Sequence[Op]) -> None:
        """End a turn whose run may still work on it: RUN -> DONE, the run fenced off; it stays due for a sweep."""
        body, parts = _document(turn, FIRST, answer.body)
        update = Update(
            keys.turn(turn.turn_id),
            set={"st": TurnState.DONE, "first_status": answer.status, **body, "done_at": self._clock()},
            add={"epoch": 1},
            when=_mine(turn, TurnState.RUN) & _nothing_begun_since(turn),
        )
        self._own(turn, update, [*parts, *also])

    def tidy(self, turn: Turn) -> None:
        """Take a turn off the list of due work, unless a run took it again meanwhile."""
        when = Attr("epoch").eq(turn.epoch) & Attr("st").is_in(TurnState.ESC, TurnState.DONE)
        with suppress(Refused):
            self._table.write(Update(keys.turn(turn.turn_id), remove=("due_pk", "due_at"), when=when))

    def owned(self, turn: Turn) -> Check:
        """The condition that a run still owns its turn, for a transaction of another store."""
        return Check(keys.turn(turn.turn_id), _live(turn))

    def begins_effect(self, turn: Turn) -> Update:
        """The write that counts an effect of a run that owns its turn: it goes with the journal's."""
        return Update(keys.turn(turn.turn_id), add={"effects": 1}, when=_live(turn))

    def _lease(self, turn: Turn, lease: Lease, when: Cond) -> Turn:
        op = Update(keys.turn(turn.turn_id), set=self._held(turn, lease), add={"epoch": 1}, when=when)
        try:
            return Turn.from_item(self._table.write(op))
        except Refused as refusal:
            raise TurnLost(turn.turn_id) from refusal

    def _held(self, turn: Turn, lease: Lease) -> dict[str, Any]:
        due = {"due_pk": keys.due(turn.turn_id), "due_at": lease.swept_at}
        return {"run_id": self._new_id(), "lease_until": lease.until, **due}

    def _own(self, turn: Turn, update: Update, also: Sequence[Op]) -> None:
        try:
            self._table.transact([update, *also])
        except Refused as refusal:
            if 0 in refusal.failed:
                raise TurnLost(turn.turn_id) from refusal
            raise


def _document(turn: Turn, name: str, body: str) -> tuple[dict[str, Any], list[Op]]:
    """Return a document's attributes on the turn; one too large for an item goes into parts of its own."""
    if len(body.encode()) <= PART_BYTES:
        return {f"{name}_body": body}, []
    size = PART_BYTES // _MOST_BYTES_A_CHARACTER
    parts = [body[at : at + size] for at in range(0, len(body), size)]
    kept = {"cust_pk": keys.owned_by(turn.tenant, turn.customer), "ttl": turn.child_ttl}
    ops: list[Op] = [
        Put(keys.document_part(turn.turn_id, name, n), {"text": text, **kept}) for n, text in enumerate(parts)
    ]
    return {f"{name}_parts": len(parts)}, ops


_FIXED = (
    "turn_id",
    "tenant",
    "customer",
    "agent",
    "agent_version",
    "task",
    "conversation",
    "fp",
    "request",
    "base_url",
    "correlation_id",
)


def _mine(turn: Turn, st: TurnState) -> Cond:
    return Attr("st").eq(st) & _fence(turn)


def _live(turn: Turn) -> Cond:
    return Attr("st").is_in(TurnState.RUN, TurnState.ESC) & _fence(turn)


def _nothing_begun_since(turn: Turn) -> Cond:
    return Attr("effects").eq(turn.effects) if turn.effects else Attr("effects").absent()


def _fence(turn: Turn) -> Cond:
    epoch = Attr("epoch").eq(turn.epoch)
    return epoch & Attr("run_id").eq(turn.run_id) if turn.run_id else epoch  # version 0.1.0 wrote none
