"""Money reserved, spent and voided: the worst case is reserved before a call, and settled after it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from turnkeeper.domain.attempt import CallReport
from turnkeeper.domain.rate_limit import RateLimit
from turnkeeper.domain.reservation import Reservation, ReservationState, Reserved, Settlement
from turnkeeper.domain.spend import Counter, Limit, Limits, SpendAlert
from turnkeeper.domain.turn import Turn
from turnkeeper.errors import LimitExceeded, StoreContended
from turnkeeper.ports import Attr, Check, Clock, Item, Key, Op, Refused, Table, Update
from turnkeeper.stores import keys
from turnkeeper.stores.counters import ALERT_AGAIN_S, SHARDED, SHARDS, counted_in, dedup_key
from turnkeeper.stores.items import COUNTER, RESERVATION, report_item
from turnkeeper.stores.reserve import ReservePlan
from turnkeeper.stores.shards import Shards

_TRIES = 8


@dataclass(frozen=True, slots=True)
class NamedCounter:
    """The counter of a customer's day, month or task; it began at `since` (seconds since the epoch, 0: unknown)."""

    limit: Limit
    name: str
    counter: Counter
    since: float


class SpendStore:
    """Reservations, and the counters of the limits that they must fit."""

    def __init__(self, table: Table, clock: Clock) -> None:
        self._table, self._clock = table, clock
        self._shards = Shards(table, clock)

    # --- reserve ------------------------------------------------------------------------------------------------------

    def reserve(
        self, turn: Turn, owned: Check, reservation: Reservation, limits: Limits, rate: RateLimit | None
    ) -> Reserved:
        """Reserve the amount. Raises LimitExceeded, RateLimited, TurnLost or StoreContended, with nothing written.

        `rate` is given for a turn's first call only. If a limit's shard is full, the amount counts in another one. The
        reservation says under which limits it counts: settle the one that is returned.
        """
        # A round is used up by a refusal, after which the plan knows the items better, or by a full shard. As many
        # rounds are added as there are shards: full ones must not use up the other tries.
        plan = ReservePlan(turn, owned, reservation, limits, rate, self._clock())
        for _ in range(_TRIES + SHARDS * len(SHARDED)):
            try:
                if self._try_reserve(plan):
                    return Reserved(plan.reservation, [*plan.alerts(), *self._shards.alerts(plan)])
            except LimitExceeded as full:
                self._shards.switch(plan, full.over)
        raise StoreContended("the counters changed between each two of our tries")

    def refuse_hopeless(self, turn: Turn, owned: Check, reservation: Reservation, limits: Limits) -> None:
        """Raise LimitExceeded if the reservation would be refused now; nothing is written."""
        plan = ReservePlan(turn, owned, reservation, limits, None, self._clock())
        self._refuse_or_switch(plan, {})  # first what would not fit an unused limit, as a reservation is refused
        self._refuse_or_switch(plan, self._items(plan))

    def _refuse_or_switch(self, plan: ReservePlan, items: Mapping[Key, Item]) -> None:
        for applied in list(plan.applied):
            try:
                plan.refuse_full(applied, items.get(applied.key))
            except LimitExceeded as full:
                self._shards.switch(plan, full.over)

    def _try_reserve(self, plan: ReservePlan) -> bool:
        plan.refuse_hopeless()
        try:
            self._table.transact(plan.ops(), on_conflict=lambda: self._refuse_full(plan))
        except Refused as refusal:
            plan.learn(refusal, self._clock())
            return False
        return True

    def _refuse_full(self, plan: ReservePlan) -> None:
        items = self._items(plan)
        for applied in plan.applied:
            plan.refuse_full(applied, items.get(applied.key))

    def _items(self, plan: ReservePlan) -> dict[Key, Item]:
        return self._table.batch_get([applied.key for applied in plan.applied])

    # --- days that are kept in shards ---------------------------------------------------------------------------------

    def of_tenant(self, tenant: str, day: str) -> Counter:
        """Read what a tenant spent on a UTC day under its limit."""
        return self._shards.total(Limit.TENANT_DAY, tenant, day)

    def of_stack(self, day: str) -> Counter:
        """Read what all tenants spent on a UTC day under the stack's limit."""
        return self._shards.total(Limit.STACK_DAY, "", day)

    # --- resolve ------------------------------------------------------------------------------------------------------

    def settle_ops(self, settlement: Settlement) -> list[Op]:
        """Return the writes that post what a call cost, for `settle` or for the transaction that ends the run."""
        return _post(settlement.reservation, settlement.actual_micro_usd, report_item(settlement.report))

    def settle(self, settlement: Settlement) -> None:
        """Post what a call cost, or correct the guess if a sweep posted one before. Idempotent."""
        try:
            self._table.transact(self.settle_ops(settlement))
        except Refused:
            self._correct(settlement)

    def guess(self, reservation: Reservation, report: CallReport) -> bool:
        """Post the worst case of a call that may have been billed; False if the reservation was resolved before."""
        return self._guess(reservation, report_item(report))

    def void(self, reservation: Reservation, report: CallReport) -> bool:
        """Void the reservation of a call that was surely not billed, or correct the guess if a sweep posted one before.

        Returns False if the reservation was resolved before.
        """
        key = keys.reservation(reservation.turn_id, reservation.reservation_id)
        voided = {"st": ReservationState.VOIDED, **report_item(report)}
        rsv = Update(key, set=voided, when=Attr("st").eq(ReservationState.PENDING))
        try:
            self._table.transact(
                [rsv, *_change_counters(reservation, committed=-reservation.reserved_micro_usd, posted=0)]
            )
        except Refused:
            self._correct(Settlement(reservation, 0, report))
            return False
        return True

    def sweep(self, turn_id: str, *, before_epoch: int | None = None) -> list[Reservation]:
        """Post in full what dead runs of a turn left pending, because each call may have been billed.

        A run counts as dead if its epoch is below `before_epoch` or, without one, if `sweep_at` has passed. Returns the
        reservations that were posted.
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
            self._table.transact([rsv, *_change_counters(r, committed=difference, posted=difference)])
        except Refused:
            return  # it is no guess: an earlier try of ours, whose answer was lost, posted or corrected it

    # --- read ---------------------------------------------------------------------------------------------------------

    def of_day(self, tenant: str, customer: str, day: str) -> Counter:
        """Read what a customer spent on a UTC day."""
        return _counter(self._table.get(keys.customer_day(tenant, customer, day)))

    def of_month(self, tenant: str, customer: str, month: str) -> Counter:
        """Read what a customer spent in a UTC month, as long as the month's limit was on."""
        return _counter(self._table.get(keys.customer_month(tenant, customer, month)))

    def of_named_tasks(self, tenant: str, customer: str, *, limit: int) -> dict[str, Counter]:
        """Read what tasks spent, for at most `limit` tasks that clients named. Other turns are their own tasks."""
        items = self._table.query(keys.spend_of(tenant, customer), prefix=keys.TASK, limit=limit)
        return {str(item["sk"]).removeprefix(keys.TASK): _counter(item) for item in items}

    def of_task(self, tenant: str, customer: str, task: str) -> NamedCounter:
        """Read what a task spent."""
        item = self._table.get(keys.task(tenant, customer, task))
        return _named(Limit.TASK, task, item)

    def of_customer(self, tenant: str, customer: str) -> Iterator[NamedCounter]:
        """Read all counters of a customer: days, months and tasks."""
        kinds = {"DAY": Limit.CUSTOMER_DAY, "MONTH": Limit.CUSTOMER_MONTH}
        for item in self._table.query(keys.spend_of(tenant, customer)):
            kind, _, name = str(item["sk"]).partition("#")
            yield _named(kinds.get(kind, Limit.TASK), name, item)

    # --- the 80 % alert -----------------------------------------------------------------------------------------------

    def begin_alert(self, pk: str, sk: str) -> SpendAlert | None:
        """Take an alert that is due, to publish it again; None if somebody else does, or it was confirmed."""
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
    return [rsv, *_change_counters(r, committed=committed, posted=actual_micro_usd)]


def _change_counters(r: Reservation, *, committed: int, posted: int) -> Sequence[Update]:
    if not r.reserved_micro_usd and not posted:
        return []
    return [Update(key, add={"committed": committed, "posted": posted}) for key in counted_in(r).values()]


def _counter(item: Item | None) -> Counter:
    return COUNTER.read(item) if item else Counter()


def _named(limit: Limit, name: str, item: Item | None) -> NamedCounter:
    return NamedCounter(limit, name, _counter(item), float((item or {}).get("since", 0)))
