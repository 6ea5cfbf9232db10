"""The transaction of RESERVE: the fence, the reservation, each limit it is held to, and a first call's rate limit."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from turnkeeper.domain import spend
from turnkeeper.domain.rate_limit import RateLimit
from turnkeeper.domain.reservation import Reservation
from turnkeeper.domain.spend import Limit, Limits, OverLimit, SpendAlert
from turnkeeper.domain.turn import Turn
from turnkeeper.errors import LimitExceeded, TurnLost
from turnkeeper.ports import Attr, Check, Cond, Item, Key, Op, Put, Refused, Update
from turnkeeper.stores import keys
from turnkeeper.stores.items import RESERVATION
from turnkeeper.stores.rates import RateGate

TENANT_SHARDS = 10
"""Shards of a tenant's daily counter, each with a tenth of the limit: one item for all turns would be a bottleneck."""

COUNTERS_KEPT_S = 40 * 86_400
"""Counters are kept this long after their last reservation: longer than any turn that can still settle under them."""

ALERT_AGAIN_S = 30
"""Seconds after which the reconciler repeats an alert that was not confirmed."""


@dataclass(slots=True)
class _Line:
    """One limit in a reservation's transaction, and what is known of its counter; amounts are micro-dollars.

    `about` are the counter's other attributes; `alerts` when this reservation makes the 80 % alert due.
    """

    limit: Limit
    key: Key
    amount: int
    about: dict[str, Any]
    alerts: bool = False
    committed: int = 0


class Plan:
    """The transaction of one RESERVE, rewritten as its refusals tell more of the items it meets."""

    def __init__(
        self, turn: Turn, owned: Check, reservation: Reservation, limits: Limits, rate: RateLimit | None, now: float
    ) -> None:
        self._turn, self._owned, self.reservation, self._now = turn, owned, reservation, now
        self._tenant_full = False
        self._gate = RateGate(turn.tenant, turn.customer, rate) if rate else None
        r = reservation
        self._ttl = {"ttl": int(now) + COUNTERS_KEPT_S}
        who = {
            "tenant": r.tenant,
            "customer": r.customer,
            "cust_pk": keys.owned_by(r.tenant, r.customer),
            **self._ttl,
        }
        self.lines: list[_Line] = []
        if r.reserved_micro_usd:
            day, task = keys.customer_day(r.tenant, r.customer, r.day), keys.task(r.tenant, r.customer, r.task)
            self.lines = [
                _Line(Limit.CUSTOMER_DAY, day, limits.customer_day_micro_usd, who),
                _Line(Limit.TASK, task, limits.task_micro_usd, who),
            ]
        if r.reserved_micro_usd and r.tenant_shard >= 0 and limits.tenant_day_micro_usd is not None:
            self.lines.append(self._shard(limits.tenant_day_micro_usd // TENANT_SHARDS))

    def _shard(self, amount: int) -> _Line:
        r = self.reservation
        key = keys.tenant_day(r.tenant, r.day, r.tenant_shard)
        return _Line(Limit.TENANT_DAY, key, amount, {"tenant": r.tenant, **self._ttl})

    def takes_shard(self, shards: Sequence[Item | None]) -> bool:
        """Switch to the next of the tenant's shards that has headroom, as they were just read; False when none has.

        The next one rather than the emptiest: otherwise every concurrent caller would choose the same shard.
        """
        r, amount, self._tenant_full = self.reservation, self.lines[-1].amount, True
        others = [(r.tenant_shard + n) % TENANT_SHARDS for n in range(1, TENANT_SHARDS + 1)]
        headroom = spend.headroom(amount, r.reserved_micro_usd)
        shard = next((shard for shard in others if _committed(shards[shard]) <= headroom), None)
        if shard is None:
            return False
        self.reservation = replace(r, tenant_shard=shard)
        self.lines[-1] = self._shard(amount)
        self._meet(self.lines[-1], shards[shard])
        return True

    @property
    def tenant_alert_may_be_due(self) -> bool:
        """Whether this reservation took a shard past 80 % of its share, or met a full one."""
        return self._tenant_full or any(x.alerts and x.limit is Limit.TENANT_DAY for x in self.lines)

    def ops(self) -> list[Op]:
        """The writes, by what is known so far."""
        r = self.reservation
        kept = {"at": self._now, "ttl": self._turn.children_kept_until}
        put = Put(
            keys.reservation(r.turn_id, r.reservation_id),
            RESERVATION.write(r, without=_AFTER_THE_CALL) | kept,
            when=Attr("pk").absent(),
        )
        ops: list[Op] = [self._owned, put, *(self._commit(line) for line in self.lines)]
        if self._gate:
            ops.append(self._gate.op(self._now))
        return ops

    def _commit(self, line: _Line) -> Update:
        """Commit the amount under one limit, if it fits, and take the alert where this reservation makes it due.

        Exactly one of two updates can pass, by what the counter holds: the one that alerts, or the one that does not.
        """
        reserved = self.reservation.reserved_micro_usd
        fits = Attr("committed").absent() | Attr("committed").le(spend.headroom(line.amount, reserved))
        below = spend.alert_headroom(line.amount, reserved)
        if line.alerts:
            fits &= Attr("alerted_at").absent()
            if below >= 0:
                fits &= Attr("committed").gt(below)
            alert: dict[str, Any] = {"alerted_at": self._now}
            if line.limit is not Limit.TENANT_DAY:  # whose alert has a marker of its own
                alert |= {"due_pk": keys.due(self.reservation.turn_id), "due_at": self._now + ALERT_AGAIN_S}
                alert |= {"limit_name": line.limit, "limit": line.amount}
            return self._add(line, fits, line.about | alert)
        alerted_or_below = Attr("alerted_at").exists()
        if below >= 0:  # else the very first reservation makes the alert due
            alerted_or_below |= Attr("committed").absent() | Attr("committed").le(below)
        return self._add(line, fits & alerted_or_below, line.about)

    def _add(self, line: _Line, when: Cond, change: dict[str, Any]) -> Update:
        added = {"committed": self.reservation.reserved_micro_usd}
        return Update(line.key, set=change, default={"since": self._now}, add=added, when=when)

    def learn(self, refusal: Refused, now: float) -> None:
        """Take in what a refused transaction met; raises when it can never pass."""
        self._now = now
        if 0 in refusal.failed or 1 in refusal.failed:
            # A reservation of this id was made before: the money is for that call, and this run may not call with it.
            raise TurnLost(self._turn.turn_id)
        for index, line in enumerate(self.lines, start=2):
            if index in refusal.failed:
                self.refuse_full(line, refusal.olds[index])
                self._meet(line, refusal.olds[index])
        if self._gate and 2 + len(self.lines) in refusal.failed:
            self._gate.learn(refusal.olds[2 + len(self.lines)], now)

    def _meet(self, line: _Line, item: Item | None) -> None:
        line.committed, reserved = _committed(item), self.reservation.reserved_micro_usd
        alerted = "alerted_at" in (item or {})
        line.alerts = spend.alert_is_due(line.amount, line.committed, reserved, alerted=alerted)

    def refuse_full(self, line: _Line, item: Item | None) -> None:
        """Take in a counter; raises LimitExceeded when the reservation does not fit under it."""
        line.committed = _committed(item)
        if line.committed > spend.headroom(line.amount, self.reservation.reserved_micro_usd):
            raise LimitExceeded(OverLimit(line.limit, line.amount, line.committed, self.reservation.day))

    def refuse_hopeless(self) -> None:
        """Raise LimitExceeded when the reservation cannot fit by what is known already, before anything is written."""
        for line in self.lines:
            self.refuse_full(line, {"committed": line.committed} if line.committed else None)

    def alerts(self) -> list[SpendAlert]:
        """The limits of the task and the customer's day that this reservation took past 80 %."""
        r = self.reservation
        names = {Limit.TASK: r.task, Limit.CUSTOMER_DAY: r.day}
        return [
            SpendAlert(
                tenant=r.tenant,
                customer=r.customer,
                limit=line.limit,
                name=names[line.limit],
                limit_micro_usd=line.amount,
                committed_micro_usd=line.committed + r.reserved_micro_usd,
                dedup_key=dedup_key(line.key),
            )
            for line in self.lines
            if line.alerts and line.limit in names
        ]


def _committed(item: Item | None) -> int:
    return int((item or {}).get("committed", 0))


def dedup_key(key: Key) -> str:
    """The key by which receivers know an alert again."""
    return f"{key[0]}/{key[1]}"


_AFTER_THE_CALL = (
    "actual_micro_usd",
    "is_guess",
    "corrected_at",
    "reserved_at",
    "error",
    "duration_ms",
    "tokens_in",
    "tokens_out",
)
