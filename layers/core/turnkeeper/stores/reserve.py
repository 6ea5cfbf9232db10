"""The transaction of RESERVE: the fence, the reservation, each limit that it must fit, and a first call's rate."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from turnkeeper.domain import spend
from turnkeeper.domain.rate_limit import RateLimit
from turnkeeper.domain.reservation import NO_SHARD, Reservation
from turnkeeper.domain.spend import Limit, Limits, OverLimit, SpendAlert, month_of
from turnkeeper.domain.turn import Turn
from turnkeeper.errors import LimitExceeded, TurnLost
from turnkeeper.ports import Attr, Check, Cond, Item, Key, Op, Put, Refused, Update
from turnkeeper.stores import keys
from turnkeeper.stores.counters import (
    ALERT_AGAIN_S,
    COUNTERS_KEPT_S,
    SHARDED,
    SHARDS,
    committed,
    counted_in,
    dedup_key,
    shard_key,
)
from turnkeeper.stores.items import RESERVATION
from turnkeeper.stores.rates import RateGate


@dataclass(slots=True)
class _AppliedLimit:
    """One limit that a reservation must fit, and what is known of its counter.

    `amount` (the limit) and `committed` are micro-dollars. `attributes` are the counter's other attributes; `alerts`
    if this reservation makes the 80 % alert due.
    """

    limit: Limit
    key: Key
    amount: int
    attributes: dict[str, Any]
    alerts: bool = False
    committed: int = 0


class ReservePlan:
    """The transaction of one RESERVE.

    Its writes depend on what the items hold, which a refusal shows. So it is tried, learns from the refusal, and is
    tried again. `amounts` are the limits that are on, in micro-dollars.
    """

    def __init__(
        self, turn: Turn, owned: Check, reservation: Reservation, limits: Limits, rate: RateLimit | None, now: float
    ) -> None:
        self._turn, self._owned, self._now = turn, owned, now
        self.reservation, self.amounts = _counting(reservation, limits), limits.amounts()
        self._full: set[Limit] = set()
        self._gate = RateGate(turn.tenant, turn.customer, rate) if rate else None
        self.applied = [self._apply(limit, key) for limit, key in self._counted().items()]

    def _counted(self) -> dict[Limit, Key]:
        return counted_in(self.reservation) if self.reservation.reserved_micro_usd else {}

    def _apply(self, limit: Limit, key: Key) -> _AppliedLimit:
        r, amount, attributes = self.reservation, self.amounts[limit], {"ttl": int(self._now) + COUNTERS_KEPT_S}
        if limit in SHARDED:
            owner = {} if limit is Limit.STACK_DAY else {"tenant": r.tenant}
            return _AppliedLimit(limit, key, amount // SHARDS, attributes | owner)
        who = {"tenant": r.tenant, "customer": r.customer, "cust_pk": keys.owned_by(r.tenant, r.customer)}
        return _AppliedLimit(limit, key, amount, attributes | who)

    def switch_shard(self, limit: Limit, shards: Sequence[Item | None]) -> bool:
        """Switch to the limit's next shard with headroom, by `shards` as they were just read; False if all are full.

        It is the next one and not the emptiest, because every concurrent caller would choose the same emptiest shard.
        """
        r = self.reservation
        self._full.add(limit)
        index = next(i for i, applied in enumerate(self.applied) if applied.limit is limit)
        others = [(r.shard(limit) + n) % SHARDS for n in range(1, SHARDS + 1)]
        headroom = spend.headroom(self.applied[index].amount, r.reserved_micro_usd)
        shard = next((shard for shard in others if committed(shards[shard]) <= headroom), None)
        if shard is None:
            return False
        self.reservation = r.in_shard(limit, shard)
        self.applied[index] = self._apply(limit, shard_key(limit, r.tenant, r.day, shard))
        self._take_in(self.applied[index], shards[shard])
        return True

    def shards_nearly_full(self) -> list[Limit]:
        """Return the limits of which this reservation took a shard past 80 % of its share, or found one full."""
        crossed = {applied.limit for applied in self.applied if applied.alerts}
        return [limit for limit in SHARDED if limit in self._full | crossed]

    def ops(self) -> list[Op]:
        """Return the writes, as far as the items are known: fence, reservation, limits, then the rate limit."""
        r = self.reservation
        kept = {"at": self._now, "ttl": self._turn.children_kept_until}
        put = Put(
            keys.reservation(r.turn_id, r.reservation_id),
            RESERVATION.write(r, without=_AFTER_THE_CALL) | kept,
            when=Attr("pk").absent(),
        )
        ops: list[Op] = [self._owned, put, *(self._commit(applied) for applied in self.applied)]
        if self._gate:
            ops.append(self._gate.op(self._now))
        return ops

    def _commit(self, applied: _AppliedLimit) -> Update:
        """Return the update that commits the amount under one limit, and marks the alert if that becomes due.

        There are two such updates, and the counter lets exactly one of them pass: the one that alerts, or the other. So
        of all concurrent reservations exactly one marks the alert, and publishes it.
        """
        reserved = self.reservation.reserved_micro_usd
        fits = Attr("committed").absent() | Attr("committed").le(spend.headroom(applied.amount, reserved))
        below = spend.alert_headroom(applied.amount, reserved)
        if applied.alerts:
            fits &= Attr("alerted_at").absent()
            if below >= 0:
                fits &= Attr("committed").gt(below)
            alert: dict[str, Any] = {"alerted_at": self._now}
            if applied.limit not in SHARDED:  # those have their alert on a marker of its own
                alert |= {"due_pk": keys.due(self.reservation.turn_id), "due_at": self._now + ALERT_AGAIN_S}
                alert |= {"limit_name": applied.limit, "limit": applied.amount}
            return self._add(applied, fits, applied.attributes | alert)
        alerted_or_below = Attr("alerted_at").exists()
        if below >= 0:  # otherwise the very first reservation makes the alert due
            alerted_or_below |= Attr("committed").absent() | Attr("committed").le(below)
        return self._add(applied, fits & alerted_or_below, applied.attributes)

    def _add(self, applied: _AppliedLimit, when: Cond, change: dict[str, Any]) -> Update:
        added = {"committed": self.reservation.reserved_micro_usd}
        return Update(applied.key, set=change, default={"since": self._now}, add=added, when=when)

    def learn(self, refusal: Refused, now: float) -> None:
        """Take in the items that a refused transaction found. Raises TurnLost, LimitExceeded or RateLimited."""
        self._now = now
        if 0 in refusal.failed or 1 in refusal.failed:
            # 0: the fence. 1: this id was reserved before, so the money belongs to another call.
            raise TurnLost(self._turn.turn_id)
        for index, applied in enumerate(self.applied, start=2):
            if index in refusal.failed:
                self.refuse_full(applied, refusal.olds[index])
                self._take_in(applied, refusal.olds[index])
        if self._gate and 2 + len(self.applied) in refusal.failed:
            self._gate.learn(refusal.olds[2 + len(self.applied)], now)

    def _take_in(self, applied: _AppliedLimit, item: Item | None) -> None:
        applied.committed, reserved = committed(item), self.reservation.reserved_micro_usd
        alerted = "alerted_at" in (item or {})
        applied.alerts = spend.alert_is_due(applied.amount, applied.committed, reserved, alerted=alerted)

    def refuse_full(self, applied: _AppliedLimit, item: Item | None) -> None:
        """Take in a counter; raises LimitExceeded if the reservation does not fit."""
        applied.committed = committed(item)
        if applied.committed > spend.headroom(applied.amount, self.reservation.reserved_micro_usd):
            raise LimitExceeded(OverLimit(applied.limit, applied.amount, applied.committed, self.reservation.day))

    def refuse_hopeless(self) -> None:
        """Raise LimitExceeded if the counters, as far as they are known, already rule the reservation out."""
        for applied in self.applied:
            self.refuse_full(applied, {"committed": applied.committed} if applied.committed else None)

    def alerts(self) -> list[SpendAlert]:
        """Return an alert for each limit without shards that this reservation took past 80 %."""
        r = self.reservation
        names = {Limit.CUSTOMER_DAY: r.day, Limit.TASK: r.task, Limit.CUSTOMER_MONTH: month_of(r.day)}
        return [
            SpendAlert(
                tenant=r.tenant,
                customer=r.customer,
                limit=applied.limit,
                name=names[applied.limit],
                limit_micro_usd=applied.amount,
                committed_micro_usd=applied.committed + r.reserved_micro_usd,
                dedup_key=dedup_key(applied.key),
            )
            for applied in self.applied
            if applied.alerts and applied.limit in names
        ]


def _counting(r: Reservation, limits: Limits) -> Reservation:
    """Say on a reservation under which of the limits it counts that may be off: those that are on as it is made."""
    return replace(
        r,
        counts_in_month=limits.customer_month_micro_usd is not None,
        tenant_shard=NO_SHARD if limits.tenant_day_micro_usd is None else max(0, r.tenant_shard),
        stack_shard=NO_SHARD if limits.stack_day_micro_usd is None else max(0, r.stack_shard),
    )


_AFTER_THE_CALL = (
    "why",
    "actual_micro_usd",
    "is_guess",
    "corrected_at",
    "reserved_at",
    "error",
    "duration_ms",
    "tokens_in",
    "tokens_out",
)
