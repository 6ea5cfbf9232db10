"""The money of one run: its limits, what it reserved and spent, and a cost that is known but not yet posted."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from turnkeeper.domain.attempt import CallReport
from turnkeeper.domain.rate_limit import RateLimit
from turnkeeper.domain.reservation import Reservation, Settlement
from turnkeeper.domain.spend import Limits, SpendAlert
from turnkeeper.domain.tier import Tier
from turnkeeper.domain.turn import Lease, Turn
from turnkeeper.errors import StoreUnavailable
from turnkeeper.ports import Check, Op, Refused
from turnkeeper.stores.spend import SpendStore

_RUN_ID_CHARS = 12


@dataclass(frozen=True, slots=True)
class ModelCost:
    """The worst case of a call that is about to be made, and the UTC day and the model that it counts for.

    `tenant_shard` and `stack_shard` are the shards of the tenant's and the stack's day to try first, `NO_SHARD` where
    there is no such limit.
    """

    model: str
    day: str
    worst_case_micro_usd: int
    tenant_shard: int
    stack_shard: int


@dataclass
class RunMoney:
    """The money of one run. Amounts are micro-dollars.

    The worst case of each call is reserved before it, and its cost is settled after it. The cost of an answered call
    waits in `unposted`: the run's next write posts it in its own transaction, which saves the happy path a call to the
    table. That is why a run must end through `post_with`, and leave by an exception through `post_on_error`. If the
    process dies before that, the reservation stays pending, and a sweep posts it in full.

    `owned` is the condition that the run still owns its turn. `rate` is the customer's rate limit, until the first
    reservation has counted the turn. `is_accepted` once the turn can no longer be refused. `alerts` wait until the run
    has ended, because publishing them must not take time from the run's calls.
    """

    spend: SpendStore
    turn: Turn
    owned: Check
    tier: Tier
    lease: Lease
    limits: Limits
    rate: RateLimit | None
    is_accepted: bool
    spent_before_micro_usd: int = 0
    spent_micro_usd: int = 0
    unposted: Settlement | None = None
    alerts: list[SpendAlert] = field(default_factory=list)
    reservations: int = 0

    @property
    def turn_cost_micro_usd(self) -> int:
        """What the turn cost so far, in this run and in those before it."""
        return self.spent_before_micro_usd + self.spent_micro_usd

    # --- before a call ------------------------------------------------------------------------------------------------

    def reserve(self, cost: ModelCost) -> Reservation:
        """Reserve the worst case of a call. Raises LimitExceeded, RateLimited, TurnLost or StoreUnavailable."""
        self.flush()
        reserved = self.spend.reserve(self.turn, self.owned, self._reservation(cost), self.limits, self.rate)
        self.is_accepted, self.rate = True, None
        self.alerts += reserved.alerts
        return reserved.reservation

    def refuse_hopeless(self, cost: ModelCost) -> None:
        """Raise LimitExceeded if the reservation of a call would be refused now; nothing is reserved."""
        self.flush()
        self.spend.refuse_hopeless(self.turn, self.owned, self._reservation(cost), self.limits)

    def _reservation(self, cost: ModelCost) -> Reservation:
        self.reservations += 1
        turn = self.turn
        run = f"{self.tier.value}.{turn.epoch}.{turn.run_id[:_RUN_ID_CHARS]}"
        return Reservation(
            reservation_id=f"{turn.turn_id}.{run}.{self.reservations}",  # no other run ever makes the same
            turn_id=turn.turn_id,
            tenant=turn.tenant,
            customer=turn.customer,
            task=turn.task,
            day=cost.day,
            reserved_micro_usd=cost.worst_case_micro_usd,
            sweep_at=self.lease.sweep_at,
            epoch=turn.epoch,
            model=cost.model,
            tier=self.tier.value,
            tenant_shard=cost.tenant_shard,
            stack_shard=cost.stack_shard,
        )

    # --- after it -----------------------------------------------------------------------------------------------------

    def answered(self, reservation: Reservation, report: CallReport) -> None:
        """Note what an answered call cost; the run's next write posts it."""
        self.spent_micro_usd += report.cost_micro_usd
        self.unposted = Settlement(reservation, report.cost_micro_usd, report)

    def may_be_billed(self, reservation: Reservation, report: CallReport) -> None:
        """Post a failed call's reservation in full, because its provider may charge for it."""
        self.spent_micro_usd += reservation.reserved_micro_usd
        self.spend.guess(reservation, report)

    def not_billed(self, reservation: Reservation, report: CallReport) -> None:
        """Void the reservation of a failed call that its provider surely does not charge for."""
        self.spend.void(reservation, report)

    # --- what is not posted yet ---------------------------------------------------------------------------------------

    def flush(self) -> None:
        """Post the unposted cost in a write of its own."""
        if self.unposted:
            unposted, self.unposted = self.unposted, None
            self.spend.settle(unposted)

    def post_with(self, write: Callable[[Sequence[Op]], None]) -> None:
        """Call `write` with the operations that post the unposted cost, for its own transaction."""
        posting = self.spend.settle_ops(self.unposted) if self.unposted else []
        try:
            write(posting)
        except Refused:
            if not self.unposted:
                raise
            # A sweep resolved the reservation before us: correct what it guessed, then write the rest.
            self.spend.settle(self.unposted)
            write([])
        self.unposted = None

    @contextmanager
    def post_on_error(self) -> Iterator[None]:
        """Post the unposted cost if the run leaves by an exception, because a known cost must not be lost."""
        try:
            yield
        except Exception:
            if self.unposted:
                with suppress(StoreUnavailable):
                    self.spend.settle(self.unposted)
            raise
