"""Money reserved, spent and voided: the worst case is reserved before a call, and settled after it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from turnkeeper.domain import spend
from turnkeeper.domain.attempt import CallReport
from turnkeeper.domain.rate_limit import RateLimit
from turnkeeper.domain.reservation import NO_SHARD, Reservation, ReservationState, Reserved, Settlement
from turnkeeper.domain.spend import Counter, Limit, Limits, OverLimit, SpendAlert
from turnkeeper.domain.turn import Turn
from turnkeeper.errors import LimitExceeded, StoreContended, StoreUnavailable
from turnkeeper.ports import Attr, Check, Clock, Item, Op, Put, Refused, Table, Update
from turnkeeper.stores import keys
from turnkeeper.stores.items import COUNTER, RESERVATION, report_item
from turnkeeper.stores.reserve import ALERT_AGAIN_S, COUNTERS_KEPT_S, TENANT_SHARDS, Plan, dedup_key

_TRIES = 8


@dataclass(frozen=True, slots=True)
class NamedCounter:
    """The counter of a customer's day or task; `since` is when it began (seconds since the epoch, 0: not known)."""

    limit: Limit
    name: str
    counter: Counter
    since: float


class SpendStore:
    """Reservations, and the counters of the limits that they are held to."""

    def __init__(self, table: Table, clock: Clock) -> None:
        self._table = table
        self._clock = clock

    # --- reserve ------------------------------------------------------------------------------------------------------

    def reserve(
        self, turn: Turn, owned: Check, reservation: Reservation, limits: Limits, rate: RateLimit | None
    ) -> Reserved:
        """Reserve the amount, or raise LimitExceeded, RateLimited or TurnLost with nothing written.

        `rate` is given for a turn's first call only. Where the tenant's shard is full, another one holds the amount.
        """
        plan = Plan(turn, owned, reservation, limits, rate, self._clock())
        for _ in range(_TRIES + TENANT_SHARDS):
            try:
                if self._reserved(plan):
                    return Reserved(plan.reservation, [*plan.alerts(), *self._tenant_alerts(plan, limits)])
            except LimitExceeded as full:
                if full.over.limit is not Limit.TENANT_DAY:
                    raise
                self._take_another_shard(plan, limits)
        raise StoreContended("the counters changed between each two of our tries")

    def refuse_hopeless(self, turn: Turn, owned: Check, reservation: Reservation, limits: Limits) -> None:
        """Raise LimitExceeded where a reservation would be refused as things stand; nothing is reserved."""
        plan = Plan(turn, owned, reservation, limits, None, self._clock())
        try:
            plan.refuse_hopeless()
            self._refuse_full(plan)
        except LimitExceeded as full:
            if full.over.limit is not Limit.TENANT_DAY:
                raise
            self._take_another_shard(plan, limits)

    def _reserved(self, plan: Plan) -> bool:
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
        return Counter(sum(s.committed_micro_usd for s in shards), sum(s.posted_micro_usd for s in shards))

    def _shards(self, tenant: str, day: str) -> list[Item | None]:
        places = [keys.tenant_day(tenant, day, shard) for shard in range(TENANT_SHARDS)]
        items = self._table.batch_get(places)
        return [items.get(place) for place in places]

    def _take_another_shard(self, plan: Plan, limits: Limits) -> None:
        """Switch to another of the tenant's shards; raises LimitExceeded, for the whole limit, when all are full."""
        r = plan.reservation
        shards = self._shards(r.tenant, r.day)
        if not plan.takes_shard(shards):
            committed = sum(_counter(shard).committed_micro_usd for shard in shards)
            raise LimitExceeded(OverLimit(Limit.TENANT_DAY, limits.tenant_day_micro_usd or 0, committed, r.day))

    def _tenant_alerts(self, plan: Plan, limits: Limits) -> list[SpendAlert]:
        """Alert once for all shards: whenever one passes 80 % of its share, or is full, their sum is looked at."""
        r = plan.reservation
        if not plan.tenant_alert_may_be_due or limits.tenant_day_micro_usd is None:
            return []
        try:
            committed = self.of_tenant(r.tenant, r.day).committed_micro_usd
            if not spend.alert_is_due(limits.tenant_day_micro_usd, committed, 0, alerted=False):
                return []
            key, now = keys.tenant_day_alert(r.tenant, r.day), self._clock()
            marker = {
                "tenant": r.tenant,
                "limit_name": Limit.TENANT_DAY,
                "limit": limits.tenant_day_micro_usd,
                "committed": committed,
                "alerted_at": now,
                "due_pk": keys.due(r.turn_id),
                "due_at": now + ALERT_AGAIN_S,
                "ttl": int(now) + COUNTERS_KEPT_S,
            }
            self._table.write(Put(key, marker, when=Attr("pk").absent()))
        except (Refused, StoreUnavailable):
            return []  # the owner was alerted already, or will be at the next look
        limit = limits.tenant_day_micro_usd
        return [SpendAlert(r.tenant, "", Limit.TENANT_DAY, r.day, limit, committed, dedup_key(key))]

    # --- resolve ------------------------------------------------------------------------------------------------------

    def settle_ops(self, settlement: Settlement) -> list[Op]:
        """The writes that post what a call cost: for a transaction of their own, or for one that ends the run."""
        return _post(settlement.reservation, settlement.actual_micro_usd, report_item(settlement.report))

    def settle(self, settlement: Settlement) -> None:
        """Post what a call cost; where a sweep posted a guess before, correct that. Idempotent."""
        try:
            self._table.transact(self.settle_ops(settlement))
        except Refused:
            self._correct(settlement)

    def guess(self, reservation: Reservation, report: CallReport) -> bool:
        """Post the whole reservation of a call that may have been billed; False if it was resolved already."""
        return self._guess(reservation, report_item(report))

    def void(self, reservation: Reservation, report: CallReport) -> bool:
        """Release what was reserved for a call that was surely not billed; where a sweep guessed before, correct that.

        Returns False if it was resolved already.
        """
        key = keys.reservation(reservation.turn_id, reservation.reservation_id)
        voided = {"st": ReservationState.VOIDED, **report_item(report)}
        rsv = Update(key, set=voided, when=Attr("st").eq(ReservationState.PENDING))
        try:
            self._table.transact([rsv, *_move(reservation, committed=-reservation.reserved_micro_usd, posted=0)])
        except Refused:
            self._correct(Settlement(reservation, 0, report))
            return False
        return True

    def sweep(self, turn_id: str, *, before_epoch: int | None = None) -> list[Reservation]:
        """Resolve what dead runs of a turn left pending: of older epochs, or past `sweep_at`. Returns what was guessed.

        Each is posted in full, because its call may have been billed.
        """
        now = self._clock()
        swept = []
        for item in self._table.query(keys.turn(turn_id)[0], prefix=keys.RESERVATION):
            r = RESERVATION.read(item)
            dead = r.epoch < before_epoch if before_epoch is not None else r.sweep_at <= now
            if r.is_pending and dead and self._guess(r, {"error": "swept", "resolved_at": now}):
                swept.append(r)
        return swept

    def _guess(self, reservation: Reservation, note: Item) -> bool:
        ops = _post(reservation, reservation.reserved_micro_usd, {**note, "guessed": True})
        try:
            self._table.transact(ops)
        except Refused:
            return False
        return True

    def _correct(self, settlement: Settlement) -> None:
        r, actual = settlement.reservation, settlement.actual_micro_usd
        is_a_guess = Attr("st").eq(ReservationState.POSTED) & Attr("guessed").eq(True) & Attr("corrected").absent()
        rsv = Update(
            keys.reservation(r.turn_id, r.reservation_id),
            set={"actual": actual, "corrected": self._clock(), **report_item(settlement.report)},
            when=is_a_guess,
        )
        difference = actual - r.reserved_micro_usd
        try:
            self._table.transact([rsv, *_move(r, committed=difference, posted=difference)])
        except Refused:
            return  # posted exactly already, by us before a lost answer

    # --- read ---------------------------------------------------------------------------------------------------------

    def of_day(self, tenant: str, customer: str, day: str) -> Counter:
        """Read what a customer spent on a UTC day."""
        return _counter(self._table.get(keys.customer_day(tenant, customer, day)))

    def of_named_tasks(self, tenant: str, customer: str, *, limit: int) -> dict[str, Counter]:
        """Read what the tasks spent that clients named: a turn that is its own task has its cost in itself."""
        items = self._table.query(keys.spend_of(tenant, customer), prefix=keys.TASK, limit=limit)
        return {str(item["sk"]).removeprefix(keys.TASK): _counter(item) for item in items}

    def of_task(self, tenant: str, customer: str, task: str) -> NamedCounter:
        """Read what a task spent."""
        item = self._table.get(keys.task(tenant, customer, task))
        return _named(Limit.TASK, task, item)

    def of_customer(self, tenant: str, customer: str) -> Iterator[NamedCounter]:
        """Read every counter of a customer: days, and tasks."""
        for item in self._table.query(keys.spend_of(tenant, customer)):
            kind, _, name = str(item["sk"]).partition("#")
            yield _named(Limit.CUSTOMER_DAY if kind == "DAY" else Limit.TASK, name, item)

    # --- the 80 % alert -----------------------------------------------------------------------------------------------

    def begin_alert(self, pk: str, sk: str) -> SpendAlert | None:
        """Take an alert that is due, to publish it again; None when another does, or it is confirmed."""
        now = self._clock()
        due = Attr("due_at").le(now) & Attr("limit_name").exists()
        try:
            item = self._table.write(Update((pk, sk), set={"due_at": now + ALERT_AGAIN_S}, when=due))
        except Refused:
            return None
        return SpendAlert(
            tenant=item["tenant"],
            customer=item.get("customer", ""),
            limit=Limit(item["limit_name"]),
            name=sk.partition("#")[2],
            limit_micro_usd=item["limit"],
            committed_micro_usd=item.get("committed", 0),
            dedup_key=dedup_key((pk, sk)),
        )

    def confirm_alert(self, alert: SpendAlert) -> None:
        """Record that the alert was published to the owner."""
        published = {"alert_published": self._clock()}
        when = Attr("alerted_at").exists()
        self._table.write(Update(keys.alert(alert), set=published, remove=("due_pk", "due_at"), when=when))


def _post(r: Reservation, actual_micro_usd: int, note: Item) -> list[Op]:
    rsv = Update(
        keys.reservation(r.turn_id, r.reservation_id),
        set={"st": ReservationState.POSTED, "actual": actual_micro_usd, **note},
        remove=("due_pk", "due_at"),
        when=Attr("st").eq(ReservationState.PENDING),
    )
    committed = actual_micro_usd - r.reserved_micro_usd
    return [rsv, *_move(r, committed=committed, posted=actual_micro_usd)]


def _move(r: Reservation, *, committed: int, posted: int) -> Sequence[Update]:
    if not r.reserved_micro_usd and not posted:
        return []
    places = [keys.customer_day(r.tenant, r.customer, r.day), keys.task(r.tenant, r.customer, r.task)]
    if r.tenant_shard != NO_SHARD:
        places.append(keys.tenant_day(r.tenant, r.day, r.tenant_shard))
    return [Update(key, add={"committed": committed, "posted": posted}) for key in places]


def _counter(item: Item | None) -> Counter:
    return COUNTER.read(item) if item else Counter()


def _named(limit: Limit, name: str, item: Item | None) -> NamedCounter:
    return NamedCounter(limit, name, _counter(item), float((item or {}).get("since", 0)))
