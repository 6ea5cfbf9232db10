"""`turnkeeper ledger`: every reservation with its outcome, and sums that must match the counters."""

import time
from collections.abc import Iterable
from dataclasses import dataclass, field

from rich.table import Table as Grid
from turnkeeper.domain.spend import Counter
from turnkeeper.ports import Item
from turnkeeper.stores import keys
from turnkeeper.stores.records import Turn
from turnkeeper.stores.reservations import Reservation

from turnkeeper_cli.show import moment, say, usd
from turnkeeper_cli.store import Store

_SURELY_KEPT_S = 8 * 86_400
"""Entries are younger than this, or may be gone: a deployment keeps turns for 8 days at least, and counters for 40."""


@dataclass(frozen=True)
class Sum:
    """What the ledger adds up to under one counter, and what the counter says."""

    name: str
    ledger: Counter
    counter: Counter
    since: float = 0.0
    """When the counter began (seconds since the epoch); 0 where it does not say."""

    @property
    def matches(self) -> bool:
        """Whether both say the same, or the ledger less because its first entries may be gone."""
        return self.ledger == self.counter or self.is_cut

    @property
    def is_cut(self) -> bool:
        """Whether entries are missing that may be older than what is kept."""
        ledger, counter = self.ledger, self.counter
        is_less = ledger != counter and ledger.posted <= counter.posted and ledger.committed <= counter.committed
        return is_less and self.since < time.time() - _SURELY_KEPT_S


@dataclass(frozen=True)
class Ledger:
    """Reservations, oldest first, and the sums that are known to be whole."""

    entries: list[Item]
    sums: list[Sum] = field(default_factory=list)

    @property
    def matches(self) -> bool:
        """Whether every sum matches its counter."""
        return all(s.matches for s in self.sums)


def of_turn(store: Store, turn_id: str) -> Ledger:
    """Read one turn's reservations; its task's counter is compared where the task is this turn only."""
    family = store.family(turn_id)
    turn = Turn.from_item(next(item for item in family if item["sk"] == keys.TURN))
    entries = _entries(family)
    if turn.task != turn_id:
        return Ledger(entries)
    counter = store.table.get(keys.task(turn.tenant, turn.customer, turn.task))
    return Ledger(entries, [_compared(f"TASK#{turn.task}", counter or {}, entries)])


def of_customer(store: Store, customer: str) -> Ledger:
    """Read all reservations of a customer's turns, and compare every day and task."""
    ids = [keys.turn_of(str(item["pk"])) for item in store.owned_by(customer) if item["sk"] == keys.TURN]
    entries = sorted((e for i in ids for e in _entries(store.turns.family(i))), key=lambda e: float(e["at"]))
    counters = store.table.query(keys.customer_day(store.tenant, customer, "")[0])
    return Ledger(entries, [_compared(str(item["sk"]), item, entries) for item in counters])


def show(ledger: Ledger) -> None:
    """Print a ledger."""
    grid = Grid("at (UTC)", "turn", "tier", "model", "outcome", box=None, pad_edge=False, header_style="bold")
    for name in ("held", "cost"):
        grid.add_column(name, justify="right")
    for item in ledger.entries:
        r = Reservation.from_item(item)
        cost = "" if r.st == "PENDING" else usd(r.actual)
        grid.add_row(moment(float(item["at"])), r.turn_id, r.tier, r.model, _outcome(r, item), usd(r.est), cost)
    total = _sum(ledger.entries)
    grid.add_row("", "", "", "", "sum", "", usd(total.posted), style="bold")
    say(grid)
    for s in ledger.sums:
        said = f"{s.name}: posted {usd(s.ledger.posted)}, pending {usd(s.ledger.pending)}"
        counted = f"its counter: {usd(s.counter.posted)}, {usd(s.counter.pending)}"
        if s.is_cut:
            say(f"~ {said}; {counted}: its first entries are older than what is kept", "yellow")
        elif s.matches:
            say(f"✓ {said}, as its counter", "green")
        else:
            say(f"✗ {said}; {counted}", "red")


def _compared(sk: str, counter: Item, entries: list[Item]) -> Sum:
    kind, _, name = sk.partition("#")
    attribute = {"DAY": "day"}.get(kind, "task")
    ledger = _sum(e for e in entries if e[attribute] == name)
    return Sum(f"{attribute} {name}", ledger, _counter(counter), float(counter.get("since", 0)))


def _entries(family: Iterable[Item]) -> list[Item]:
    found = [item for item in family if str(item["sk"]).startswith(keys.RESERVATION)]
    return sorted(found, key=lambda item: float(item["at"]))


def _sum(entries: Iterable[Item]) -> Counter:
    held = [Reservation.from_item(entry) for entry in entries]
    posted = sum(r.actual for r in held if r.st == "POSTED")
    return Counter(committed=posted + sum(r.est for r in held if r.st == "PENDING"), posted=posted)


def _counter(item: Item) -> Counter:
    return Counter(int(item.get("committed", 0)), int(item.get("posted", 0)))


def _outcome(r: Reservation, item: Item) -> str:
    said = {"PENDING": "pending", "VOIDED": "not billed", "POSTED": "posted"}[r.st]
    if r.guessed:
        said = "corrected" if "corrected" in item else "posted in full: the bill is not known"
    return f"{said} ({item['error']})" if item.get("error") else said
