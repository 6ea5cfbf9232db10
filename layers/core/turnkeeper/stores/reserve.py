"""The transaction of RESERVE: the fence, the reservation, each limit it is held to, and a first call's rate limit."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from turnkeeper.domain import spend
from turnkeeper.domain.rate_limit import RateLimit
from turnkeeper.domain.spend import Limit, Limits, OverLimit
from turnkeeper.errors import LimitExceeded, TurnLost
from turnkeeper.ports import Attr, Check, Cond, Item, Key, Op, Put, Refused, Update
from turnkeeper.stores import keys
from turnkeeper.stores.rates import RateGate
from turnkeeper.stores.records import Turn
from turnkeeper.stores.reservations import Alert, Reservation

TENANT_PARTS = 10
"""Shards of a tenant's daily counter: each holds a tenth of the limit, so that no item is written by every turn."""

KEEP_SECONDS = 40 * 86_400
"""Counters are kept this long after their last reservation: longer than any turn that can still settle under them."""

ALERT_AGAIN_S = 30
"""Seconds after which the reconciler repeats an alert that was not confirmed."""


@dataclass(slots=True)
class _Line:
    """One limit in a reservation's transaction, and what is known of its counter."""

    limit: Limit
    key: Key
    amount: int
    what: dict[str, Any]
    crosses: bool = False
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
        self._ttl = {"ttl": int(now) + KEEP_SECONDS}
        who = {
            "tenant": r.tenant,
            "customer": r.customer,
            "cust_pk": keys.owned_by(r.tenant, r.customer),
            **self._ttl,
        }
        self.lines: list[_Line] = []
        if r.est:
            day, task = keys.customer_day(r.tenant, r.customer, r.day), keys.task(r.tenant, r.customer, r.task)
            self.lines = [
                _Line(Limit.CUSTOMER_DAY, day, limits.customer_day, who),
                _Line(Limit.TASK, task, limits.task, who),
            ]
        if r.est and r.part >= 0 and limits.tenant_day is not None:
            self.lines.append(self._shard(limits.tenant_day // TENANT_PARTS))

    def _shard(self, amount: int) -> _Line:
        r = self.reservation
        key = keys.tenant_day(r.tenant, r.day, r.part)
        return _Line(Limit.TENANT_DAY, key, amount, {"tenant": r.tenant, **self._ttl})

    def takes_shard(self, shards: Sequence[Item | None]) -> bool:
        """Go on with the next of the tenant's shards that has room, as they were just read; False when none has.

        The next, and not the emptiest: all who look at this moment would meet there.
        """
        r, amount, self._tenant_full = self.reservation, self.lines[-1].amount, True
        others = [(r.part + n) % TENANT_PARTS for n in range(1, TENANT_PARTS + 1)]
        room = spend.room(amount, r.est)
        part = next((part for part in others if _committed(shards[part]) <= room), None)
        if part is None:
            return False
        self.reservation = replace(r, part=part)
        self.lines[-1] = self._shard(amount)
        self._meet(self.lines[-1], shards[part])
        return True

    @property
    def tenant_may_have_crossed(self) -> bool:
        """Whether this reservation took a shard past its mark, or met a full one."""
        return self._tenant_full or any(x.crosses and x.limit is Limit.TENANT_DAY for x in self.lines)

    def ops(self) -> list[Op]:
        """The writes, by what is known so far."""
        r = self.reservation
        held = {name: getattr(r, name) for name in _HELD} | {"at": self._now, "ttl": self._turn.child_ttl}
        put = Put(keys.reservation(r.turn_id, r.rid), held, when=Attr("pk").absent())
        ops: list[Op] = [self._owned, put, *(self._hold(line) for line in self.lines)]
        if self._gate:
            ops.append(self._gate.op(self._now))
        return ops

    def _hold(self, line: _Line) -> Update:
        est = self.reservation.est
        fits = Attr("committed").absent() | Attr("committed").le(spend.room(line.amount, est))
        told = {"limit_name": line.limit, "limit": line.amount}
        mark = spend.alert_room(line.amount, est)
        if line.crosses:
            fits &= Attr("alerted_at").absent()
            if mark >= 0:
                fits &= Attr("committed").gt(mark)
            alert: dict[str, Any] = {"alerted_at": self._now}
            if line.limit is not Limit.TENANT_DAY:  # whose alert has a marker of its own
                alert |= {"due_pk": keys.due(self.reservation.turn_id), "due_at": self._now + ALERT_AGAIN_S, **told}
            return self._add(line, fits, line.what | alert)
        told_or_below = Attr("alerted_at").exists()
        if mark >= 0:  # else the very first reservation passes the mark
            told_or_below |= Attr("committed").absent() | Attr("committed").le(mark)
        return self._add(line, fits & told_or_below, line.what)

    def _add(self, line: _Line, when: Cond, what: dict[str, Any]) -> Update:
        added = {"committed": self.reservation.est}
        return Update(line.key, set=what, default={"since": self._now}, add=added, when=when)

    def learn(self, refusal: Refused, now: float) -> None:
        """Take in what a refused transaction met; raises when it can never pass."""
        self._now = now
        if 0 in refusal.failed or 1 in refusal.failed:
            # A reservation of this id was made before: what it holds is that call's, and this run may not call on it.
            raise TurnLost(self._turn.turn_id)
        for index, line in enumerate(self.lines, start=2):
            if index in refusal.failed:
                self.refuse_full(line, refusal.olds[index])
                self._meet(line, refusal.olds[index])
        if self._gate and 2 + len(self.lines) in refusal.failed:
            self._gate.learn(refusal.olds[2 + len(self.lines)], now)

    def _meet(self, line: _Line, item: Item | None) -> None:
        line.committed = _committed(item)
        told = (item or {}).get("alerted_at")
        line.crosses = not told and line.committed > spend.alert_room(line.amount, self.reservation.est)

    def refuse_full(self, line: _Line, item: Item | None) -> None:
        """Take in a counter; raises LimitExceeded when the reservation does not fit under it."""
        line.committed = _committed(item)
        if line.committed > spend.room(line.amount, self.reservation.est):
            raise LimitExceeded(OverLimit(line.limit, line.amount, line.committed, self.reservation.day))

    def refuse_hopeless(self) -> None:
        """Raise LimitExceeded when the reservation cannot fit by what is known, so that nothing is tried in vain."""
        for line in self.lines:
            self.refuse_full(line, {"committed": line.committed} if line.committed else None)

    def alerts(self) -> list[Alert]:
        """The limits of the task and the customer's day that this reservation took past 80 %."""
        r = self.reservation
        names = {Limit.TASK: r.task, Limit.CUSTOMER_DAY: r.day}
        return [
            Alert(r.tenant, r.customer, x.limit, x.amount, x.committed + r.est, x.key, names[x.limit])
            for x in self.lines
            if x.crosses and x.limit in names
        ]


def _committed(item: Item | None) -> int:
    return int((item or {}).get("committed", 0))


_HELD = ("rid", "turn_id", "tenant", "customer", "task", "day", "est", "exp", "epoch", "model", "tier", "st", "part")
