"""The tasks of the escalation state machine: route, the three attempts, hand-off to a person, conclude."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from turnkeeper.agent import Agent
from turnkeeper.domain.spend import Limits
from turnkeeper.domain.turns import Status, Tier
from turnkeeper.errors import LimitExceeded, NotConcluded, UnpricedModel
from turnkeeper.ports import Clock, Item, Table, Workflow
from turnkeeper.runtime.attempt import Attempts, Given, Outcome, Plan, Verdict
from turnkeeper.runtime.endings import Endings
from turnkeeper.runtime.expiry import Expiry
from turnkeeper.runtime.fallback import cached
from turnkeeper.runtime.pager import Pager
from turnkeeper.runtime.run import Run
from turnkeeper.runtime.turns import Pace, limits_of, spent
from turnkeeper.stores import keys, limits
from turnkeeper.stores.breakers import BreakerStore
from turnkeeper.stores.cache import AnswerCache
from turnkeeper.stores.conversations import ConversationStore
from turnkeeper.stores.escalations import EscalationStore
from turnkeeper.stores.journal import Attempt, Journal
from turnkeeper.stores.records import Escalation, Turn
from turnkeeper.stores.spend import SpendStore
from turnkeeper.stores.turns import Lease, TurnStore

STATES = {
    Tier.FIRST_ATTEMPT: "FirstAttempt",
    Tier.CORRECTED_RETRY: "RetryWithCorrection",
    Tier.ALTERNATIVE_PATH: "AlternativePath",
    Tier.HUMAN: "HandOffToHuman",
}
CONCLUDE = "Conclude"
_TRIES_OF_A_TASK = 1_000
"""More than a Task is ever retried: the order of task tokens is (execution, retry)."""

_SKIPPED = Verdict(Outcome.SKIPPED, "skipped")


@dataclass(frozen=True, slots=True)
class _Standing:
    """How an escalated turn stands when a task begins."""

    turn: Turn
    escalation: Escalation
    family: list[Item]


class Tiers:
    """Runs the state machine's tasks. All of them may be run again at any time."""

    def __init__(
        self,
        *,
        table: Table,
        turns: TurnStore,
        spend: SpendStore,
        escalations: EscalationStore,
        conversations: ConversationStore,
        breakers: BreakerStore,
        cache: AnswerCache,
        journal: Journal,
        attempts: Attempts,
        endings: Endings,
        expiry: Expiry,
        pager: Pager,
        workflow: Workflow,
        agents: Callable[[str], Agent[Any]],
        clock: Clock,
        limits_usd: Limits,
        pace: Pace,
    ) -> None:
        self._table, self._turns, self._spend, self._escalations = table, turns, spend, escalations
        self._conversations, self._breakers, self._cache, self._journal = conversations, breakers, cache, journal
        self._attempts, self._endings, self._expiry, self._pager = attempts, endings, expiry, pager
        self._workflow, self._agents, self._clock = workflow, agents, clock
        self._limits, self._pace = limits_usd, pace

    def route(self, turn_id: str, n: int) -> str:
        """Say which state comes first: what was done already, and what would be in vain, is skipped."""
        standing = self._standing(turn_id)
        if standing is None or standing.escalation.n != n:
            return CONCLUDE
        tiers = (Tier.FIRST_ATTEMPT, Tier.CORRECTED_RETRY, Tier.ALTERNATIVE_PATH)
        return STATES[next((tier for tier in tiers if not _in_vain(standing, tier)), Tier.HUMAN)]

    def attempt(self, turn_id: str, n: int, tier: Tier, remaining_s: float) -> Outcome:
        """Run one tier. Raises TurnLost while another run holds the turn, so that the task is tried again."""
        standing = self._standing(turn_id)
        if standing is None or standing.escalation.n != n:
            return Outcome.ACCEPTED  # it ended, or another execution has it: this one has only to conclude
        if _in_vain(standing, tier):
            return Outcome.SKIPPED
        now = self._clock()
        lease = Lease(now + max(0.0, remaining_s) + self._pace.lease_margin)
        turn = self._turns.begin_tier(standing.turn, lease)
        run = self._run(turn, tier, lease, now + min(self._pace.run, max(0.0, remaining_s - 1)))
        with self._endings.paying(run):
            return self._attempt(run, standing)

    def hand_off(self, turn_id: str, n: int, token: str, retry: int) -> None:
        """Put the turn before people and page the one on call; the task waits until `token` is answered."""
        standing = self._standing(turn_id)
        if standing is None:
            self._workflow.task_succeeded(token, {"turn_id": turn_id})
            return
        offered = self._escalations.offer(standing.escalation, token, n * _TRIES_OF_A_TASK + retry)
        current = offered or self._escalations.get(turn_id)
        if current is None or current.tok != token:
            self._workflow.task_succeeded(token, {"turn_id": turn_id})
        elif current.next_page_at <= self._clock():
            self._pager.page(current)

    def conclude(self, turn_id: str, n: int) -> Status:
        """Say how the turn ended; expires it when its time is up. Raises NotConcluded when it is still open."""
        standing = self._standing(turn_id)
        if standing:
            self._expiry.expire(standing.turn, standing.escalation)
        turn = self._turns.get(turn_id)
        if turn is None or not turn.is_done:
            raise NotConcluded(f"{turn_id}-{n}")
        return Status(turn.outcome["status"])

    # --- one tier -----------------------------------------------------------------------------------------------------

    def _standing(self, turn_id: str) -> _Standing | None:
        family = self._turns.family(turn_id)
        items = {item["sk"]: item for item in family}
        if keys.TURN not in items or keys.ESCALATION not in items:
            return None
        turn, escalation = Turn.from_item(items[keys.TURN]), Escalation.from_item(items[keys.ESCALATION])
        return None if turn.is_done else _Standing(turn, escalation, family)

    def _run(self, turn: Turn, tier: Tier, lease: Lease, deadline: float) -> Run:
        agent = self._agents(turn.agent)
        wanted = [keys.breaker(name) for name in agent.dependencies]
        wanted += limits.limit_keys(turn.tenant, turn.customer, turn.agent)
        items = self._table.batch_get(wanted)
        self._breakers.learn(agent.dependencies, items)
        self._spend.sweep(turn.turn_id, before_epoch=turn.epoch)
        family = self._turns.family(turn.turn_id)
        history = [] if turn.is_new_conversation else self._conversations.recent(turn.tenant, turn.conversation)
        return Run(
            turn=turn,
            agent=agent,
            tier=tier,
            deadline=deadline,
            lease=lease,
            limits=limits_of(agent, self._limits, items, turn),
            history=[e for e in history if e.position < turn.position],
            started_at=self._clock(),
            accepted=True,
            cost_before=spent(family),
            steps=Journal.steps_of(family),
        )

    def _attempt(self, run: Run, standing: _Standing) -> Outcome:
        plan = self._plan(run, Journal.attempts(standing.family))
        if not self._attempts.can_start(plan):
            self._endings.give_back(run, _SKIPPED, tried=False)
            return Outcome.SKIPPED
        try:
            verdict = self._attempts.make(run, plan)
        except (LimitExceeded, UnpricedModel) as error:
            verdict = Verdict(Outcome.REJECTED, error.code.replace("-", "_"), errors=(str(error),), to_human=True)
        given = verdict.given or self._last_resort(run, verdict, Journal.attempts(standing.family))
        if given:
            self._endings.conclude(run, standing.escalation, given)
            return Outcome.ACCEPTED
        self._endings.give_back(run, verdict)
        return verdict.outcome

    def _last_resort(self, run: Run, verdict: Verdict, before: list[Attempt]) -> Given | None:
        if run.tier is not Tier.ALTERNATIVE_PATH or any(attempt.refused for attempt in before):
            return None
        return cached(self._cache, run, verdict)

    @staticmethod
    def _plan(run: Run, before: list[Attempt]) -> Plan:
        agent = run.agent
        errors = [f"{a.reason}: {e}" if e else a.reason for a in before for e in (a.errors or [""])]
        if run.tier is Tier.ALTERNATIVE_PATH:
            other = agent.alternative
            return Plan(other.instructions, other.chain, agent.alternative_at)
        told = errors if run.tier is Tier.CORRECTED_RETRY else []
        return Plan(agent.instructions, agent.chain, agent.accept_at, told)


def _in_vain(standing: _Standing, tier: Tier) -> bool:
    """Whether a tier was tried already, would ask what was re-asked already, or may not be tried any more."""
    escalation, attempts = standing.escalation, Journal.attempts(standing.family)
    if escalation.to_human or escalation.opened_at or tier in {a.tier for a in attempts}:
        return True
    if tier is Tier.CORRECTED_RETRY:
        return escalation.reasked or any(a.reasked for a in attempts)
    return tier is Tier.FIRST_ATTEMPT and escalation.first_done
