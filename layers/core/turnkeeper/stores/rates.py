"""The rate limit of a customer, as a conditional update that several turns may race for."""

from turnkeeper.domain.rate_limit import Arrival, RateLimit, arrival, retry_after
from turnkeeper.errors import RateLimited, StoreContended
from turnkeeper.ports import Attr, Clock, Item, Refused, Table, Update
from turnkeeper.stores import keys

_TRIES = 8
_TTL = 86_400


class RateGate:
    """One turn's arrival. `tat` is kept in milliseconds; which of two updates admits it depends on what is there."""

    def __init__(self, tenant: str, customer: str, limit: RateLimit) -> None:
        self._key = keys.rate(tenant, customer)
        self._owner = keys.owned_by(tenant, customer)
        self._limit = limit
        self._arrival = Arrival.IDLE

    def op(self, now: float) -> Update:
        """The update that admits the turn, if the item is as was last learned."""
        tat, interval, now_ms = Attr("tat"), round(self._limit.interval * 1000), round(now * 1000)
        kept = {"ttl": int(now) + _TTL, "cust_pk": self._owner}
        if self._arrival is Arrival.IDLE:
            return Update(self._key, set={"tat": now_ms + interval, **kept}, when=tat.absent() | tat.le(now_ms))
        edge = now_ms + round(self._limit.tolerance * 1000)
        return Update(self._key, set=kept, add={"tat": interval}, when=tat.gt(now_ms) & tat.le(edge))

    def learn(self, old: Item | None, now: float) -> None:
        """Take in what the update met; raises RateLimited when the turn comes too soon."""
        tat = old["tat"] / 1000 if old else None
        self._arrival = arrival(tat, now, self._limit)
        if self._arrival is Arrival.DENIED and tat is not None:
            raise RateLimited(retry_after(tat, now, self._limit))


def arrive(table: Table, clock: Clock, gate: RateGate) -> None:
    """Admit a turn that reserves nothing yet, or raise RateLimited."""
    for _ in range(_TRIES):
        now = clock()
        try:
            table.write(gate.op(now))
        except Refused as refusal:
            gate.learn(refusal.olds[0], now)
        else:
            return
    raise StoreContended("the rate limit changed between each two of our tries")
