"""Money held, spent and given back: the worst case is reserved before a call, and settled after it."""

from collections.abc import Sequence
from typing import Any

from turnkeeper.domain import spend
from turnkeeper.domain.rate_limit import RateLimit
from turnkeeper.domain.spend import Counter, Limit, Limits, OverLimit
from turnkeeper.errors import LimitExceeded, StoreContended, StoreUnavailable
from turnkeeper.ports import Attr, Check, Clock, Item, Key, Op, Put, Refused, Table, Update
from turnkeeper.stores import keys
from turnkeeper.stores.records import Turn
from turnkeeper.stores.reservations import Alert, Held, Reservation, Settlement
from turnkeeper.stores.reserve import ALERT_AGAIN_S, KEEP_SECONDS, TENANT_PARTS, Plan

_TRIES = 8


class SpendStore:
    """Reservations and the counters they are held under."""

    def __init__(self, table: Table, clock: Clock) -> None:
        self._table = table
        self._clock = clock

    # --- reserve ------------------------------------------------------------------------------------------------------

    def reserve(
        self, turn: Turn, owned: Check, reservation: Reservation, limits: Limits, rate: RateLimit | None
    ) -> Held:
        """Hold `reservation.est`, or raise LimitExceeded, RateLimited or TurnLost with nothing written.

        `rate` is given for a turn's first call only. A reservation whose tenant's shard is full is held by another.
        """
        plan = Plan(turn, owned, reservation, limits, rate, self._clock())
        for _ in range(_TRIES + TENANT_PARTS):
            try:
                if self._held(plan):
                    return Held(plan.reservation, [*plan.alerts(), *self._tenant_alerts(plan, limits)])
            except LimitExceeded as full:
                if full.over.limit is not Limit.TENANT_DAY:
                    raise
                self._take_another_shard(plan, limits)
        raise StoreContended("the counters changed between each two of our tries")

    def refuse_hopeless(self, turn: Turn, owned: Check, reservation: Reservation, limits: Limits) -> None:
        """Raise LimitExceeded where a reservation would be refused as things stand; nothing is held."""
        plan = Plan(turn, owned, reservation, limits, None, self._clock())
        try:
            plan.refuse_hopeless()
            self._refuse_full(plan)
        except LimitExceeded as full:
            if full.over.limit is not Limit.TENANT_DAY:
                raise
            self._take_another_shard(plan, limits)

    def _held(self, plan: Plan) -> bool:
        plan.refuse_hopeless()
        try:
            self._table.transact(plan.ops(), on_conflict=lambda: self._refuse_full(plan))
        except Refused as refusal:
            plan.learn(refusal, self._clock())
            return False
        return True

    def _refuse_full(self, plan: Plan) -> None:
        items = self._table.batch_get([line.key for line in plan.lines])
        for line in plan.lines:
            plan.refuse_full(line, items.get(line.key))

    # --- a tenant's day, which lies in shards -------------------------------------------------------------------------

    def of_tenant(self, tenant: str, day: str) -> Counter:
        """Read what a tenant spent on a UTC day, in all its shards."""
        shards = [_counter(item) for item in self._shards(tenant, day)]
        return Counter(sum(s.committed for s in shards), sum(s.posted for s in shards))

    def _shards(self, tenant: str, day: str) -> list[Item | None]:
        places = [keys.tenant_day(tenant, day, part) for part in range(TENANT_PARTS)]
        items = self._table.batch_get(places)
        return [items.get(place) for place in places]

    def _take_another_shard(self, plan: Plan, limits: Limits) -> None:
        """Go on with another of the tenant's shards; raises LimitExceeded, of the whole limit, when all are full."""
        r = plan.reservation
        shards = self._shards(r.tenant, r.day)
        if not plan.takes_shard(shards):
            committed = sum(_counter(shard).committed for shard in shards)
            raise LimitExceeded(OverLimit(Limit.TENANT_DAY, limits.tenant_day or 0, committed, r.day))

    def _tenant_alerts(self, plan: Plan, limits: Limits) -> list[Alert]:
        """Alert once for all shards: each is an occasion to look at their sum, when it crosses its mark or is full."""
        r = plan.reservation
        if not plan.tenant_may_have_crossed or limits.tenant_day is None:
            return []
        try:
            committed = self.of_tenant(r.tenant, r.day).committed
            if committed <= spend.alert_room(limits.tenant_day, 0):
                return []
            key, now = keys.tenant_day_alert(r.tenant, r.day), self._clock()
            marker = {
                "tenant": r.tenant,
                "limit_name": Limit.TENANT_DAY,
                "limit": limits.tenant_day,
                "committed": committed,
                "alerted_at": now,
                "due_pk": keys.due(r.turn_id),
                "due_at": now + ALERT_AGAIN_S,
                "ttl": int(now) + KEEP_SECONDS,
            }
            self._table.write(Put(key, marker, when=Attr("pk").absent()))
        except (Refused, StoreUnavailable):
            return []  # told already, or at the next occasion
        return [Alert(r.tenant, "", Limit.TENANT_DAY, limits.tenant_day, committed, key, r.day)]

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
        """Give back what was held for a call that was surely not billed; where it was guessed meanwhile, correct that.

        Returns False if it was resolved already.
        """
        key = keys.reservation(reservation.turn_id, reservation.rid)
        rsv = Update(key, set={"st": "VOIDED", **note}, when=Attr("st").eq("PENDING"))
        try:
            self._table.transact([rsv, *_move(reservation, committed=-reservation.est, posted=0)])
        except Refused:
            self._correct(Settlement(reservation, 0, note))
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

    def of_named_tasks(self, tenant: str, customer: str, *, limit: int) -> dict[str, Counter]:
        """Read what the tasks spent that clients named: a turn of its own has its cost in itself."""
        items = self._table.query(keys.task(tenant, customer, "")[0], prefix=keys.TASK, limit=limit)
        return {str(item["sk"]).removeprefix(keys.TASK): _counter(item) for item in items}

    def begin_alert(self, key: Key) -> Item | None:
        """Take an alert that is due, to publish it again; None when another does, or it is confirmed."""
        now = self._clock()
        due = Attr("due_at").le(now) & Attr("limit_name").exists()
        try:
            return self._table.write(Update(key, set={"due_at": now + ALERT_AGAIN_S}, when=due))
        except Refused:
            return None

    def confirm_alert(self, key: Key) -> None:
        """Record that the owner was told of a limit that is 80 % used."""
        when = Attr("alerted_at").exists()
        self._table.write(Update(key, set={"alert_published": self._clock()}, remove=("due_pk", "due_at"), when=when))


def _move(r: Reservation, *, committed: int, posted: int) -> Sequence[Update]:
    if not r.est and not posted:
        return []
    places = [keys.customer_day(r.tenant, r.customer, r.day), keys.task(r.tenant, r.customer, r.task)]
    if r.part >= 0:
        places.append(keys.tenant_day(r.tenant, r.day, r.part))
    return [Update(key, add={"committed": committed, "posted": posted}) for key in places]


def _counter(item: Item | None) -> Counter:
    return Counter(int((item or {}).get("committed", 0)), int((item or {}).get("posted", 0)))
