"""Money held, spent and given back: the worst case is reserved before a call, and settled after it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from turnkeeper.domain import spend
from turnkeeper.domain.rate_limit import RateLimit
from turnkeeper.domain.spend import Counter, Limit, Limits, OverLimit
from turnkeeper.errors import LimitExceeded, StoreContended, TurnLost
from turnkeeper.ports import Attr, Check, Clock, Item, Key, Op, Put, Refused, Table, Update
from turnkeeper.stores import keys
from turnkeeper.stores.rates import RateGate
from turnkeeper.stores.records import Record, Turn

TENANT_PARTS = 10
"""Shards of a tenant's daily counter: each holds a tenth of the limit, so that no item is written by every turn."""

KEEP_SECONDS = 40 * 86_400
"""Counters are kept this long after their last reservation: longer than any turn that can still settle under them."""

_TRIES = 8


@dataclass(frozen=True, slots=True)
class Reservation(Record):
    """Money held for one model call, in micro-dollars; `exp` is when others may resolve it."""

    rid: str
    turn_id: str
    tenant: str
    customer: str
    task: str
    day: str
    est: int
    exp: float
    epoch: int
    model: str
    tier: str
    st: str = "PENDING"
    actual: int = 0
    guessed: bool = False
    part: int = -1
    """The tenant's shard that holds it, or -1 where the tenant has no limit."""


@dataclass(frozen=True, slots=True)
class Settlement:
    """What a reserved call really cost, and what the ledger says of it besides."""

    reservation: Reservation
    actual: int
    note: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Alert:
    """A counter that a reservation took past 80 % of its limit, for the owner to be told once."""

    tenant: str
    customer: str
    limit: Limit
    amount: int
    committed: int
    key: Key
    name: str


class SpendStore:
    """Reservations and the counters they are held under."""

    def __init__(self, table: Table, clock: Clock) -> None:
        self._table = table
        self._clock = clock

    # --- reserve ------------------------------------------------------------------------------------------------------

    def reserve(
        self, turn: Turn, owned: Check, reservation: Reservation, limits: Limits, rate: RateLimit | None
    ) -> list[Alert]:
        """Hold `reservation.est`, or raise LimitExceeded, RateLimited or TurnLost with nothing written.

        `rate` is given for a turn's first call only. Returns the limits that this reservation took past 80 %.
        """
        plan = _Plan(turn, owned, reservation, limits, rate, self._clock())
        for _ in range(_TRIES):
            plan.refuse_hopeless()
            try:
                self._table.transact(plan.ops(), on_conflict=lambda: self._refuse_full(plan))
            except Refused as refusal:
                plan.learn(refusal, self._clock())
            else:
                return plan.alerts()
        raise StoreContended("the counters changed between each two of our tries")

    def _refuse_full(self, plan: "_Plan") -> None:
        items = self._table.batch_get([line.key for line in plan.lines])
        for line in plan.lines:
            plan.refuse_full(line, items.get(line.key))

    # --- resolve ------------------------------------------------------------------------------------------------------

    def settle_ops(self, settlement: Settlement) -> list[Op]:
        """The writes that post what a call cost: for a transaction of their own, or the one that ends the turn."""
        r = settlement.reservation
        posted = {"st": "POSTED", "actual": settlement.actual, **settlement.note}
        rsv = Update(
            keys.reservation(r.turn_id, r.rid), set=posted, remove=("due_pk", "due_at"), when=Attr("st").eq("PENDING")
        )
        return [rsv, *_move(r, committed=settlement.actual - r.est, posted=settlement.actual)]

    def settle(self, settlement: Settlement) -> None:
        """Post what a call cost; if it was posted as a guess meanwhile, correct the guess. Idempotent."""
        try:
            self._table.transact(self.settle_ops(settlement))
        except Refused:
            self._correct(settlement)

    def guess(self, reservation: Reservation, note: dict[str, Any]) -> bool:
        """Post the whole estimate of a call that may have been billed; False if it was resolved already."""
        guessed = Settlement(reservation, reservation.est, {**note, "guessed": True})
        try:
            self._table.transact(self.settle_ops(guessed))
        except Refused:
            return False
        return True

    def void(self, reservation: Reservation, note: dict[str, Any]) -> bool:
        """Give back what was held for a call that was surely not billed; False if it was resolved already."""
        key = keys.reservation(reservation.turn_id, reservation.rid)
        rsv = Update(key, set={"st": "VOIDED", **note}, when=Attr("st").eq("PENDING"))
        try:
            self._table.transact([rsv, *_move(reservation, committed=-reservation.est, posted=0)])
        except Refused:
            return False
        return True

    def sweep(self, turn_id: str, *, before_epoch: int | None = None) -> list[Reservation]:
        """Resolve what dead runs of a turn left pending: of older epochs, or expired. Returns what was guessed."""
        now = self._clock()
        swept = []
        for item in self._table.query(f"TURN#{turn_id}", prefix=keys.RESERVATION):
            r = Reservation.from_item(item)
            dead = r.epoch < before_epoch if before_epoch is not None else r.exp <= now
            if r.st == "PENDING" and dead and self.guess(r, {"error": "swept", "resolved_at": now}):
                swept.append(r)
        return swept

    def _correct(self, settlement: Settlement) -> None:
        r = settlement.reservation
        rsv = Update(
            keys.reservation(r.turn_id, r.rid),
            set={"actual": settlement.actual, "corrected": self._clock(), **settlement.note},
            when=Attr("st").eq("POSTED") & Attr("guessed").eq(True) & Attr("corrected").absent(),
        )
        difference = settlement.actual - r.est
        try:
            self._table.transact([rsv, *_move(r, committed=difference, posted=difference)])
        except Refused:
            return  # posted exactly already, by us before a lost answer

    # --- read ---------------------------------------------------------------------------------------------------------

    def of_day(self, tenant: str, customer: str, day: str) -> Counter:
        """Read what a customer spent on a UTC day."""
        return _counter(self._table.get(keys.customer_day(tenant, customer, day)))

    def of_tasks(self, tenant: str, customer: str) -> dict[str, Counter]:
        """Read what each of a customer's tasks spent."""
        items = self._table.query(keys.task(tenant, customer, "")[0], prefix="TASK#")
        return {str(item["sk"]).removeprefix("TASK#"): _counter(item) for item in items}

    def confirm_alert(self, key: Key) -> None:
        """Record that the owner was told of a limit that is 80 % used."""
        when = Attr("alerted_at").exists()
        self._table.write(Update(key, set={"alert_published": self._clock()}, remove=("due_pk", "due_at"), when=when))


@dataclass(slots=True)
class _Line:
    """One limit in a reservation's transaction, and what is known of its counter."""

    limit: Limit
    key: Key
    amount: int
    what: dict[str, Any]
    crosses: bool = False
    committed: int = 0


class _Plan:
    """The transaction of one RESERVE, rewritten as its refusals tell more of the items it meets."""

    def __init__(
        self, turn: Turn, owned: Check, reservation: Reservation, limits: Limits, rate: RateLimit | None, now: float
    ) -> None:
        self._turn, self._owned, self._r, self._now = turn, owned, reservation, now
        self._gate = RateGate(turn.tenant, turn.customer, rate) if rate else None
        r = reservation
        ttl = {"ttl": int(now) + KEEP_SECONDS}
        who = {"tenant": r.tenant, "customer": r.customer, "cust_pk": keys.owned_by(r.tenant, r.customer), **ttl}
        self.lines: list[_Line] = []
        if r.est:
            day, task = keys.customer_day(r.tenant, r.customer, r.day), keys.task(r.tenant, r.customer, r.task)
            self.lines = [
                _Line(Limit.CUSTOMER_DAY, day, limits.customer_day, who),
                _Line(Limit.TASK, task, limits.task, who),
            ]
        if r.est and r.part >= 0 and limits.tenant_day is not None:
            key = keys.tenant_day(r.tenant, r.day, r.part)
            self.lines.append(
                _Line(Limit.TENANT_DAY, key, limits.tenant_day // TENANT_PARTS, {"tenant": r.tenant, **ttl})
            )

    def ops(self) -> list[Op]:
        r = self._r
        held = {name: getattr(r, name) for name in _HELD} | {"at": self._now, "ttl": self._turn.child_ttl}
        put = Put(keys.reservation(r.turn_id, r.rid), held, when=Attr("pk").absent())
        ops: list[Op] = [self._owned, put, *(self._hold(line) for line in self.lines)]
        if self._gate:
            ops.append(self._gate.op(self._now))
        return ops

    def _hold(self, line: _Line) -> Update:
        est = self._r.est
        fits = Attr("committed").absent() | Attr("committed").le(spend.room(line.amount, est))
        told = {"limit_name": line.limit, "limit": line.amount}
        mark = spend.alert_room(line.amount, est)
        if line.crosses:
            fits &= Attr("alerted_at").absent()
            if mark >= 0:
                fits &= Attr("committed").gt(mark)
            alert = {"alerted_at": self._now, "due_pk": keys.due(self._r.turn_id), "due_at": self._now + 30, **told}
            return Update(line.key, set=line.what | alert, add={"committed": est}, when=fits)
        told_or_below = Attr("alerted_at").exists()
        if mark >= 0:  # else the very first reservation passes the mark
            told_or_below |= Attr("committed").absent() | Attr("committed").le(mark)
        return Update(line.key, set=line.what, add={"committed": est}, when=fits & told_or_below)

    def learn(self, refusal: Refused, now: float) -> None:
        """Take in what a refused transaction met; raises when it can never pass."""
        self._now = now
        if 0 in refusal.failed:
            raise TurnLost(self._turn.turn_id)
        for index, line in enumerate(self.lines, start=2):
            if index in refusal.failed:
                old = refusal.olds[index]
                self.refuse_full(line, old)
                told = (old or {}).get("alerted_at")
                line.crosses = not told and line.committed > spend.alert_room(line.amount, self._r.est)
        if self._gate and 2 + len(self.lines) in refusal.failed:
            self._gate.learn(refusal.olds[2 + len(self.lines)], now)

    def refuse_full(self, line: _Line, item: Item | None) -> None:
        line.committed = int((item or {}).get("committed", 0))
        if line.committed > spend.room(line.amount, self._r.est):
            raise LimitExceeded(OverLimit(line.limit, line.amount, line.committed, self._r.day))

    def refuse_hopeless(self) -> None:
        for line in self.lines:
            self.refuse_full(line, {"committed": line.committed} if line.committed else None)

    def alerts(self) -> list[Alert]:
        r = self._r
        names = {Limit.TASK: r.task, Limit.CUSTOMER_DAY: r.day, Limit.TENANT_DAY: r.day}
        return [
            Alert(r.tenant, r.customer, x.limit, x.amount, x.committed + r.est, x.key, names[x.limit])
            for x in self.lines
            if x.crosses
        ]


_HELD = ("rid", "turn_id", "tenant", "customer", "task", "day", "est", "exp", "epoch", "model", "tier", "st", "part")


def _move(r: Reservation, *, committed: int, posted: int) -> Sequence[Update]:
    if not r.est and not posted:
        return []
    places = [keys.customer_day(r.tenant, r.customer, r.day), keys.task(r.tenant, r.customer, r.task)]
    if r.part >= 0:
        places.append(keys.tenant_day(r.tenant, r.day, r.part))
    return [Update(key, add={"committed": committed, "posted": posted}) for key in places]


def _counter(item: Item | None) -> Counter:
    return Counter(int((item or {}).get("committed", 0)), int((item or {}).get("posted", 0)))
