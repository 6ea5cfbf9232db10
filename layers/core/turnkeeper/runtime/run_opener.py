"""Opens runs, for the API and the tiers alike: reads, limits, history, and what dead runs of the turn left."""

from concurrent.futures import Executor, Future
from dataclasses import dataclass
from typing import Any

from turnkeeper.agent import Agent
from turnkeeper.domain.conversation import Exchange
from turnkeeper.domain.policies import RunTimes
from turnkeeper.domain.rate_limit import RateLimit
from turnkeeper.domain.spend import Limits
from turnkeeper.domain.tier import Tier
from turnkeeper.domain.turn import Lease, Turn, TurnState
from turnkeeper.domain.whole_turn import WholeTurn
from turnkeeper.errors import ConversationNotFound
from turnkeeper.outside import Outside
from turnkeeper.runtime.limits import limits_of
from turnkeeper.runtime.run import Run
from turnkeeper.runtime.run_money import RunMoney
from turnkeeper.stores.bundle import Stores
from turnkeeper.stores.run_reads import RunReads


@dataclass(frozen=True, slots=True)
class BegunReads:
    """What a run reads besides its turn, as reads that are still under way."""

    reads: Future[RunReads]
    history: Future[list[Exchange]] | None


class RunOpener:
    """Opens runs."""

    def __init__(
        self, stores: Stores, outside: Outside, executor: Executor, limits: Limits, rate: RateLimit, times: RunTimes
    ) -> None:
        self._stores, self._clock, self._executor = stores, outside.clock, executor
        self._limits, self._rate, self.times = limits, rate, times

    def begin_reads(self, turn: Turn, agent: Agent[Any]) -> BegunReads:
        """Start the reads that a run of a turn needs, so that the API can acquire the turn at the same time."""
        stores, history = self._stores, None
        if not turn.is_new_conversation:
            history = self._executor.submit(stores.conversations.recent, turn.tenant, turn.conversation)
        return BegunReads(self._executor.submit(stores.run_reads.read, turn, agent.dependencies), history)

    def open(
        self, turn: Turn, agent: Agent[Any], tier: Tier, lease: Lease, *, ends_at: float, begun: BegunReads
    ) -> Run:
        """Open a run of a turn that it has acquired; `ends_at` is when its invocation ends (seconds since the epoch).

        Raises ConversationNotFound on the fast path if the conversation belongs to another customer or agent. In a
        tier it may have expired since, and the run goes without the history.
        """
        reads = begun.reads.result()
        history = begun.history.result() if begun.history else []
        if not _owns_conversation(turn, reads):
            if turn.state is TurnState.RUN:
                raise ConversationNotFound(turn.conversation)
            history = []
        self._stores.breakers.learn(reads.breakers)
        now, is_accepted = self._clock(), turn.epoch > 1
        money = RunMoney(
            spend=self._stores.spend,
            turn=turn,
            owned=self._stores.turns.owned(turn),
            tier=tier,
            lease=lease,
            limits=limits_of(agent, self._limits).overridden(*reads.overrides),
            rate=None if is_accepted else self._rate,
            is_accepted=is_accepted,
        )
        run = Run(
            turn=turn,
            agent=agent,
            tier=tier,
            deadline=self.times.deadline(now, ends_at),
            money=money,
            history=[exchange for exchange in history if exchange.position < turn.position],
            started_at=now,
        )
        if is_accepted:
            before = self.take_in_dead_runs(turn)
            money.spent_before_micro_usd = before.cost_micro_usd
            run.attempts_before, run.effects = before.attempts, list(before.effects)
        return run

    def take_in_dead_runs(self, turn: Turn) -> WholeTurn:
        """Sweep what older runs of a turn left pending, then read everything that they did and what it cost.

        Every takeover does this first: a dead run's call may have been billed, so it is posted in full.
        """
        self._stores.spend.sweep(turn.turn_id, before_epoch=turn.epoch)
        whole = self._stores.turns.whole(turn.turn_id)
        if whole is None:
            raise AssertionError(f"the turn {turn.turn_id} must exist: this run has its lease")
        return whole


def _owns_conversation(turn: Turn, reads: RunReads) -> bool:
    if turn.is_new_conversation:
        return True
    owner = reads.conversation
    return owner is not None and (owner.customer, owner.agent) == (turn.customer, turn.agent)
