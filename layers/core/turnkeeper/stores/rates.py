"""The rate limits of customers and models, as conditional updates that several turns may race for."""

from collections.abc import Callable, Mapping
from functools import reduce
from math import ceil
from operator import and_

from turnkeeper.domain.rate_limit import MODEL_BURST_S, Arrival, ModelRate, RateLimit, arrival, retry_after
from turnkeeper.errors import RateLimited, StoreContended
from turnkeeper.ports import Attr, Clock, Item, Key, Refused, Table, Update
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


class CustomerRates:
    """The rate limits of customers, for turns that make no reservation with which they would pass."""

    def __init__(self, table: Table, clock: Clock) -> None:
        self._table, self._clock = table, clock

    def admit(self, tenant: str, customer: str, limit: RateLimit) -> None:
        """Admit a turn, or raise RateLimited."""
        gate = RateGate(tenant, customer, limit)
        for _ in range(_TRIES):
            now = self._clock()
            try:
                self._table.write(gate.op(now))
            except Refused as refusal:
                gate.learn(refusal.olds[0], now)
            else:
                return
        raise StoreContended("the rate limit changed between each two of our tries")


class ModelRates:
    """What the fleet may ask of each model in a minute. A model without a limit costs nothing here."""

    def __init__(self, table: Table, clock: Clock, rates: Mapping[str, ModelRate]) -> None:
        self._table, self._clock, self._rates = table, clock, rates

    def admits(self, model: str, tokens: Callable[[], int]) -> bool:
        """Count a call of a model, and of its provider; False when it would be one too many."""
        names = [name for name in (model, f"{model.partition(':')[0]}:*") if name in self._rates]
        size = tokens() if names else 0
        if any(self._rates[name].never_admits(size) for name in names):
            return False
        counted: list[Update] = []
        for name in names:
            key = keys.model_rate(name)
            moves = {limit: max(1, ceil(seconds * 1000)) for limit, seconds in self._rates[name].seconds(size).items()}
            if not self._count(key, moves):
                for update in counted:
                    self._table.write(update)
                return False
            counted.append(Update(key, add={limit: -move for limit, move in moves.items()}))
        return True

    def _count(self, key: Key, moves: Mapping[str, int]) -> bool:
        """Move each `tat` by some milliseconds, unless one would come to lie too far ahead."""
        ahead: set[str] = set()
        for _ in range(_TRIES):
            now = round(self._clock() * 1000)
            edges = {name: now + max(0, round(MODEL_BURST_S * 1000) - move) for name, move in moves.items()}
            conditions = [
                Attr(name).gt(now) & Attr(name).le(edges[name])
                if name in ahead
                else Attr(name).absent() | Attr(name).le(now)
                for name in moves
            ]
            update = Update(
                key,
                set={name: now + moves[name] for name in moves if name not in ahead} | {"ttl": now // 1000 + _TTL},
                add={name: moves[name] for name in moves if name in ahead},
                when=reduce(and_, conditions),
            )
            try:
                self._table.write(update)
            except Refused as refusal:
                old = refusal.olds[0] or {}
                if any(old.get(name, 0) > edges[name] for name in moves):
                    return False
                ahead = {name for name in moves if old.get(name, 0) > now}
            else:
                return True
        return False  # so many others call it at this moment that it is busy enough
