"""A reservation: money set aside for one model call, and how it was resolved. Amounts are micro-dollars."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from turnkeeper.domain.attempt import CallReport
from turnkeeper.domain.spend import Limit, SpendAlert

NO_SHARD = -1


class ReservationState(StrEnum):
    """PENDING while the call may still be running, then POSTED with its cost, or VOIDED if it surely was not billed."""

    PENDING = "PENDING"
    POSTED = "POSTED"
    VOIDED = "VOIDED"


@dataclass(frozen=True, slots=True)
class Reservation:
    """Money set aside for one model call; from `sweep_at` on (seconds since the epoch), others may resolve it.

    `is_guess` when the worst case was posted because the bill is not known; `corrected_at` is when it became known.
    It counts under the customer's day and the task; `counts_in_month` if also under the month of that day. The shards
    of the tenant's and the stack's day in which it counts are `tenant_shard` and `stack_shard`, `NO_SHARD` for none.
    `error` is the code of the failure of its call, and `why` what the provider said about it.
    """

    reservation_id: str
    turn_id: str
    tenant: str
    customer: str
    task: str
    day: str
    reserved_micro_usd: int
    sweep_at: float
    epoch: int
    model: str
    tier: str
    state: ReservationState = ReservationState.PENDING
    actual_micro_usd: int = 0
    is_guess: bool = False
    corrected_at: float = 0.0
    tenant_shard: int = NO_SHARD
    reserved_at: float = 0.0
    error: str = ""
    duration_ms: int | None = None
    tokens_in: int = 0
    tokens_out: int = 0
    counts_in_month: bool = False
    stack_shard: int = NO_SHARD
    why: str = ""

    @property
    def is_pending(self) -> bool:
        """Whether it is still to be resolved."""
        return self.state is ReservationState.PENDING

    @property
    def cost_micro_usd(self) -> int:
        """What it counts against the limits: the reserved amount while it is pending, then what was posted."""
        return self.reserved_micro_usd if self.is_pending else self.actual_micro_usd

    def shard(self, limit: Limit) -> int:
        """Return the shard in which it counts under a limit; `NO_SHARD` for none."""
        return {Limit.TENANT_DAY: self.tenant_shard, Limit.STACK_DAY: self.stack_shard}.get(limit, NO_SHARD)

    def in_shard(self, limit: Limit, shard: int) -> "Reservation":
        """Return it as it counts in another shard of a limit."""
        return replace(self, stack_shard=shard) if limit is Limit.STACK_DAY else replace(self, tenant_shard=shard)


@dataclass(frozen=True, slots=True)
class Settlement:
    """What a reserved call really cost, and how it ended."""

    reservation: Reservation
    actual_micro_usd: int
    report: CallReport


@dataclass(frozen=True, slots=True)
class Reserved:
    """A reservation as it was written, and an alert for each limit that it took past 80 %."""

    reservation: Reservation
    alerts: Sequence[SpendAlert]
