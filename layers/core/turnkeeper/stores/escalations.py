"""Escalations over the table: task token, pages, claim, answer and expiry, each a conditional write."""

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
    """Escalations. A method returns None if somebody else was first; the caller reads again to say why."""

    def __init__(self, table: Table, clock: Clock, times: PagingTimes) -> None:
        self._table, self._clock, self._times = table, clock, times

    def get(self, turn_id: str) -> Escalation | None:
        """Read an escalation."""
        item = self._table.get(keys.escalation(turn_id))
        return ESCALATION.read(item) if item else None

    def begin_op(self, turn: Turn, verdict: Verdict, *, first_done: bool) -> Op:
        """Return the write that begins a turn's escalation; `first_done` if the API made the first attempt already."""
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
        """Return the write after which no other tier of models may try."""
        return Update(keys.escalation(turn_id), set={"to_human": True})

    def page_of(
        self, tenant: str, *statuses: Listed, limit: int, after: Json | None
    ) -> tuple[list[Escalation], Json | None]:
        """List a page of a tenant's escalations by their stored statuses, oldest first (eventually consistent).

        If there are more, the page has at least `limit` escalations, and the cursor is not None.
        """
        partitions = [keys.escalations(tenant, status) for status in statuses]
        parts = [self._table.query_index("esc", pk, limit=limit, after=after) for pk in partitions]
        items = sorted((item for found, _ in parts for item in found), key=_place)
        ends = [(_place(found[-1]), cursor) for found, cursor in parts if cursor]
        if not ends:
            return [ESCALATION.read(item) for item in items], None
        # One cursor serves all partitions, so the page ends at the earliest place where one of them was cut off.
        end, cursor = min(ends, key=lambda cut: cut[0])
        return [ESCALATION.read(item) for item in items if _place(item) <= end], cursor

    def offer(self, escalation: Escalation, token: str, order: int) -> Escalation | None:
        """Hand the turn to people, and keep the token of the Task that waits. `order` is higher for a newer Task.

        None if the turn has ended, or a newer Task left its token.
        """
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
        """Count a new execution of the state machine; the caller must know that the last one is closed."""
        live = Attr("st").is_in(*LIVE) & Attr("n").eq(escalation.execution_number)
        return self._try(Update(keys.escalation(escalation.turn_id), add={"n": 1}, when=live))

    def look_again(self, escalation: Escalation, at: float) -> None:
        """Let the reconciler look at an escalation again at `at` (seconds since the epoch)."""
        seen = Attr("st").eq(escalation.state) & Attr("due_at").exists()
        self._try(Update(keys.escalation(escalation.turn_id), set={"due_at": at}, when=seen))

    # --- pages --------------------------------------------------------------------------------------------------------

    def begin_page(self, escalation: Escalation) -> Escalation | None:
        """Count a page that is about to be published; None if somebody else pages, or no page is needed."""
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
        """Let an operator claim the escalation for the configured time, or renew their claim; `claim_version` rises."""
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
        """Release an operator's claim; the next page is due at once."""
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
        """Keep an operator's answer that came too late. Once there is a draft, only the claimant may replace it."""
        mine = Attr("claimant").eq(operator) | Attr("draft").absent()
        when = Attr("pk").exists() & mine
        return self._try(Update(keys.escalation(escalation.turn_id), set={"draft": draft}, when=when)) is not None

    def execution_ended(self, escalation: Escalation) -> None:
        """Take an ended escalation off the list of due work, because its execution has been ended."""
        ended = Attr("st").eq(escalation.state) & Attr("due_at").eq(escalation.due_at)
        self._try(Update(keys.escalation(escalation.turn_id), remove=_DUE, when=ended))

    # --- ends: each goes into the transaction that concludes the turn -------------------------------------------------

    def answer_ops(
        self, escalation: Escalation, operator: str, version: int, answer_id: str, answer: Mapping[str, Any]
    ) -> list[Op]:
        """Return the writes for an operator's answer; they are refused unless the operator holds the claim, in time."""
        when = _claimed_by(operator, version) & Attr("answer_by").gt(self._clock())
        change = {"answer_id": answer_id, "answer": answer, "answered_at": self._clock()}
        return [self._end(escalation, EscalationState.ANSWERED, when, change, Listed.ANSWERED)]

    def expire_ops(self, escalation: Escalation) -> list[Op]:
        """Return the writes for an escalation that nobody answered in time; refused before its `answer_by`."""
        when = Attr("st").is_in(*LIVE) & Attr("answer_by").le(self._clock())
        return [self._end(escalation, EscalationState.EXPIRED, when, {}, Listed.EXPIRED)]

    def end_ops(self, escalation: Escalation, state: EscalationState) -> list[Op]:
        """Return the writes for an end without a person's answer: a model's (RESOLVED), or a stop (STOPPED)."""
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
        if state is EscalationState.RESOLVED:  # its own execution answered it, and ends by itself
            remove = _DUE
        else:  # it stays due until its execution is ended: whoever writes this may die before that
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
    """An item's sort key in the index."""
    return float(item["esc_at"])


def _claimed_by(operator: str, version: int) -> Cond:
    claimed = Attr("st").eq(EscalationState.CLAIMED) & Attr("claimant").eq(operator)
    return claimed & Attr("ver").eq(version)


def _excerpt(message: str) -> str:
    """Return the beginning of a message as one line: lists show it without reading the turn."""
    line = " ".join(message.split())
    return line if len(line) <= _EXCERPT_CHARS else f"{line[: _EXCERPT_CHARS - 1]}…"
