"""One run: one invocation's work on a turn, with its deadline, its limits, and what it spent so far."""

from dataclasses import dataclass, field
from typing import Any

from turnkeeper.agent import Agent
from turnkeeper.domain.rate_limit import RateLimit
from turnkeeper.domain.spend import Limits
from turnkeeper.domain.turns import Tier
from turnkeeper.stores.conversations import Exchange
from turnkeeper.stores.journal import Step
from turnkeeper.stores.records import Turn
from turnkeeper.stores.reservations import Alert, Settlement
from turnkeeper.stores.turns import Lease

_RUN_ID_CHARS = 12


@dataclass
class Run:
    """What a run knows and has done. `deadline` is seconds since the epoch.

    `rate` is the customer's rate limit until the first reservation has passed it. `accepted` once the turn can no
    longer be refused. `held` is a call's cost that is known and not yet written: the next write of the run posts it.
    `alerts` are for the owner once the run has ended: a notice must not take the time of its calls.
    """

    turn: Turn
    agent: Agent[Any]
    tier: Tier
    deadline: float
    lease: Lease
    limits: Limits
    history: list[Exchange]
    started_at: float
    rate: RateLimit | None = None
    accepted: bool = False
    held: Settlement | None = None
    reservations: int = 0
    cost: int = 0
    cost_before: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    calls: list[dict[str, Any]] = field(default_factory=list)
    alerts: list[Alert] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)

    def next_reservation(self) -> str:
        """Return the id of the run's next reservation, as the ledger shows it: no other run ever makes the same."""
        self.reservations += 1
        turn = self.turn
        return f"{turn.turn_id}.{self.tier.value}.{turn.epoch}.{turn.run_id[:_RUN_ID_CHARS]}.{self.reservations}"

    @property
    def total_cost(self) -> int:
        """What the whole turn cost, in micro-dollars: this run, and those before it."""
        return self.cost_before + self.cost

    @property
    def about(self) -> dict[str, Any]:
        """What every line about this run carries."""
        turn = self.turn
        return {
            "turn_id": turn.turn_id,
            "task_id": turn.task,
            "tenant": turn.tenant,
            "customer_id": turn.customer,
            "agent": turn.agent,
            "intent": turn.request.get("intent"),
            "tier": self.tier.value,
            "correlation_id": turn.correlation_id,
        }
