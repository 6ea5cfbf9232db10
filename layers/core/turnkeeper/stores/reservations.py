"""Reservations as they are kept: money held for one model call, how it was settled, and whom to tell."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from turnkeeper.domain.spend import Limit
from turnkeeper.ports import Key
from turnkeeper.stores.records import Record


@dataclass(frozen=True, slots=True)
class Reservation(Record):
    """Money held for one model call, in micro-dollars; `exp` is when others may resolve it."""

    rid: str
    turn_id: str
    tenant: str
    customer: str
    task: str
    day: str
    est: int
    exp: float
    epoch: int
    model: str
    tier: str
    st: str = "PENDING"
    actual: int = 0
    guessed: bool = False
    part: int = -1
    """The tenant's shard that holds it, or -1 where the tenant has no limit."""


@dataclass(frozen=True, slots=True)
class Settlement:
    """What a reserved call really cost, and what the ledger says of it besides."""

    reservation: Reservation
    actual: int
    note: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Alert:
    """A counter that a reservation took past 80 % of its limit, for the owner to be told once."""

    tenant: str
    customer: str
    limit: Limit
    amount: int
    committed: int
    key: Key
    name: str


@dataclass(frozen=True, slots=True)
class Held:
    """A reservation as it was made, and the limits that it took past 80 %."""

    reservation: Reservation
    alerts: Sequence[Alert]
