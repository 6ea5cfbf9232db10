"""The rate limits of customers, models and services over the table, as conditional updates that turns compete for."""

from collections.abc import Callable, Mapping
from functools import reduce
from math import ceil
from operator import and_

from turnkeeper.domain.rate_limit import MODEL_BURST_S, Arrival, ModelRate, RateLimit, ToolRate, arrival, denied_for_s
from turnkeeper.errors import RateLimited, StoreContended
from turnkeeper.ports import Attr, Clock, Item, Key, Refused, Table, Update
from turnkeeper.stores import keys

_TRIES = 8
"""Each refusal shows what the item holds now, so only competing turns can make another try necessary."""

_TTL = 86_400
_MODEL_BURST_MS = round(MODEL_BURST_S * 1000)


class RateGate:
    """Admits one turn under its customer's rate limit. `tat` is kept in milliseconds.

    One of two updates can admit the turn, depending on whether `tat` is in the past. A refused update shows the item,
    so the next try uses the other one.
    """

    def __init__(self, tenant: str, customer: str, limit: RateLimit) -> None:
        self._key = keys.rate(tenant, customer)
        self._owner = keys.owned_by(tenant, customer)
        self._limit = limit
        self._arrival = Arrival.IDLE

    def op(self, now: float) -> Update:
        """Return the update that admits the turn if the item is as it was last seen."""
        tat, interval, now_ms = Attr("tat"), round(self._limit.interval * 1000), round(now * 1000)
        kept = {"ttl": int(now) + _TTL, "cust_pk": self._owner}
        if self._arrival is Arrival.IDLE:
            return Update(self._key, set={"tat": now_ms + interval, **kept}, when=tat.absent() | tat.le(now_ms))
        edge = now_ms + round(self._limit.tolerance * 1000)
        return Update(self._key, set=kept, add={"tat": interval}, when=tat.gt(now_ms) & tat.le(edge))

    def learn(self, old: Item | None, now: float) -> None:
        """Take in the item that the update found; raises RateLimited if the turn comes too soon."""
        tat = old["tat"] / 1000 if old else None
        self._arrival = arrival(tat, now, self._limit)
        if self._arrival is Arrival.DENIED and tat is not None:
            raise RateLimited(denied_for_s(tat, now, self._limit))


class CustomerRates:
    """The rate limits of customers, for turns that make no reservation: RESERVE counts all others."""

    def __init__(self, table: Table, clock: Clock) -> None:
        self._table, self._clock = table, clock

    def admit(self, tenant: str, customer: str, limit: RateLimit) -> None:
        """Admit a turn. Raises RateLimited, or StoreContended if other turns of the customer were always first."""
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


class _FleetRates:
    """Counts what the whole fleet uses in a minute."""

    def __init__(self, table: Table, clock: Clock) -> None:
        self._table, self._clock = table, clock

    def _count(self, key: Key, moves: Mapping[str, int], burst_ms: int) -> bool:
        """Move each `tat` by its milliseconds; returns False, with nothing moved, if one was to be too far ahead.

        That is more than `burst_ms` ahead of now, where it was ahead before.
        """
        ahead: set[str] = set()
        for _ in range(_TRIES):
            now = round(self._clock() * 1000)
            edges = {name: now + max(0, burst_ms - move) for name, move in moves.items()}
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
        return False  # others were first in every try: it is busy enough for now


class ModelRates(_FleetRates):
    """How much of each model the fleet may use in a minute. A model without a limit needs no call to the table."""

    def admits(self, rates: Mapping[str, ModelRate], model: str, tokens: Callable[[], int]) -> bool:
        """Count a call against the limits of a model and of its provider in `rates`; False if it does not fit.

        `tokens` returns the tokens of the call; it is asked only if there is a limit.
        """
        names = [name for name in (model, f"{model.partition(':')[0]}:*") if name in rates]
        size = tokens() if names else 0
        if any(rates[name].never_admits(size) for name in names):
            return False
        counted: list[Update] = []
        for name in names:
            key = keys.model_rate(name)
            moves = _milliseconds(rates[name].seconds(size))
            if not self._count(key, moves, _MODEL_BURST_MS):
                # Undone without a condition: others may have moved `tat` since, and this call's part is still in it.
                for update in counted:
                    self._table.write(update)
                return False
            counted.append(Update(key, add={limit: -move for limit, move in moves.items()}))
        return True


class ToolRates(_FleetRates):
    """How many requests the fleet may send to each service of tools in a minute."""

    def admits(self, dependency: str, per_minute: int) -> bool:
        """Count a request to a dependency; False if it does not fit. Raises StoreUnavailable."""
        rate = ToolRate(per_minute)
        moves = {"requests": rate.interval_ms}
        return self._count(keys.tool_rate(dependency), moves, rate.at_once * rate.interval_ms)


def _milliseconds(seconds: Mapping[str, float]) -> dict[str, int]:
    return {limit: max(1, ceil(moves * 1000)) for limit, moves in seconds.items()}
