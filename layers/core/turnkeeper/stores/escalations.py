"""Escalations over the table: token, pages, claim, answer, expiry; each a conditional write."""

from collections.abc import Mapping
from typing import Any

from turnkeeper.domain.attempt import Verdict
from turnkeeper.domain.escalation import LIVE, WAITING, Escalation, EscalationState, Listed
from turnkeeper.domain.policies import PagingTimes
from turnkeeper.domain.turn import Turn
from turnkeeper.ports import Attr, Clock, Cond, Item, Json, Op, Put, Refused, Table, Update
from turnkeeper.stores import keys
from turnkeeper.stores.items import ESCALATION

_DUE = ("due_pk", "due_at")
_EXCERPT_CHARS = 120


class EscalationStore:
    """Escalations. A method that lost against somebody else returns None; the caller rereads to say why."""

    def __init__(self, table: Table, clock: Clock, times: PagingTimes) -> None:
        self._table, self._clock, self._times = table, clock, times

    def get(self, turn_id: str) -> Escalation | None:
        """Read an escalation."""
        item = self._table.get(keys.escalation(turn_id))
        return ESCALATION.read(item) if item else None

    def begin_op(self, turn: Turn, verdict: Verdict, *, first_done: bool) -> Op:
        """The write that begins the escalation of a turn that its run suspends; `first_done` when the API tried it."""
        now = self._clock()
        begun: dict[str, Any] = {
            "turn_id": turn.turn_id,
            "tenant": turn.tenant,
            "customer": turn.customer,
            "agent": turn.agent,
            "st": EscalationState.TIERS,
            "reason": verdict.reason,
            "excerpt": _excerpt(turn.message),
            "created_at": now,
            "answer_by": turn.answer_by,
            "n": 1,
            "ver": 0,
            "first_done": first_done,
            "reasked": verdict.reasked,
            "to_human": verdict.to_human,
            "due_pk": keys.due(turn.turn_id),
            "due_at": now + self._times.confirm_page_s,
            "cust_pk": keys.owned_by(turn.tenant, turn.customer),
            "ttl": turn.children_kept_until,
        }
        return Put(keys.escalation(turn.turn_id), begun, when=Attr("pk").absent())

    @staticmethod
    def to_human_op(turn_id: str) -> Op:
        """The write after which no other tier may try."""
        return Update(keys.escalation(turn_id), set={"to_human": True})

    def page_of(
        self, tenant: str, *statuses: Listed, limit: int, after: Json | None
    ) -> tuple[list[Escalation], Json | None]:
        """List a page of a tenant's escalations in some stored statuses, oldest first (eventually consistent).

        A page has at least `limit` escalations where there are more.
        """
        partitions = [keys.escalations(tenant, status) for status in statuses]
        parts = [self._table.query_index("esc", pk, limit=limit, after=after) for pk in partitions]
        items = sorted((item for found, _ in parts for item in found), key=_place)
        ends = [(_place(found[-1]), cursor) for found, cursor in parts if cursor]
        if not ends:
            return [ESCALATION.read(item) for item in items], None
        # A cursor names a place in every partition: the page ends where the first of them was cut off.
        end, cursor = min(ends, key=lambda cut: cut[0])
        return [ESCALATION.read(item) for item in items if _place(item) <= end], cursor

    def offer(self, escalation: Escalation, token: str, order: int) -> Escalation | None:
        """Put the turn before people, and remember the newest task's token; None when it has ended, or a newer did."""
        newer = Attr("tok_seq").absent() | Attr("tok_seq").lt(order)
        token_set = {"tok": token, "tok_seq": order}
        tiers = Attr("st").eq(EscalationState.TIERS)
        now = self._clock()
        opened = {
            "st": EscalationState.OPEN,
            "opened_at": now,
            "next_page_at": now,
            "esc_pk": keys.escalations(escalation.tenant, Listed.OPEN),
            "esc_at": now,
            "due_at": now,
        }
        key = keys.escalation(escalation.turn_id)
        return self._try(Update(key, set=token_set | opened, when=tiers & newer)) or self._try(
            Update(key, set=token_set, when=Attr("st").is_in(*WAITING) & newer)
        )

    def next_execution(self, escalation: Escalation) -> Escalation | None:
        """Count a new execution of the state machine: only after the last one is known to be closed."""
        live = Attr("st").is_in(*LIVE) & Attr("n").eq(escalation.execution_number)
        return self._try(Update(keys.escalation(escalation.turn_id), add={"n": 1}, when=live))

    def look_again(self, escalation: Escalation, at: float) -> None:
        """Move the moment at which the reconciler looks at an escalation again."""
        seen = Attr("st").eq(escalation.state) & Attr("due_at").exists()
        self._try(Update(keys.escalation(escalation.turn_id), set={"due_at": at}, when=seen))

    # --- pages --------------------------------------------------------------------------------------------------------

    def begin_page(self, escalation: Escalation) -> Escalation | None:
        """Count a page that is about to be published; None when somebody else pages, or nobody needs to."""
        now = self._clock()
        unclaimed = Attr("st").eq(EscalationState.OPEN) | (
            Attr("st").eq(EscalationState.CLAIMED) & Attr("claim_until").le(now)
        )
        seen = Attr("next_page_at").eq(escalation.next_page_at)
        return self._try(
            Update(
                keys.escalation(escalation.turn_id),
                set={"next_page_at": now + self._times.page_every_s, "due_at": now + self._times.confirm_page_s},
                add={"pages": 1},
                when=seen & unclaimed,
            )
        )

    def confirm_page(self, escalation: Escalation) -> None:
        """Record that the page was published."""
        at = min(escalation.next_page_at, escalation.answer_by)
        when = Attr("st").is_in(*WAITING) & Attr("pages").eq(escalation.pages)
        self._try(Update(keys.escalation(escalation.turn_id), set={"paged": escalation.pages, "due_at": at}, when=when))

    # --- people -------------------------------------------------------------------------------------------------------

    def claim(self, escalation: Escalation, operator: str, name: str = "") -> Escalation | None:
        """Give the escalation to an operator for a while; raises its version."""
        now = self._clock()
        until = now + self._times.claim_s
        free = Attr("st").eq(EscalationState.OPEN) | (
            Attr("st").eq(EscalationState.CLAIMED) & (Attr("claimant").eq(operator) | Attr("claim_until").le(now))
        )
        return self._try(
            Update(
                keys.escalation(escalation.turn_id),
                set={
                    "st": EscalationState.CLAIMED,
                    "claimant": operator,
                    "claimant_name": name,
                    "claim_until": until,
                    "esc_pk": keys.escalations(escalation.tenant, Listed.CLAIMED),
                    "due_at": min(until, escalation.answer_by),
                },
                add={"ver": 1},
                when=free & Attr("answer_by").gt(now),
            )
        )

    def release(self, escalation: Escalation, operator: str, version: int) -> Escalation | None:
        """Give a claim back; the next page is due at once."""
        now = self._clock()
        return self._try(
            Update(
                keys.escalation(escalation.turn_id),
                set={
                    "st": EscalationState.OPEN,
                    "esc_pk": keys.escalations(escalation.tenant, Listed.OPEN),
                    "claim_until": now,
                    "next_page_at": now,
                    "due_at": now,
                },
                when=_claimed_by(operator, version),
            )
        )

    def keep_draft(self, escalation: Escalation, operator: str, draft: Mapping[str, Any]) -> bool:
        """Keep an operator's answer that came too late: the first, and then only what the claimant writes."""
        mine = Attr("claimant").eq(operator) | Attr("draft").absent()
        when = Attr("pk").exists() & mine
        return self._try(Update(keys.escalation(escalation.turn_id), set={"draft": draft}, when=when)) is not None

    def execution_told(self, escalation: Escalation) -> None:
        """Take an ended escalation off the list of due work: its execution knows of the end."""
        ended = Attr("st").eq(escalation.state) & Attr("due_at").eq(escalation.due_at)
        self._try(Update(keys.escalation(escalation.turn_id), remove=_DUE, when=ended))

    # --- ends: each belongs into the transaction that concludes the turn ----------------------------------------------

    def answer_ops(
        self, escalation: Escalation, operator: str, version: int, answer_id: str, answer: Mapping[str, Any]
    ) -> list[Op]:
        """An operator's answer: only by the holder of the claim, only in time."""
        when = _claimed_by(operator, version) & Attr("answer_by").gt(self._clock())
        change = {"answer_id": answer_id, "answer": answer, "answered_at": self._clock()}
        return [self._end(escalation, EscalationState.ANSWERED, when, change, Listed.ANSWERED)]

    def expire_ops(self, escalation: Escalation) -> list[Op]:
        """Nobody answered in time."""
        when = Attr("st").is_in(*LIVE) & Attr("answer_by").le(self._clock())
        return [self._end(escalation, EscalationState.EXPIRED, when, {}, Listed.EXPIRED)]

    def end_ops(self, escalation: Escalation, state: EscalationState) -> list[Op]:
        """A model answered (RESOLVED), or an operator stopped the turn (STOPPED): no person needs to answer."""
        return [self._end(escalation, state, Attr("st").is_in(*LIVE), {}, None)]

    def _end(
        self,
        escalation: Escalation,
        state: EscalationState,
        when: Cond,
        change: Mapping[str, Any],
        listed: Listed | None,
    ) -> Update:
        change = {**change, "st": state}
        remove: tuple[str, ...] = ()
        if state is EscalationState.RESOLVED:  # by its own execution
            remove = _DUE
        else:  # due until its execution knows: whoever ends it may die before saying so
            at = self._clock() + self._times.confirm_page_s
            change |= {"due_pk": keys.due(escalation.turn_id), "due_at": at}
        if listed and escalation.opened_at:
            change |= {"esc_pk": keys.escalations(escalation.tenant, listed), "esc_at": escalation.opened_at}
        else:
            remove = (*remove, "esc_pk", "esc_at")
        return Update(keys.escalation(escalation.turn_id), set=change, remove=remove, when=when)

    def _try(self, op: Update) -> Escalation | None:
        try:
            item = self._table.write(op)
        except Refused:
            return None
        return ESCALATION.read(item)


def _place(item: Item) -> float:
    """Where the index holds an item."""
    return float(item["esc_at"])


def _claimed_by(operator: str, version: int) -> Cond:
    claimed = Attr("st").eq(EscalationState.CLAIMED) & Attr("claimant").eq(operator)
    return claimed & Attr("ver").eq(version)


def _excerpt(message: str) -> str:
    """The beginning of a message in one line: a list shows it without reading the turn."""
    line = " ".join(message.split())
    return line if len(line) <= _EXCERPT_CHARS else f"{line[: _EXCERPT_CHARS - 1]}…"
