"""Opens runs, for the API and the tiers alike: reads, limits, history, and what dead runs of the turn left."""

from concurrent.futures import Executor, Future
from dataclasses import dataclass
from typing import Any

from turnkeeper.agent import Agent
from turnkeeper.domain.conversation import Exchange
from turnkeeper.domain.policies import RunTimes
from turnkeeper.domain.stage import Stage
from turnkeeper.domain.tier import Tier
from turnkeeper.domain.turn import Lease, Turn, TurnState
from turnkeeper.domain.whole_turn import WholeTurn
from turnkeeper.errors import ConversationNotFound, InvalidRequest, Stopped, UnpricedModel
from turnkeeper.outside import Outside
from turnkeeper.runtime.current_stage import CurrentStage
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
        self, stores: Stores, outside: Outside, executor: Executor, stage: CurrentStage, times: RunTimes
    ) -> None:
        self._stores, self._clock, self._prices = stores, outside.clock, outside.prices
        self._executor, self._stage, self.times = executor, stage, times

    def begin_reads(self, turn: Turn, agent: Agent[Any]) -> BegunReads:
        """Start the reads that a run of a turn needs, so that the API can acquire the turn at the same time."""
        stores, history = self._stores, None
        if not turn.is_new_conversation:
            history = self._executor.submit(stores.conversations.recent, turn.tenant, turn.conversation)
        reads = self._executor.submit(stores.run_reads.read, turn, agent.dependencies, with_stage=self._stage.is_old)
        return BegunReads(reads, history)

    def open(
        self, turn: Turn, agent: Agent[Any], tier: Tier, lease: Lease, *, ends_at: float, begun: BegunReads
    ) -> Run:
        """Open a run of a turn that it has acquired; `ends_at` is when its invocation ends (seconds since the epoch).

        On the fast path, raises what refuses the turn: Stopped, UnpricedModel, InvalidRequest for its callback, and
        ConversationNotFound if the conversation belongs to another customer or agent. In a tier that may have expired
        since, and the run goes without the history.
        """
        reads = begun.reads.result()
        stage, is_accepted = self._stage.take_in(reads.stage), turn.epoch > 1
        if not is_accepted:
            self._admit(turn, agent, stage)
        history = begun.history.result() if begun.history else []
        if not _owns_conversation(turn, reads):
            if turn.state is TurnState.RUN:
                raise ConversationNotFound(turn.conversation)
            history = []
        self._stores.breakers.learn(reads.breakers)
        now = self._clock()
        money = RunMoney(
            spend=self._stores.spend,
            turn=turn,
            owned=self._stores.turns.owned(turn),
            tier=tier,
            lease=lease,
            limits=limits_of(agent, stage.settings.limits).overridden(*reads.overrides),
            rate=None if is_accepted else stage.settings.rate,
            is_accepted=is_accepted,
        )
        run = Run(
            turn=turn,
            agent=agent,
            stage=stage,
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

    def _admit(self, turn: Turn, agent: Agent[Any], stage: Stage) -> None:
        """Raise what refuses a new turn in this stage, before anything is reserved."""
        stop = stage.stop_of(turn.tenant, turn.customer, turn.agent)
        if stop:
            raise Stopped(stop.target)
        prices = self._prices.keys() | stage.settings.prices.keys()
        unpriced = [model.id for model in agent.models if model.id not in prices]
        if unpriced:
            raise UnpricedModel(f"the agent {agent.name!r} has models without a price: {', '.join(unpriced)}")
        url = turn.request.get("callback_url")
        refusal = stage.settings.callback_hosts.refusal(turn.tenant, url) if url else None
        if refusal:
            raise InvalidRequest(f"callback_url: {refusal}")

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
