"""The tasks of the escalation state machine: route, the three attempts, hand-off to a person, conclude."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from turnkeeper.agent import Agent
from turnkeeper.domain.attempt import Outcome
from turnkeeper.domain.escalation import Escalation, next_tier, skip_reason
from turnkeeper.domain.tier import CONCLUDE, Tier
from turnkeeper.domain.turn import Status
from turnkeeper.domain.whole_turn import WholeTurn
from turnkeeper.errors import NotConcluded
from turnkeeper.outside import Outside
from turnkeeper.runtime.attempt import Attempts, tier_plan
from turnkeeper.runtime.endings import Endings
from turnkeeper.runtime.expiry import Expiry
from turnkeeper.runtime.pager import Pager
from turnkeeper.runtime.run import Run
from turnkeeper.runtime.run_opener import RunOpener
from turnkeeper.stores.bundle import Stores

_MOST_RETRIES_OF_A_TASK = 1_000
"""Task tokens are ordered by execution, then by retry, in one number: execution x this + retry.

This must be more than the retries of any Task, or a retry would look like a later execution.
"""


@dataclass(frozen=True, slots=True)
class _Escalated:
    """An escalated turn that has not ended, as a Task finds it."""

    whole: WholeTurn
    escalation: Escalation


class Tiers:
    """Runs the Tasks of the state machine. Each of them may be run again at any time.

    `execution` is the number of the execution that a Task belongs to. Once a newer execution runs, it only concludes.
    """

    def __init__(
        self,
        stores: Stores,
        outside: Outside,
        agents: Callable[[str], Agent[Any]],
        opener: RunOpener,
        attempts: Attempts,
        endings: Endings,
        expiry: Expiry,
        pager: Pager,
    ) -> None:
        self._stores, self._clock, self._workflow = stores, outside.clock, outside.workflow
        self._agents, self._opener, self._attempts = agents, opener, attempts
        self._endings, self._expiry, self._pager = endings, expiry, pager

    def route(self, turn_id: str, execution: int) -> str:
        """Return the state to begin with: tiers that were tried, or would be of no use, are skipped."""
        found = self._escalated(turn_id)
        if found is None or found.escalation.execution_number != execution:
            return CONCLUDE
        return next_tier(found.escalation, found.whole.attempts).state

    def attempt(self, turn_id: str, execution: int, tier: Tier, remaining_s: float) -> Outcome:
        """Run one tier. Raises TurnLost while another run holds the turn: the state machine retries its Task."""
        found = self._escalated(turn_id)
        if found is None or found.escalation.execution_number != execution:
            return Outcome.ACCEPTED  # the turn ended, or another execution has it: this one only has to conclude
        if skip_reason(found.escalation, found.whole.attempts, tier):
            return Outcome.SKIPPED
        agent = self._agents(found.whole.turn.agent)
        ends_at = self._clock() + max(0.0, remaining_s)
        lease = self._opener.times.lease(ends_at)
        turn = self._stores.turns.begin_tier(found.whole.turn, lease)
        begun = self._opener.begin_reads(turn, agent)
        run = self._opener.open(turn, agent, tier, lease, ends_at=ends_at, begun=begun)
        with run.money.post_on_error():
            return self._attempt(run, found.escalation)

    def hand_off(self, turn_id: str, execution: int, token: str, retry: int) -> None:
        """Hand the turn off to people and page the person on call; the Task waits until its `token` is answered."""
        found = self._escalated(turn_id)
        if found is None:
            self._workflow.task_succeeded(token, {"turn_id": turn_id})
            return
        order = execution * _MOST_RETRIES_OF_A_TASK + retry
        offered = self._stores.escalations.offer(found.escalation, token, order)
        current = offered or self._stores.escalations.get(turn_id)
        if current is None or current.task_token != token:
            self._workflow.task_succeeded(token, {"turn_id": turn_id})
        elif current.next_page_at <= self._clock():
            self._pager.page(current)

    def conclude(self, turn_id: str, execution: int) -> Status:
        """Return how the turn ended; expires it if its time is up. Raises NotConcluded if it is still open."""
        found = self._escalated(turn_id)
        if found:
            self._expiry.expire(found.whole.turn, found.escalation)
        turn = self._stores.turns.get(turn_id)
        if turn is None or not turn.is_done:
            raise NotConcluded(f"{turn_id}-{execution}")
        return Status(turn.outcome["status"])

    def _escalated(self, turn_id: str) -> _Escalated | None:
        whole = self._stores.turns.whole(turn_id)
        if whole is None or whole.escalation is None or whole.turn.is_done:
            return None
        return _Escalated(whole, whole.escalation)

    def _attempt(self, run: Run, escalation: Escalation) -> Outcome:
        plan = tier_plan(run)
        if not self._attempts.can_start(plan):
            self._endings.end_tier(run, None)
            return Outcome.SKIPPED
        verdict = self._attempts.make(run, plan)
        if verdict.given:
            self._endings.conclude(run, escalation, verdict.given)
            return Outcome.ACCEPTED
        self._endings.end_tier(run, verdict)
        return verdict.outcome
