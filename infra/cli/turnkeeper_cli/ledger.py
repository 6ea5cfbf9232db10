"""`turnkeeper ledger`: every reservation with its outcome, and sums that must match the counters."""

import time
from collections.abc import Iterable
from dataclasses import dataclass, field

from rich.table import Table as Grid
from turnkeeper.domain.reservation import Reservation, ReservationState
from turnkeeper.domain.spend import Counter, Limit, month_of
from turnkeeper.stores.spend import NamedCounter

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
        is_less = (
            ledger != counter
            and ledger.posted_micro_usd <= counter.posted_micro_usd
            and ledger.committed_micro_usd <= counter.committed_micro_usd
        )
        return is_less and self.since < time.time() - _SURELY_KEPT_S


@dataclass(frozen=True)
class Ledger:
    """Reservations, oldest first, and the sums that are known to be whole."""

    entries: list[Reservation]
    sums: list[Sum] = field(default_factory=list)

    @property
    def matches(self) -> bool:
        """Whether every sum matches its counter."""
        return all(s.matches for s in self.sums)


def of_turn(store: Store, turn_id: str) -> Ledger:
    """Read one turn's reservations; its task's counter is compared where the task is this turn only."""
    whole = store.whole_turn(turn_id)
    turn, entries = whole.turn, _sorted(whole.reservations)
    if turn.task != turn_id:
        return Ledger(entries)
    return Ledger(entries, [_compared(store.spend.of_task(turn.tenant, turn.customer, turn.task), entries)])


def of_customer(store: Store, customer: str) -> Ledger:
    """Read all reservations of a customer's turns, and compare every day, month and task."""
    turns = map(store.turns.whole, store.turns.ids_of_customer(store.tenant, customer))
    entries = _sorted(reservation for whole in turns if whole for reservation in whole.reservations)
    counters = store.spend.of_customer(store.tenant, customer)
    return Ledger(entries, [_compared(counter, entries) for counter in counters])


def show(ledger: Ledger) -> None:
    """Print a ledger."""
    grid = Grid("at (UTC)", "turn", "tier", "model", "outcome", box=None, pad_edge=False, header_style="bold")
    for name in ("held", "cost"):
        grid.add_column(name, justify="right")
    for r in ledger.entries:
        cost = "" if r.is_pending else usd(r.actual_micro_usd)
        held = usd(r.reserved_micro_usd)
        grid.add_row(moment(r.reserved_at), r.turn_id, r.tier, r.model, _outcome(r), held, cost)
    total = _sum(ledger.entries)
    grid.add_row("", "", "", "", "sum", "", usd(total.posted_micro_usd), style="bold")
    say(grid)
    for s in ledger.sums:
        said = f"{s.name}: posted {usd(s.ledger.posted_micro_usd)}, pending {usd(s.ledger.pending_micro_usd)}"
        counted = f"its counter: {usd(s.counter.posted_micro_usd)}, {usd(s.counter.pending_micro_usd)}"
        if s.is_cut:
            say(f"~ {said}; {counted}: its first entries are older than what is kept", "yellow")
        elif s.matches:
            say(f"✓ {said}, as its counter", "green")
        else:
            say(f"✗ {said}; {counted}", "red")


def _compared(counted: NamedCounter, entries: list[Reservation]) -> Sum:
    kind = {Limit.CUSTOMER_DAY: "day", Limit.CUSTOMER_MONTH: "month"}.get(counted.limit, "task")
    mine = [r for r in entries if _counts(r, counted)]
    return Sum(f"{kind} {counted.name}", _sum(mine), counted.counter, counted.since)


def _counts(r: Reservation, counted: NamedCounter) -> bool:
    match counted.limit:
        case Limit.CUSTOMER_DAY:
            return r.day == counted.name
        case Limit.CUSTOMER_MONTH:
            return r.counts_in_month and month_of(r.day) == counted.name
        case _:
            return r.task == counted.name


def _sorted(reservations: Iterable[Reservation]) -> list[Reservation]:
    return sorted(reservations, key=lambda r: r.reserved_at)


def _sum(entries: Iterable[Reservation]) -> Counter:
    reservations = list(entries)
    posted = sum(r.actual_micro_usd for r in reservations if r.state is ReservationState.POSTED)
    pending = sum(r.reserved_micro_usd for r in reservations if r.is_pending)
    return Counter(committed_micro_usd=posted + pending, posted_micro_usd=posted)


def _outcome(r: Reservation) -> str:
    said = {
        ReservationState.PENDING: "pending",
        ReservationState.VOIDED: "not billed",
        ReservationState.POSTED: "posted",
    }[r.state]
    if r.is_guess:
        said = "corrected" if r.corrected_at else "posted in full: the bill is not known"
    return f"{said} ({r.error})" if r.error else said
