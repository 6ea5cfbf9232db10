"""The counters of spending: in which of them a reservation counts, and how long each is kept."""

from turnkeeper.domain.reservation import NO_SHARD, Reservation
from turnkeeper.domain.spend import Limit, month_of
from turnkeeper.ports import Item, Key
from turnkeeper.stores import keys

SHARDS = 10
"""Shards of a counter that many customers share, each with a tenth of the limit: one item would be a bottleneck."""

SHARDED = (Limit.TENANT_DAY, Limit.STACK_DAY)
"""The limits whose counters are kept in shards."""

COUNTERS_KEPT_S = 40 * 86_400
"""Seconds that a counter is kept after its last reservation: more than a month, and than a turn can take to settle."""

ALERT_AGAIN_S = 30
"""Seconds after which the reconciler repeats an alert that was not confirmed."""


def counted_in(r: Reservation) -> dict[Limit, Key]:
    """Return the counters in which a reservation counts: reserving commits there, and settling changes the same ones.

    The reservation says so itself, because a limit may be switched on or off before it is settled.
    """
    found = {
        Limit.CUSTOMER_DAY: keys.customer_day(r.tenant, r.customer, r.day),
        Limit.TASK: keys.task(r.tenant, r.customer, r.task),
    }
    if r.counts_in_month:
        found[Limit.CUSTOMER_MONTH] = keys.customer_month(r.tenant, r.customer, month_of(r.day))
    for limit in SHARDED:
        if r.shard(limit) != NO_SHARD:
            found[limit] = shard_key(limit, r.tenant, r.day, r.shard(limit))
    return found


def shard_key(limit: Limit, tenant: str, day: str, shard: int) -> Key:
    """Return the key of one shard of a day; the stack's is the same for every tenant."""
    return keys.stack_day(day, shard) if limit is Limit.STACK_DAY else keys.tenant_day(tenant, day, shard)


def committed(item: Item | None) -> int:
    """Return what a counter has committed, in micro-dollars."""
    return int((item or {}).get("committed", 0))


def dedup_key(key: Key) -> str:
    """Return what all deliveries of an alert have in common, from the key of its item."""
    return f"{key[0]}/{key[1]}"
