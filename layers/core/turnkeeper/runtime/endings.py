"""The writes that end a run: finish a turn, suspend it, conclude an escalated turn, or leave it to the next tier."""

from collections.abc import Callable, Sequence

from turnkeeper.domain.attempt import Attempt, Given, Outcome, Verdict
from turnkeeper.domain.escalation import Escalation, EscalationState
from turnkeeper.domain.reasons import Reason
from turnkeeper.domain.telemetry import Action, Metric
from turnkeeper.domain.tier import Tier
from turnkeeper.domain.turn import Document, Status, Turn
from turnkeeper.outside import Outside
from turnkeeper.ports import Op
from turnkeeper.runtime.callbacks import Callbacks
from turnkeeper.runtime.owner import Owner
from turnkeeper.runtime.run import Run, about
from turnkeeper.runtime.views import TurnView, json_text, turn_view
from turnkeeper.stores.bundle import Stores
from turnkeeper.stores.cache import request_digest
from turnkeeper.stores.conversations import KEPT_CHARACTERS
from turnkeeper.stores.turns import PART_BYTES

ACCEPTED_LATER = 202
ANSWERED = 200
_INTERRUPTED = Verdict(Outcome.UNAVAILABLE, Reason.INTERRUPTED)


class Endings:
    """Ends runs. A cost that the run has not posted yet is posted in the same transaction."""

    def __init__(self, stores: Stores, outside: Outside, callbacks: Callbacks, owner: Owner) -> None:
        self._stores, self._callbacks, self._owner = stores, callbacks, owner
        self._clock, self._telemetry = outside.clock, outside.telemetry

    def finish(self, run: Run, given: Given) -> Document:
        """Answer a turn on the fast path."""
        view = self._answered(run, given)
        document = Document(ANSWERED, json_text(view))
        also = [*self.conclusion_ops(run.turn, view), *self._cache_ops(run, given)]
        self._commit(run, lambda posting: self._stores.turns.finish(run.turn, document, [*posting, *also]))
        self.log_end(run.turn, view)
        return document

    def conclude(self, run: Run, escalation: Escalation, given: Given) -> None:
        """Answer an escalated turn in one of its tiers."""
        view = self._answered(run, given)
        also = [*self.conclusion_ops(run.turn, view), *self._cache_ops(run, given)]
        also += [
            *self._stores.escalations.end_ops(escalation, EscalationState.RESOLVED),
            *self._callbacks.ops(run.turn),
        ]
        outcome = json_text(view)
        self._commit(
            run, lambda posting: self._stores.turns.conclude(run.turn, outcome, [*posting, *also], fenced=True)
        )
        self._callbacks.announce(run.turn)
        self.log_end(run.turn, view)

    def conclude_by_person(self, turn: Turn, ops: Sequence[Op], view: TurnView) -> None:
        """End an escalated turn because a person answered or stopped it, or nobody answered in time.

        Raises Refused or TurnLost if somebody else was first.
        """
        also = [*ops, *self.conclusion_ops(turn, view), *self._callbacks.ops(turn)]
        self._stores.turns.conclude(turn, json_text(view), also, fenced=False)
        self._callbacks.announce(turn)
        self.log_end(turn, view)

    def stop(self, turn: Turn, view: TurnView) -> None:
        """End a turn whose run is still at work; raises TurnLost if the run was first."""
        also = [*self.conclusion_ops(turn, view), *self._callbacks.ops(turn)]
        self._stores.turns.stop(turn, Document(ANSWERED, json_text(view)), also)
        self._callbacks.announce(turn)
        self.log_end(turn, view)

    def suspend(self, run: Run, verdict: Verdict, *, first_done: bool) -> Document:
        """Leave the fast path: escalate the turn, and return the answer that says where its outcome will be.

        `first_done` if the run asked models, so that the first tier need not.
        """
        document = self._escalating(run.turn, verdict, run.money.turn_cost_micro_usd)
        also = [self._attempt_op(run, verdict)] if first_done else []
        ops = [self._stores.escalations.begin_op(run.turn, verdict, first_done=first_done), *also]
        ops += self._stores.conversations.begin_ops(run.turn)
        self._commit(run, lambda posting: self._stores.turns.suspend(run.turn, document, [*ops, *posting]))
        self._log_escalation(run.turn, verdict)
        return document

    def suspend_interrupted(self, turn: Turn, cost_micro_usd: int) -> None:
        """Escalate a turn whose run died; the caller has taken it over, and swept what its dead runs reserved."""
        document = self._escalating(turn, _INTERRUPTED, cost_micro_usd)
        begun = self._stores.escalations.begin_op(turn, _INTERRUPTED, first_done=False)
        self._stores.turns.suspend(turn, document, [begun, *self._stores.conversations.begin_ops(turn)])
        self._log_escalation(turn, _INTERRUPTED)

    def end_tier(self, run: Run, verdict: Verdict | None) -> None:
        """Leave an escalated turn to the tiers after this one; `verdict` is None if nothing was tried."""
        also = [self._attempt_op(run, verdict)] if verdict else []
        if verdict and verdict.to_human:
            also.append(self._stores.escalations.to_human_op(run.turn.turn_id))
        self._commit(run, lambda posting: self._stores.turns.end_tier(run.turn, [*posting, *also]))

    def _commit(self, run: Run, write: Callable[[Sequence[Op]], None]) -> None:
        run.money.post_with(write)
        for alert in run.money.alerts:
            self._owner.spend_alert(alert)
        run.money.alerts.clear()
        for breaker in run.gone:
            self._owner.model_gone(breaker, self._clock())
        run.gone.clear()

    def _escalating(self, turn: Turn, verdict: Verdict, cost_micro_usd: int) -> Document:
        view = turn_view(
            turn,
            status=Status.ESCALATING,
            cost_micro_usd=cost_micro_usd,
            latency_ms=self._latency_ms(turn),
            reason=verdict.reason,
        )
        return Document(ACCEPTED_LATER, json_text(view))

    def _log_escalation(self, turn: Turn, verdict: Verdict) -> None:
        fields = about(turn, Tier.FIRST_ATTEMPT)
        self._telemetry.action(Action.ESCALATION, **fields, success=False, error_type=verdict.reason)
        self._telemetry.count(Metric.TurnsEscalated, agent=turn.agent)

    def _latency_ms(self, turn: Turn) -> int:
        return round((self._clock() - turn.created_at) * 1000)

    def _answered(self, run: Run, given: Given) -> TurnView:
        return turn_view(
            run.turn,
            status=Status.COMPLETED,
            tier=run.tier,
            reply=given.answer.reply,
            output=given.answer.output_json(),
            confidence=given.answer.confidence,
            model=given.model,
            degraded=given.degraded,
            cost_micro_usd=run.money.turn_cost_micro_usd,
            usage={"input_tokens": run.input_tokens, "output_tokens": run.output_tokens},
            latency_ms=self._latency_ms(run.turn),
        )

    def conclusion_ops(self, turn: Turn, view: TurnView) -> list[Op]:
        """Return the writes that add a concluded turn to its conversation."""
        said = self._stores.conversations.add_ops(turn, reply=view["reply"] or "", status=view["status"])
        begun = self._stores.conversations.begin_ops(turn)
        return [*begun, *said]

    def _cache_ops(self, run: Run, given: Given) -> list[Op]:
        seconds = run.agent.cache_seconds
        if not seconds or given.degraded or run.effects:
            return []
        answer = given.answer.to_json()
        if len(answer.encode()) > PART_BYTES:
            return []
        request = request_digest(run.turn.message, run.history)
        return self._stores.cache.keep_ops(run.turn, request, answer, given.model, seconds)

    def _attempt_op(self, run: Run, verdict: Verdict) -> Op:
        answer = verdict.answer
        attempt = Attempt(
            epoch=run.turn.epoch,
            tier=run.tier,
            outcome=verdict.outcome,
            reason=verdict.reason or "",
            at=run.started_at,
            duration_ms=round((self._clock() - run.started_at) * 1000),
            calls=run.calls,
            errors=verdict.errors,
            draft=answer.to_json()[:KEPT_CHARACTERS] if answer else "",
            confidence=answer.confidence if answer else None,
            reasked=verdict.reasked,
            refused=verdict.refused,
        )
        return self._stores.journal.attempt_op(run.turn, attempt)

    def log_end(self, turn: Turn, view: TurnView) -> None:
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
