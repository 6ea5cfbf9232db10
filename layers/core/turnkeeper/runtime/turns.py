"""The fast path: a POST becomes a turn, which is attempted once, and answered or escalated."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from turnkeeper.agent import Agent
from turnkeeper.domain.attempt import Outcome, Verdict
from turnkeeper.domain.ids import conversation_id, request_fingerprint, turn_id
from turnkeeper.domain.reasons import Reason
from turnkeeper.domain.tier import Tier
from turnkeeper.domain.turn import Document, Lease, Turn
from turnkeeper.errors import (
    ConversationNotFound,
    InvalidRequest,
    LimitExceeded,
    RateLimited,
    Stopped,
    StoreContended,
    StoreUnavailable,
    UnpricedModel,
)
from turnkeeper.outside import Outside
from turnkeeper.runtime.attempt import Attempts, api_plan
from turnkeeper.runtime.endings import Endings
from turnkeeper.runtime.executions import Executions
from turnkeeper.runtime.progress import AttemptPlan
from turnkeeper.runtime.run import Run
from turnkeeper.runtime.run_opener import BegunReads, RunOpener
from turnkeeper.stores.bundle import Stores

_REFUSALS = (
    ConversationNotFound,
    InvalidRequest,
    LimitExceeded,
    RateLimited,
    Stopped,
    StoreContended,
    UnpricedModel,
)
"""What refuses a turn before it is accepted."""

_ASYNC = Verdict(Outcome.UNAVAILABLE, Reason.REQUESTED)


@dataclass(frozen=True, slots=True)
class NewTurn:
    """An authenticated, validated request. `remaining_s` is how long the invocation may still take, in seconds."""

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


class Opening:
    """A POST between its arrival and its answer; `refused` once it is known that the turn must be forgotten.

    `ends_at` is when its invocation ends, in seconds since the epoch.
    """

    def __init__(self, new: NewTurn, turn: Turn, lease: Lease, ends_at: float, begun: BegunReads) -> None:
        self.new, self.turn, self.lease, self.ends_at, self.begun = new, turn, lease, ends_at, begun
        self.working: Run | None = None
        self.refused = False

    @property
    def is_accepted(self) -> bool:
        """Whether the turn can no longer be refused: it made a reservation, or was taken over from a dead run."""
        return self.turn.epoch > 1 or (self.working is not None and self.working.money.is_accepted)


class Turns:
    """Takes turns in and works on them."""

    def __init__(
        self,
        stores: Stores,
        outside: Outside,
        opener: RunOpener,
        attempts: Attempts,
        endings: Endings,
        executions: Executions,
    ) -> None:
        self._stores, self._clock, self._opener = stores, outside.clock, opener
        self._attempts, self._endings, self._executions = attempts, endings, executions

    def open(self, new: NewTurn) -> Opening:
        """Begin a request: start its reads, which go on while the caller acquires the turn."""
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
            request_fingerprint=request_fingerprint(new.body),
            created_at=now,
            answer_by=now + self._opener.times.answer_by_s,
            request=new.body,
            base_url=new.base_url,
            correlation_id=new.correlation_id,
        )
        ends_at = now + max(0.0, new.remaining_s)
        lease = self._opener.times.lease(ends_at)
        return Opening(new, turn, lease, ends_at, self._opener.begin_reads(turn, new.agent))

    def acquire(self, opening: Opening) -> tuple[Turn, bool]:
        """Take the turn's lock; returns the turn as it is, and whether it is ours."""
        turn, ours = self._stores.turns.acquire(opening.turn, opening.lease)
        if ours:
            opening.turn = turn
        return turn, ours

    def run(self, opening: Opening) -> Document:
        """Work on an acquired turn until it is answered or escalated.

        Raises what refuses the turn before it is accepted, StoreUnavailable, or TurnLost.
        """
        try:
            return self._run(opening)
        except _REFUSALS:
            opening.refused = not opening.is_accepted
            raise
        except StoreUnavailable:
            # Only if the reads were what failed, before the run was open, was surely nothing reserved.
            opening.refused = opening.working is None and not opening.is_accepted
            raise

    def refuse(self, opening: Opening) -> None:
        """Forget the turn if it was refused, so that its key may be used again.

        Raises StoreUnavailable or TurnLost if that fails: then the turn is not refused, as it may be taken over.
        """
        if opening.refused:
            self._stores.turns.forget(opening.turn)

    # --- the run ------------------------------------------------------------------------------------------------------

    def _run(self, opening: Opening) -> Document:
        turn, agent = opening.turn, opening.new.agent
        run = self._opener.open(
            turn, agent, Tier.FIRST_ATTEMPT, opening.lease, ends_at=opening.ends_at, begun=opening.begun
        )
        opening.working = run
        with run.money.post_on_error():
            return self._attempt(run, api_plan(run), respond_async=opening.new.respond_async)

    def _attempt(self, run: Run, plan: AttemptPlan, *, respond_async: bool) -> Document:
        verdict = _ASYNC if respond_async else self._attempts.make(run, plan)
        self._admit(run, plan)
        if verdict.given:
            return self._endings.finish(run, verdict.given)
        document = self._endings.suspend(run, verdict, first_done=not respond_async)
        self._executions.start(run.turn.turn_id)
        return document

    def _admit(self, run: Run, plan: AttemptPlan) -> None:
        """Hold a turn that reserved nothing to the limits that its first call would have met: spending and rate."""
        money = run.money
        if not money.is_accepted:
            self._attempts.refuse_hopeless(run, plan)
        if money.rate:
            self._stores.customer_rates.admit(run.turn.tenant, run.turn.customer, money.rate)
            money.rate = None
