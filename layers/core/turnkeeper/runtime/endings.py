"""The writes that end a run: finish a turn, suspend it, conclude an escalated one, or give it back to its tiers."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any

from turnkeeper.domain.escalation import EscalationState
from turnkeeper.domain.telemetry import Action, Metric
from turnkeeper.domain.turns import Status, Tier
from turnkeeper.errors import StoreUnavailable
from turnkeeper.ports import Clock, Op, Refused, Telemetry
from turnkeeper.runtime.attempt import Given, Verdict
from turnkeeper.runtime.callbacks import Callbacks
from turnkeeper.runtime.owner import Owner
from turnkeeper.runtime.run import Run
from turnkeeper.runtime.views import json_text, turn_view
from turnkeeper.stores.cache import AnswerCache, request_digest
from turnkeeper.stores.conversations import KEPT_CHARACTERS, ConversationStore
from turnkeeper.stores.escalations import EscalationStore
from turnkeeper.stores.journal import Attempt, Journal
from turnkeeper.stores.records import Escalation, Turn
from turnkeeper.stores.spend import SpendStore
from turnkeeper.stores.turns import PART_BYTES, Document, TurnStore

ACCEPTED_LATER = 202
ANSWERED = 200


class Endings:
    """Ends runs. Whatever cost a run still holds is posted in the same transaction."""

    def __init__(
        self,
        *,
        turns: TurnStore,
        spend: SpendStore,
        escalations: EscalationStore,
        conversations: ConversationStore,
        journal: Journal,
        cache: AnswerCache,
        callbacks: Callbacks,
        owner: Owner,
        clock: Clock,
        telemetry: Telemetry,
    ) -> None:
        self._turns, self._spend, self._escalations, self._conversations = turns, spend, escalations, conversations
        self._journal, self._cache, self._callbacks, self._owner = journal, cache, callbacks, owner
        self._clock, self._telemetry = clock, telemetry

    @contextmanager
    def paying(self, run: Run) -> Iterator[None]:
        """Post what a run that leaves by an exception still holds: that it is known must not be lost with it."""
        try:
            yield
        except Exception:
            if run.held:
                with suppress(StoreUnavailable):
                    self._spend.settle(run.held)
            raise

    def finish(self, run: Run, given: Given) -> Document:
        """Answer a turn on the fast path."""
        view = self._answered(run, given)
        document = Document(ANSWERED, json_text(view))
        also = [*self.conclusion_ops(run.turn, view), *self._cache_ops(run, given)]
        self._commit(run, lambda held: self._turns.finish(run.turn, document, [*held, *also]))
        self.log_end(run.turn, view)
        return document

    def conclude(self, run: Run, escalation: Escalation, given: Given) -> None:
        """Answer an escalated turn in one of its tiers."""
        view = self._answered(run, given)
        also = [*self.conclusion_ops(run.turn, view), *self._cache_ops(run, given)]
        also += [*self._escalations.end_ops(escalation, EscalationState.RESOLVED), *self._callbacks.ops(run.turn)]
        self._commit(run, lambda held: self._turns.conclude(run.turn, json_text(view), [*held, *also], fenced=True))
        self._callbacks.announce(run.turn)
        self.log_end(run.turn, view)

    def conclude_by_person(self, turn: Turn, ops: Sequence[Op], view: Mapping[str, Any]) -> None:
        """End an escalated turn by what a person did, or did not; raises Refused or TurnLost when another was first."""
        also = [*ops, *self.conclusion_ops(turn, view), *self._callbacks.ops(turn)]
        self._turns.conclude(turn, json_text(view), also, fenced=False)
        self._callbacks.announce(turn)
        self.log_end(turn, view)

    def stop(self, turn: Turn, view: Mapping[str, Any]) -> None:
        """End a turn whose run still works on it; raises TurnLost when the run was first."""
        also = [*self.conclusion_ops(turn, view), *self._callbacks.ops(turn)]
        self._turns.stop(turn, Document(ANSWERED, json_text(view)), also)
        self._callbacks.announce(turn)
        self.log_end(turn, view)

    def suspend(self, run: Run, verdict: Verdict, *, first_done: bool) -> Document:
        """Leave the fast path: the turn is escalated, and the client is told where its outcome will be."""
        latency = round((self._clock() - run.turn.created_at) * 1000)
        view = turn_view(
            run.turn, status=Status.ESCALATING, cost=run.total_cost, latency_ms=latency, reason=verdict.reason
        )
        document = Document(ACCEPTED_LATER, json_text(view))
        escalation = self._escalations.new(
            run.turn,
            reason=verdict.reason,
            first_done=first_done,
            reasked=verdict.reasked,
            to_human=verdict.to_human,
        )
        also = self._conversations.begin_ops(run.turn)
        if first_done:
            also.append(self._attempt_op(run, verdict))
        self._commit(run, lambda held: self._turns.suspend(run.turn, document, escalation, [*held, *also]))
        self._telemetry.action(Action.ESCALATION, **run.about, success=False, error_type=verdict.reason)
        self._telemetry.count(Metric.TurnsEscalated, agent=run.turn.agent)
        return document

    def give_back(self, run: Run, verdict: Verdict, *, tried: bool = True) -> None:
        """Give an escalated turn back to its tiers, with a record of what was tried."""
        also = [self._attempt_op(run, verdict)] if tried else []
        if verdict.to_human:
            also.append(self._escalations.to_human_op(run.turn.turn_id))
        self._commit(run, lambda held: self._turns.end_tier(run.turn, [*held, *also]))

    def _commit(self, run: Run, write: Callable[[Sequence[Op]], None]) -> None:
        held = self._spend.settle_ops(run.held) if run.held else []
        try:
            write(held)
        except Refused:
            if not run.held:
                raise
            # What the run held was resolved by a sweep meanwhile: correct that first.
            self._spend.settle(run.held)
            write([])
        run.held = None
        for alert in run.alerts:
            self._owner.spend_alert(alert)
        run.alerts.clear()

    def _answered(self, run: Run, given: Given) -> dict[str, Any]:
        return turn_view(
            run.turn,
            status=Status.COMPLETED,
            tier=run.tier,
            reply=given.answer.reply,
            output=given.answer.output_json(),
            confidence=given.answer.confidence,
            model=given.model,
            degraded=given.degraded,
            cost=run.total_cost,
            usage={"input_tokens": run.input_tokens, "output_tokens": run.output_tokens},
            latency_ms=round((self._clock() - run.turn.created_at) * 1000),
        )

    def conclusion_ops(self, turn: Turn, view: Mapping[str, Any]) -> list[Op]:
        """The writes that put a turn's end into its conversation."""
        said = self._conversations.add_ops(turn, reply=view["reply"] or "", status=view["status"])
        begun = self._conversations.begin_ops(turn)
        return [*begun, *said]

    def _cache_ops(self, run: Run, given: Given) -> list[Op]:
        seconds = run.agent.cache_seconds
        if not seconds or given.degraded or run.steps:
            return []
        answer = given.answer.to_json()
        if len(answer.encode()) > PART_BYTES:
            return []
        request = request_digest(run.turn.message, run.history)
        return self._cache.keep_ops(run.turn, request, answer, given.model, seconds)

    def _attempt_op(self, run: Run, verdict: Verdict) -> Op:
        answer = verdict.answer
        attempt = Attempt(
            epoch=run.turn.epoch,
            tier=run.tier.value,
            outcome=verdict.outcome.value,
            reason=verdict.reason,
            at=run.started_at,
            duration_ms=round((self._clock() - run.started_at) * 1000),
            calls=run.calls,
            errors=list(verdict.errors),
            draft=answer.to_json()[:KEPT_CHARACTERS] if answer else "",
            confidence=answer.confidence if answer else None,
            reasked=verdict.reasked,
            refused=verdict.refused,
        )
        return self._journal.attempt_op(run.turn, attempt)

    def log_end(self, turn: Turn, view: Mapping[str, Any]) -> None:
        """Log and count a turn's end."""
        completed = view["status"] == Status.COMPLETED
        self._telemetry.action(
            Action.TURN_END,
            turn_id=turn.turn_id,
            task_id=turn.task,
            tenant=turn.tenant,
            customer_id=turn.customer,
            agent=turn.agent,
            intent=turn.request.get("intent"),
            tier=view["tier"],
            success=completed,
            duration_ms=view["latency_ms"],
            cost_usd=view["cost_usd"],
            model=view["model"],
            tokens_in=view["usage"]["input_tokens"],
            tokens_out=view["usage"]["output_tokens"],
            error_type=view["reason"],
            correlation_id=turn.correlation_id,
        )
        self._telemetry.count(Metric.TurnsCompleted if completed else Metric.TurnsNotCompleted, agent=turn.agent)
        self._telemetry.count(Metric.TurnLatency, view["latency_ms"], agent=turn.agent)
        self._telemetry.count(Metric.TurnCost, float(view["cost_usd"]), agent=turn.agent)
        if view["tier"] in (Tier.FIRST_ATTEMPT, Tier.CORRECTED_RETRY, Tier.ALTERNATIVE_PATH, Tier.HUMAN):
            self._telemetry.count(Metric.TurnsByTier, agent=turn.agent, tier=view["tier"])
