"""The fast path: a POST becomes a turn, is attempted once, and ends answered or escalated."""

from collections.abc import Mapping
from concurrent.futures import Executor, Future
from dataclasses import dataclass
from typing import Any

from turnkeeper.agent import Agent
from turnkeeper.domain.money import micro_usd
from turnkeeper.domain.rate_limit import RateLimit
from turnkeeper.domain.spend import Limits
from turnkeeper.domain.turns import Tier, conversation_id, fingerprint, turn_id
from turnkeeper.errors import (
    ConversationNotFound,
    LimitExceeded,
    RateLimited,
    StoreContended,
    StoreUnavailable,
    UnpricedModel,
)
from turnkeeper.ports import Clock, Item, Key, Table, Telemetry
from turnkeeper.runtime.attempt import Attempts, Outcome, Plan, Verdict
from turnkeeper.runtime.endings import Endings
from turnkeeper.runtime.executions import Executions
from turnkeeper.runtime.fallback import cached
from turnkeeper.runtime.run import Run
from turnkeeper.stores import keys, limits
from turnkeeper.stores.breakers import BreakerStore
from turnkeeper.stores.cache import AnswerCache
from turnkeeper.stores.conversations import ConversationStore, Exchange
from turnkeeper.stores.journal import Journal
from turnkeeper.stores.rates import RateGate, arrive
from turnkeeper.stores.records import Turn
from turnkeeper.stores.spend import SpendStore
from turnkeeper.stores.turns import Document, Lease, TurnStore

_ASYNC = Verdict(Outcome.UNAVAILABLE, "requested")
_NO_MODEL = Verdict(Outcome.UNAVAILABLE, "no_model_available")


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds: a run's deadline, a turn's time to be answered, what a lease outlives its holder by."""

    run: float
    answer_by: float
    lease_margin: float = 5.0


@dataclass(frozen=True, slots=True)
class NewTurn:
    """An authenticated, validated request. `remaining_s` is what is left of the invocation, in seconds."""

    agent: Agent[Any]
    tenant: str
    customer: str
    path: str
    key: str
    body: Mapping[str, Any]
    remaining_s: float
    respond_async: bool = False
    base_url: str = ""
    correlation_id: str = ""


@dataclass(frozen=True, slots=True)
class _Reads:
    """What a turn reads while it is being acquired."""

    items: Future[dict[Key, Item]]
    history: Future[list[Exchange]] | None


class Opening:
    """A POST between its arrival and its answer; `refused` once it is known that the key must be forgotten."""

    def __init__(self, new: NewTurn, turn: Turn, lease: Lease, reads: _Reads) -> None:
        self.new, self.turn, self.lease, self.reads = new, turn, lease, reads
        self.working: Run | None = None
        self.refused = False

    @property
    def is_accepted(self) -> bool:
        """Whether the turn must end: its first reservation was made, or it is a dead run's."""
        return self.turn.epoch > 1 or (self.working is not None and self.working.accepted)


class Turns:
    """Takes turns in and works on them."""

    def __init__(
        self,
        *,
        table: Table,
        turns: TurnStore,
        spend: SpendStore,
        breakers: BreakerStore,
        conversations: ConversationStore,
        cache: AnswerCache,
        journal: Journal,
        attempts: Attempts,
        endings: Endings,
        executions: Executions,
        executor: Executor,
        clock: Clock,
        telemetry: Telemetry,
        limits_usd: Limits,
        rate: RateLimit,
        pace: Pace,
    ) -> None:
        self._table, self._turns, self._spend, self._breakers = table, turns, spend, breakers
        self._conversations, self._cache, self._journal = conversations, cache, journal
        self._attempts, self._endings, self._executions = attempts, endings, executions
        self._executor, self._clock, self._telemetry = executor, clock, telemetry
        self._limits, self._rate, self._pace = limits_usd, rate, pace

    def open(self, new: NewTurn) -> Opening:
        """Take a request in: its reads begin, beside the write that will acquire its turn."""
        now = self._clock()
        identity = turn_id(new.tenant, new.customer, new.path, new.key)
        turn = Turn(
            turn_id=identity,
            tenant=new.tenant,
            customer=new.customer,
            agent=new.agent.name,
            agent_version=new.agent.version,
            task=new.body.get("task_id") or identity,
            conversation=new.body.get("conversation_id") or conversation_id(identity),
            position="",
            fp=fingerprint(new.body),
            st="",
            epoch=0,
            created_at=now,
            answer_by=now + self._pace.answer_by,
            request=new.body,
            base_url=new.base_url,
            correlation_id=new.correlation_id,
        )
        lease = Lease(now + max(0.0, new.remaining_s) + self._pace.lease_margin)
        return Opening(new, turn, lease, self._read(new, turn))

    def acquire(self, opening: Opening) -> tuple[Turn, bool]:
        """Take the turn's lock: (the turn as it is, whether it is ours)."""
        turn, ours = self._turns.acquire(opening.turn, opening.lease)
        if ours:
            opening.turn = turn
        return turn, ours

    def run(self, opening: Opening) -> Document:
        """Work on an acquired turn until it is answered or escalated; a refusal before it is accepted is raised."""
        try:
            return self._run(opening)
        except (ConversationNotFound, LimitExceeded, RateLimited, UnpricedModel, StoreContended):
            opening.refused = not opening.is_accepted
            raise
        except StoreUnavailable:
            # Nothing can have been reserved yet only if the reads were what failed.
            opening.refused = opening.working is None and not opening.is_accepted
            raise

    def refuse(self, opening: Opening) -> None:
        """Forget a refused turn, so that its key may be tried again.

        Raises StoreUnavailable or TurnLost where that fails: then it may still be taken over, and is not refused.
        """
        if opening.refused:
            self._turns.abandon(opening.turn)

    # --- the run ------------------------------------------------------------------------------------------------------

    def _read(self, new: NewTurn, turn: Turn) -> _Reads:
        wanted = [keys.breaker(name) for name in new.agent.dependencies]
        wanted += limits.limit_keys(turn.tenant, turn.customer, turn.agent)
        history = None
        if not turn.is_new_conversation:
            wanted.append(keys.conversation(turn.tenant, turn.conversation))
            history = self._executor.submit(self._conversations.recent, turn.tenant, turn.conversation)
        return _Reads(self._executor.submit(self._table.batch_get, wanted), history)

    def _run(self, opening: Opening) -> Document:
        turn, agent = opening.turn, opening.new.agent
        items = opening.reads.items.result()
        history = opening.reads.history.result() if opening.reads.history else []
        self._refuse_foreign_conversation(turn, items)
        self._breakers.learn(agent.dependencies, items)
        now = self._clock()
        run = Run(
            turn=turn,
            agent=agent,
            tier=Tier.FIRST_ATTEMPT,
            deadline=now + min(self._pace.run, max(0.0, opening.new.remaining_s - 1)),
            lease=opening.lease,
            limits=limits_of(agent, self._limits, items, turn),
            history=[e for e in history if e.position < turn.position],
            started_at=now,
            rate=None if opening.is_accepted else self._rate,
            accepted=opening.is_accepted,
        )
        opening.working = run
        if turn.epoch > 1:
            self.carry_on(run)
        with self._endings.paying(run):
            return self._attempt(run, opening)

    def _attempt(self, run: Run, opening: Opening) -> Document:
        plan = _plan(run.agent)
        if opening.new.respond_async:
            return self._escalate(run, _ASYNC, first_done=False)
        if not self._attempts.can_start(plan):
            return self._unanswered(run, _NO_MODEL)
        try:
            verdict = self._attempts.make(run, plan)
        except (LimitExceeded, RateLimited, UnpricedModel) as error:
            if not run.accepted:
                raise
            verdict = Verdict(Outcome.REJECTED, error.code.replace("-", "_"), to_human=True)
        given = verdict.given
        if given:
            return self._endings.finish(run, given)
        return self._unanswered(run, verdict)

    def _unanswered(self, run: Run, verdict: Verdict) -> Document:
        degraded = cached(self._cache, run, verdict)
        if degraded:
            self._admit(run)
            return self._endings.finish(run, degraded)
        return self._escalate(run, verdict, first_done=True)

    def _escalate(self, run: Run, verdict: Verdict, *, first_done: bool) -> Document:
        self._admit(run)
        document = self._endings.suspend(run, verdict, first_done=first_done)
        self._executions.start(run.turn.turn_id)
        return document

    def carry_on(self, run: Run) -> None:
        """Take over what dead runs of a turn left: their reservations, their costs, their effects."""
        self._spend.sweep(run.turn.turn_id, before_epoch=run.turn.epoch)
        family = self._turns.family(run.turn.turn_id)
        run.cost_before = spent(family)
        run.steps = self._journal.steps_of(family)

    def _admit(self, run: Run) -> None:
        """Hold a turn that reserved nothing to what its first call would have met: the spending limits, the rate."""
        if not run.accepted:
            self._attempts.refuse_hopeless(run, _plan(run.agent))
        if run.rate:
            arrive(self._table, self._clock, RateGate(run.turn.tenant, run.turn.customer, run.rate))
            run.rate = None

    @staticmethod
    def _refuse_foreign_conversation(turn: Turn, items: Mapping[Key, Item]) -> None:
        if turn.is_new_conversation:
            return
        head = items.get(keys.conversation(turn.tenant, turn.conversation), {})
        if (head.get("customer"), head.get("agent")) != (turn.customer, turn.agent):
            raise ConversationNotFound(turn.conversation)


def _plan(agent: Agent[Any]) -> Plan:
    return Plan(agent.instructions, agent.chain, agent.accept_at)


def limits_of(agent: Agent[Any], defaults: Limits, items: Mapping[Key, Item], turn: Turn) -> Limits:
    """Return what a turn may spend: overrides in the table, before the agent's own limits, before the deployment's."""
    return limits.effective(own_limits(agent, defaults), items, turn.tenant, turn.customer, turn.agent)


def own_limits(agent: Agent[Any], defaults: Limits) -> Limits:
    """Return the limits that an agent's definition asks for, before the deployment's."""
    return Limits(
        task=micro_usd(agent.task_limit_usd) if agent.task_limit_usd else defaults.task,
        customer_day=micro_usd(agent.customer_day_limit_usd) if agent.customer_day_limit_usd else defaults.customer_day,
        tenant_day=defaults.tenant_day,
    )


def spent(family: list[Item]) -> int:
    """Return what a turn has cost so far, in micro-dollars; what is not settled yet counts in full."""
    reservations = [item for item in family if str(item["sk"]).startswith(keys.RESERVATION)]
    return sum(int(r["est"] if r["st"] == "PENDING" else r.get("actual", 0)) for r in reservations)
