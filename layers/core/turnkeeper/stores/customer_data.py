"""Everything that is kept about one customer, and its deletion."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from turnkeeper.domain.callbacks import CallbackState
from turnkeeper.domain.reservation import ReservationState
from turnkeeper.domain.spend import month_of, utc_day
from turnkeeper.domain.turn import TurnState
from turnkeeper.ports import Clock, Delete, Item, Json, Key, Table
from turnkeeper.stores import keys

_KINDS = {
    "TURN": "turns",
    "ESC": "escalations",
    "RSV": "reservations",
    "ATT": "attempts",
    "STEP": "tool effects",
    "MSG": "messages",
    "HEAD": "conversations",
    "DAY": "daily counters",
    "MONTH": "monthly counters",
    "TASK": "task counters",
    "RATE": "rate limits",
    "FEEDBACK": "feedback",
    "CALLBACK": "callbacks",
    "CUSTOMER": "limits",
}


@dataclass
class Deletion:
    """The keys to delete, and what must stay. Turns come last, so that a second try finds what a first one left."""

    delete: list[Key] = field(default_factory=list)
    unfinished: list[str] = field(default_factory=list)
    """Ids of turns for which something may still be written; they stay, with all their items."""
    current: list[str] = field(default_factory=list)
    """Whose counter stays until it expires, "Today's" or "This month's": or a limit could be spent twice."""

    def kinds(self) -> list[str]:
        """Return the kind of each item that would be deleted, in words."""
        return [_KINDS.get(sk.partition("#")[0], "parts of answers and cached answers") for _, sk in self.delete]


class CustomerData:
    """What the table keeps about one customer."""

    def __init__(self, table: Table, clock: Clock, tenant: str, customer: str) -> None:
        self._table, self._clock, self._tenant, self._customer = table, clock, tenant, customer

    def plan_deletion(self) -> Deletion:
        """Find what can be deleted, and what must stay; deletes nothing."""
        found, turns = Deletion(), list[Key]()
        who, day = (self._tenant, self._customer), utc_day(self._clock())
        current = {
            keys.customer_day(*who, day): "Today's",
            keys.customer_month(*who, month_of(day)): "This month's",
        }
        for key in self._keys():
            if key in current:
                found.current.append(current[key])
            elif key[1] == keys.TURN:
                turns.append(key)
            else:
                found.delete.append(key)
        for key in turns:
            self._plan_turn(key, found)
        kept = {f"{prefix}#{turn_id}" for turn_id in found.unfinished for prefix in ("TURN", "DOC")}
        if found.unfinished:  # the counters include what these turns reserved
            kept.add(keys.spend_of(*who))
        found.delete = [key for key in dict.fromkeys(found.delete) if key[0] not in kept]
        limits = keys.customer_limits(self._tenant, self._customer)
        if self._table.get(limits):
            found.delete.append(limits)
        found.delete.sort(key=lambda key: key[1] == keys.TURN)
        return found

    def delete(self, todo: Deletion) -> None:
        """Delete what was planned."""
        for key in todo.delete:
            self._table.transact([Delete(key)])

    def _keys(self) -> Iterator[Key]:
        partition, after = keys.owned_by(self._tenant, self._customer), None
        while True:
            items, after = self._next(partition, after)
            yield from ((str(item["pk"]), str(item["sk"])) for item in items)
            if after is None:
                return

    def _next(self, partition: str, after: Json | None) -> tuple[list[Item], Json | None]:
        return self._table.query_index("customer", partition, after=after)

    def _plan_turn(self, key: Key, found: Deletion) -> None:
        items = self._table.query(key[0])
        if any(_is_unfinished(item) for item in items):
            found.unfinished.append(keys.turn_of(key[0]))
            return
        found.delete += [(str(item["pk"]), str(item["sk"])) for item in items]


def _is_unfinished(item: Item) -> bool:
    """Whether the item can still change: its turn has not ended, money is reserved, or a receiver waits."""
    sk = str(item["sk"])
    if sk == keys.TURN:
        return bool(item["st"] != TurnState.DONE)
    if sk.startswith(keys.RESERVATION):
        return bool(item["st"] == ReservationState.PENDING)
    return sk == keys.CALLBACK and bool(item["st"] == CallbackState.DUE)
