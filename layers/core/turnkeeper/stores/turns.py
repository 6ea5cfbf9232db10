"""Turns over the table. A turn's item is the idempotency lock, and has the fence, the lease and two documents."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import Any
from uuid import uuid4

from turnkeeper.domain.ids import position
from turnkeeper.domain.turn import OUTLIVES_S, Document, Lease, Turn, TurnState
from turnkeeper.domain.whole_turn import WholeTurn
from turnkeeper.errors import TurnLost
from turnkeeper.ports import Attr, Check, Clock, Cond, Delete, Item, Json, Op, Put, Refused, Table, Update
from turnkeeper.stores import keys
from turnkeeper.stores.items import ATTEMPT, CALLBACK, EFFECT, ESCALATION, RESERVATION, TURN

KEEP_S = 30 * 86_400
"""Seconds that a turn is kept after its `answer_by`, by default; for so long its key replays."""

FIRST, OUTCOME = "first", "outcome"
"""A turn's two documents: what the POST answered, and how an escalated turn ended."""

PART_BYTES = 150_000
"""The most bytes of a document in one item, so that the request and both documents fit into DynamoDB's 400 KB."""

_MOST_BYTES_A_CHARACTER = 4


class TurnStore:
    """Turns over the table. Methods raise TurnLost if the caller's run no longer owns its turn.

    The fence is the turn's `epoch`, which every run raises, and a `run_id` that no other run has. The epoch alone is
    not enough: after a refused turn is forgotten, its key can be used again, and the epochs start over.
    """

    def __init__(
        self, table: Table, clock: Clock, keep_s: float = KEEP_S, *, new_id: Callable[[], str] = lambda: uuid4().hex
    ) -> None:
        self._table, self._clock, self._keep_s, self._new_id = table, clock, keep_s, new_id

    def acquire(self, turn: Turn, lease: Lease) -> tuple[Turn, bool]:
        """Take a new turn, or one whose run's lease lapsed. Returns the turn as it is, and whether it is ours now."""
        now = self._clock()
        free = Attr("pk").absent()
        same = Attr("fp").eq(turn.request_fingerprint)
        lapsed = same & Attr("st").eq(TurnState.RUN) & Attr("lease_until").le(now)
        op = Update(
            keys.turn(turn.turn_id),
            set={
                **TURN.write(turn, without=_NOT_FROM_THE_REQUEST),
                "st": TurnState.RUN,
                **self._leased(turn, lease),
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
            if old is None:
                # Its run was refused and forgot it while we wrote. This ends: to get here again, another request with
                # the same key would have to acquire the turn, be refused and forget it during each of our writes.
                return self.acquire(turn, lease)
            return self._with_documents(old), False
        return TURN.read(item), True

    def get(self, turn_id: str) -> Turn | None:
        """Read a turn."""
        item = self._table.get(keys.turn(turn_id))
        return self._with_documents(item) if item else None

    def whole(self, turn_id: str) -> WholeTurn | None:
        """Read a turn with everything that belongs to it; None if there is no such turn."""
        items = self._table.query(keys.turn(turn_id)[0])
        found = {str(item["sk"]): item for item in items}
        if keys.TURN not in found:
            return None
        escalation, callback, feedback = (found.get(sk) for sk in (keys.ESCALATION, keys.CALLBACK, keys.FEEDBACK))
        return WholeTurn(
            turn=self._with_documents(found[keys.TURN]),
            escalation=ESCALATION.read(escalation) if escalation else None,
            attempts=tuple(ATTEMPT.read(item) for sk, item in found.items() if sk.startswith(keys.ATTEMPT)),
            effects=tuple(EFFECT.read(item) for sk, item in found.items() if sk.startswith(keys.EFFECT)),
            reservations=tuple(RESERVATION.read(item) for sk, item in found.items() if sk.startswith(keys.RESERVATION)),
            callback=CALLBACK.read(callback) if callback else None,
            feedback_score=feedback["score"] if feedback else None,
        )

    def ids_of_customer(self, tenant: str, customer: str) -> Iterator[str]:
        """Find a customer's turns in the index (eventually consistent)."""
        after: Json | None = None
        while True:
            items, after = self._table.query_index("customer", keys.owned_by(tenant, customer), after=after)
            yield from (keys.turn_of(str(item["pk"])) for item in items if item["sk"] == keys.TURN)
            if after is None:
                return

    def _with_documents(self, item: Item) -> Turn:
        """Read a turn from its item, and the parts of its documents from theirs if they are too large for it."""
        whole = dict(item)
        for name in (FIRST, OUTCOME):
            count = int(item.get(f"{name}_parts", 0))
            if count:
                parts = self._table.query(keys.document_part(item["turn_id"], name, 0)[0], prefix=f"{name}#")
                whole[f"{name}_body"] = "".join(part["text"] for part in parts[:count])
        return TURN.read(whole)

    def finish(self, turn: Turn, answer: Document, also: Sequence[Op]) -> None:
        """End a turn on the fast path, RUN -> DONE, together with the operations `also`; the answer is its outcome."""
        body, parts = _document(turn, FIRST, answer.body)
        update = Update(
            keys.turn(turn.turn_id),
            set={"st": TurnState.DONE, "first_status": answer.status, **body, "done_at": self._clock()},
            remove=("lease_until", "due_pk", "due_at"),
            when=_mine(turn, TurnState.RUN),
        )
        self._own(turn, update, [*parts, *also])

    def suspend(self, turn: Turn, answer: Document, also: Sequence[Op]) -> None:
        """Leave the fast path, RUN -> ESC; `also` contains the write that begins the escalation."""
        update = Update(
            keys.turn(turn.turn_id),
            set={"st": TurnState.ESC, "first_status": answer.status, "first_body": answer.body},
            remove=("lease_until", "due_pk", "due_at"),
            when=_mine(turn, TurnState.RUN),
        )
        self._own(turn, update, also)

    def forget(self, turn: Turn) -> None:
        """Forget a refused turn, so that its key may be used again."""
        when = _mine(turn, TurnState.RUN) & Attr("epoch").eq(1)
        try:
            self._table.transact([Delete(keys.turn(turn.turn_id), when=when)])
        except Refused as refusal:
            # If an earlier try of ours got through, the turn is gone, or its key has begun another one. Otherwise the
            # turn is still there, and was taken over.
            old = refusal.olds[0]
            if old is not None and (old["epoch"] > 1 or old.get("run_id", "") == turn.run_id):
                raise TurnLost(turn.turn_id) from refusal

    def take_over(self, turn: Turn, lease: Lease) -> Turn:
        """Take over a turn on the fast path whose run's lease lapsed; raises TurnLost if somebody else was first."""
        when = _mine(turn, TurnState.RUN) & Attr("lease_until").le(self._clock())
        return self._lease(turn, lease, when)

    def begin_tier(self, turn: Turn, lease: Lease) -> Turn:
        """Take an escalated turn for a tier's run; raises TurnLost if another run holds the turn, or it has ended."""
        free = Attr("lease_until").absent() | Attr("lease_until").le(self._clock())
        return self._lease(turn, lease, Attr("st").eq(TurnState.ESC) & free)

    def end_tier(self, turn: Turn, also: Sequence[Op]) -> None:
        """End a tier's run that did not answer: the turn is free for the next tier's run."""
        remove = ("lease_until", "due_pk", "due_at")
        self._own(turn, Update(keys.turn(turn.turn_id), remove=remove, when=_mine(turn, TurnState.ESC)), also)

    def conclude(self, turn: Turn, outcome: str, also: Sequence[Op], *, fenced: bool) -> None:
        """End an escalated turn, ESC -> DONE. `fenced` if a tier's run ends it, because that may have lost the turn.

        Anybody else ends it unfenced, and is refused if a run began an effect since the turn was read: the outcome
        would not mention that effect.
        """
        body, parts = _document(turn, OUTCOME, outcome)
        when = _mine(turn, TurnState.ESC) if fenced else Attr("st").eq(TurnState.ESC) & _nothing_begun_since(turn)
        update = Update(
            keys.turn(turn.turn_id),
            set={"st": TurnState.DONE, **body, "done_at": self._clock()},
            # Unfenced, a tier's run may still have a reservation pending: the turn stays due until that is swept.
            remove=("lease_until", "due_pk", "due_at") if fenced else ("lease_until",),
            when=when,
        )
        self._own(turn, update, [*parts, *also])

    def stop(self, turn: Turn, answer: Document, also: Sequence[Op]) -> None:
        """End a turn whose run may still be at work, RUN -> DONE, and fence that run off.

        The turn stays due, because the run may have left a reservation to sweep.
        """
        body, parts = _document(turn, FIRST, answer.body)
        update = Update(
            keys.turn(turn.turn_id),
            set={"st": TurnState.DONE, "first_status": answer.status, **body, "done_at": self._clock()},
            add={"epoch": 1},
            when=_mine(turn, TurnState.RUN) & _nothing_begun_since(turn),
        )
        self._own(turn, update, [*parts, *also])

    def nothing_due(self, turn: Turn) -> None:
        """Take a turn off the list of due work, unless another run has taken it since."""
        when = Attr("epoch").eq(turn.epoch) & Attr("st").is_in(TurnState.ESC, TurnState.DONE)
        with suppress(Refused):
            self._table.write(Update(keys.turn(turn.turn_id), remove=("due_pk", "due_at"), when=when))

    def owned(self, turn: Turn) -> Check:
        """Return the condition that a run still owns its turn, for a transaction of another store."""
        return Check(keys.turn(turn.turn_id), _live(turn))

    def begins_effect(self, turn: Turn) -> Update:
        """Return the write that counts an effect if the run owns its turn; it goes into the journal's transaction."""
        return Update(keys.turn(turn.turn_id), add={"effects": 1}, when=_live(turn))

    def _lease(self, turn: Turn, lease: Lease, when: Cond) -> Turn:
        op = Update(keys.turn(turn.turn_id), set=self._leased(turn, lease), add={"epoch": 1}, when=when)
        try:
            return TURN.read(self._table.write(op))
        except Refused as refusal:
            raise TurnLost(turn.turn_id) from refusal

    def _leased(self, turn: Turn, lease: Lease) -> dict[str, Any]:
        due = {"due_pk": keys.due(turn.turn_id), "due_at": lease.sweep_at}
        return {"run_id": self._new_id(), "lease_until": lease.until, **due}

    def _own(self, turn: Turn, update: Update, also: Sequence[Op]) -> None:
        try:
            self._table.transact([update, *also])
        except Refused as refusal:
            if 0 in refusal.failed:
                raise TurnLost(turn.turn_id) from refusal
            raise


def _document(turn: Turn, name: str, body: str) -> tuple[dict[str, Any], list[Op]]:
    """Return the attributes of a document on its turn, and the writes of its parts if it is too large for one item."""
    if len(body.encode()) <= PART_BYTES:
        return {f"{name}_body": body}, []
    size = PART_BYTES // _MOST_BYTES_A_CHARACTER
    parts = [body[at : at + size] for at in range(0, len(body), size)]
    kept = {"cust_pk": keys.owned_by(turn.tenant, turn.customer), "ttl": turn.children_kept_until}
    ops: list[Op] = [
        Put(keys.document_part(turn.turn_id, name, n), {"text": text, **kept}) for n, text in enumerate(parts)
    ]
    return {f"{name}_parts": len(parts)}, ops


_NOT_FROM_THE_REQUEST = (
    "created_at",
    "answer_by",
    "position",
    "state",
    "epoch",
    "run_id",
    "effects_begun",
    "lease_until",
    "due_at",
    "kept_until",
    "first_status",
    "first_body",
    "outcome_body",
)


def _mine(turn: Turn, state: TurnState) -> Cond:
    return Attr("st").eq(state) & _fence(turn)


def _live(turn: Turn) -> Cond:
    return Attr("st").is_in(TurnState.RUN, TurnState.ESC) & _fence(turn)


def _nothing_begun_since(turn: Turn) -> Cond:
    return Attr("effects").eq(turn.effects_begun) if turn.effects_begun else Attr("effects").absent()


def _fence(turn: Turn) -> Cond:
    epoch = Attr("epoch").eq(turn.epoch)
    return epoch & Attr("run_id").eq(turn.run_id) if turn.run_id else epoch  # version 0.1.0 wrote none
