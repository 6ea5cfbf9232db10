"""Days that are kept in shards, a tenant's and the stack's: their sums, the way to another shard, and one alert."""

from turnkeeper.domain import spend
from turnkeeper.domain.reservation import Reservation
from turnkeeper.domain.spend import Counter, Limit, OverLimit, SpendAlert
from turnkeeper.errors import LimitExceeded, StoreUnavailable
from turnkeeper.ports import Attr, Clock, Item, Put, Refused, Table
from turnkeeper.stores import keys
from turnkeeper.stores.counters import ALERT_AGAIN_S, COUNTERS_KEPT_S, SHARDED, SHARDS, committed, dedup_key, shard_key
from turnkeeper.stores.items import COUNTER
from turnkeeper.stores.reserve import ReservePlan


class Shards:
    """The shards of each day that is kept in some."""

    def __init__(self, table: Table, clock: Clock) -> None:
        self._table, self._clock = table, clock

    def total(self, limit: Limit, tenant: str, day: str) -> Counter:
        """Read what was spent on a UTC day, in all its shards."""
        shards = [COUNTER.read(item) for item in self._read(limit, tenant, day) if item]
        return Counter(sum(s.committed_micro_usd for s in shards), sum(s.posted_micro_usd for s in shards))

    def switch(self, plan: ReservePlan, full: OverLimit) -> None:
        """Let a plan try another shard in place of a full one.

        Raises LimitExceeded if the limit has no shards, or, with the sum over all, if all of them are full.
        """
        if full.limit not in SHARDED:
            raise LimitExceeded(full)
        r = plan.reservation
        shards = self._read(full.limit, r.tenant, r.day)
        if not plan.switch_shard(full.limit, shards):
            raise LimitExceeded(OverLimit(full.limit, plan.amounts[full.limit], sum(map(committed, shards)), r.day))

    def alerts(self, plan: ReservePlan) -> list[SpendAlert]:
        """Alert once for all shards of a day. Their sum is read only when one passes 80 % of its share, or is full."""
        due = (self._alert(limit, plan.amounts[limit], plan.reservation) for limit in plan.shards_nearly_full())
        return [alert for alert in due if alert]

    def _alert(self, limit: Limit, amount: int, r: Reservation) -> SpendAlert | None:
        tenant = "" if limit is Limit.STACK_DAY else r.tenant
        try:
            spent = self.total(limit, tenant, r.day).committed_micro_usd
            if not spend.alert_is_due(amount, spent, 0, alerted=False):
                return None
            key = keys.stack_day_alert(r.day) if limit is Limit.STACK_DAY else keys.tenant_day_alert(tenant, r.day)
            now = self._clock()
            marker = {
                "tenant": tenant,
                "limit_name": limit,
                "limit": amount,
                "committed": spent,
                "alerted_at": now,
                "due_pk": keys.due(r.turn_id),
                "due_at": now + ALERT_AGAIN_S,
                "ttl": int(now) + COUNTERS_KEPT_S,
            }
            self._table.write(Put(key, marker, when=Attr("pk").absent()))
        except (Refused, StoreUnavailable):
            return None  # the owner was alerted before, or will be when the next reservation gets here
        return SpendAlert(tenant, "", limit, r.day, amount, spent, dedup_key(key))

    def _read(self, limit: Limit, tenant: str, day: str) -> list[Item | None]:
        places = [shard_key(limit, tenant, day, shard) for shard in range(SHARDS)]
        items = self._table.batch_get(places)
        return [items.get(place) for place in places]
