"""One attempt: the models of a chain in order, with tools, at most one re-ask, and a cached answer as last resort."""

import json
from collections.abc import Sequence
from dataclasses import replace

from turnkeeper.agent import Model
from turnkeeper.domain.answers import Answer, correction, read_answer
from turnkeeper.domain.attempt import Given, Outcome, Verdict
from turnkeeper.domain.chat import Finish, Message, ModelReply
from turnkeeper.domain.deadline import call_limit
from turnkeeper.domain.failures import CONSEQUENCES, Failure
from turnkeeper.domain.reasons import Reason
from turnkeeper.domain.tier import Tier
from turnkeeper.errors import DependencyError, LimitExceeded, StoreUnavailable, UnpricedModel
from turnkeeper.ports import Clock
from turnkeeper.runtime.guard import Guard
from turnkeeper.runtime.model_calls import ModelCalls
from turnkeeper.runtime.progress import AttemptPlan, Progress
from turnkeeper.runtime.run import Run
from turnkeeper.runtime.tool_calls import NeedsPerson, ToolUnavailable
from turnkeeper.runtime.tools import ToolRunner
from turnkeeper.stores.cache import AnswerCache, request_digest

_ANSWERING_CALLS = 2
"""Answers that an attempt reads: the first, and the one after the re-ask."""

_MOST_CALLS = 8
"""Tool calls that are made for one answer of a model; all that it asks for are steps of the attempt."""

_TOO_MANY_CALLS = f"an answer may ask for at most {_MOST_CALLS} tool calls at once"
_REFUSED_BY_PROVIDER = ModelReply("", (), Finish.STOP, None)
"""Stands for an answer that the provider itself found invalid, and kept: it is asked for again as any other."""

_REFUSALS = {Finish.REFUSAL: Reason.REFUSAL, Finish.CONTENT_FILTER: Reason.CONTENT_FILTER}


def api_plan(run: Run) -> AttemptPlan:
    """Return how the API attempts a turn on the fast path; a cached answer is better than an escalation."""
    agent = run.agent
    return AttemptPlan(agent.instructions, _chain(run, agent.chain), agent.accept_at, may_use_cache=True)


def tier_plan(run: Run) -> AttemptPlan:
    """Return how a run of a tier attempts its turn; only the last tier may use a cached answer.

    No cached answer is given after a model refused, because it may have refused the request itself.
    """
    agent, tier, before = run.agent, run.tier, run.attempts_before
    if tier is Tier.ALTERNATIVE_PATH:
        other, refused = agent.alternative, any(attempt.refused for attempt in before)
        return AttemptPlan(
            other.instructions, _chain(run, other.chain), agent.alternative_at, may_use_cache=not refused
        )
    errors: list[str] = []
    if tier is Tier.CORRECTED_RETRY:
        errors = [f"{a.reason}: {error}" if error else a.reason for a in before for error in (a.errors or [""])]
    return AttemptPlan(agent.instructions, _chain(run, agent.chain), agent.accept_at, errors)


def _chain(run: Run, chain: Sequence[Model]) -> Sequence[Model]:
    """Return a chain as the run's stage asks it."""
    return run.stage.chain(run.agent.name, chain)


_NO_MODEL = Verdict(Outcome.UNAVAILABLE, Reason.NO_MODEL_AVAILABLE)


class Attempts:
    """Makes attempts for runs."""

    def __init__(self, calls: ModelCalls, tools: ToolRunner, guard: Guard, cache: AnswerCache, clock: Clock) -> None:
        self._calls, self._tools, self._guard, self._cache, self._clock = calls, tools, guard, cache, clock

    def can_start(self, plan: AttemptPlan) -> bool:
        """Whether the breaker of any model of the plan, as it was last read, allows a call now."""
        return any(not self._guard.is_open(model.id) for model in plan.chain)

    def refuse_hopeless(self, run: Run, plan: AttemptPlan) -> None:
        """Raise LimitExceeded or UnpricedModel if the first call of an attempt would be; nothing is reserved."""
        chain = plan.chain or run.agent.chain  # every model may be stopped
        first = next((model for model in chain if not self._guard.is_open(model.id)), chain[0])
        self._calls.refuse_hopeless(run, first, Progress(run, plan, self._clock()).request(first))

    def make(self, run: Run, plan: AttemptPlan) -> Verdict:
        """Attempt a turn. If no model could be reached, the verdict may give a cached answer.

        Raises TurnLost or StoreUnavailable, and, before the turn is accepted, LimitExceeded, RateLimited or
        UnpricedModel, which refuse it.
        """
        verdict = self._verdict(run, plan)
        given = verdict.given or (self._cached(run, verdict) if plan.may_use_cache else None)
        return replace(verdict, given=given)

    def _verdict(self, run: Run, plan: AttemptPlan) -> Verdict:
        if not self.can_start(plan):
            return _NO_MODEL
        progress = Progress(run, plan, self._clock())
        try:
            return self._run_chain(progress)
        except NeedsPerson as need:
            return progress.verdict(Outcome.REJECTED, need.reason, errors=(need.detail,))
        except ToolUnavailable as error:
            return progress.verdict(Outcome.UNAVAILABLE, Reason.TOOL_UNAVAILABLE, errors=(str(error),))
        except UnpricedModel as error:
            if not run.money.is_accepted:
                raise
            return Verdict(Outcome.REJECTED, Reason.UNPRICED_MODEL, errors=(str(error),))

    def _cached(self, run: Run, verdict: Verdict) -> Given | None:
        """Return the answer that was given before to the same request, if the agent allows that."""
        is_unreached = verdict.outcome is Outcome.UNAVAILABLE and not verdict.refused
        if not run.agent.cache_seconds or not is_unreached or run.effects:
            return None
        try:
            found = self._cache.find(run.turn, request_digest(run.turn.message, run.history))
        except StoreUnavailable:
            return None
        if found is None:
            return None
        try:
            answer = read_answer(found.answer, run.agent.answer_model)
        except Exception:  # noqa: BLE001 - whatever the agent's own code raises
            return None
        return Given(answer, found.model, degraded=True) if isinstance(answer, Answer) else None

    def _run_chain(self, progress: Progress) -> Verdict:
        while progress.model:
            if progress.steps >= progress.run.agent.max_steps:
                return progress.verdict(Outcome.REJECTED, Reason.TOO_MANY_STEPS)
            reply = self._ask(progress)
            if reply is None:
                continue
            progress.in_use = True
            progress.steps += max(1, len(reply.tool_calls))
            if progress.steps > progress.run.agent.max_steps:  # none of these calls is made
                return progress.verdict(Outcome.REJECTED, Reason.TOO_MANY_STEPS)
            verdict = self._use_tools(progress, reply) if reply.tool_calls else self._read(progress, reply)
            if verdict:
                return verdict
        return progress.exhausted()

    def _ask(self, progress: Progress) -> ModelReply | None:
        run, model = progress.run, progress.model
        if model is None:
            raise AssertionError
        rest = [m.max_latency_s for m in progress.rest if not self._guard.is_open(m.id)]
        try:
            return self._calls.call(
                run, model, progress.request(model), limit=lambda left: call_limit(model.max_latency_s, rest, left)
            )
        except DependencyError as error:
            if error.failure is Failure.INVALID_OUTPUT:
                return _REFUSED_BY_PROVIDER
            progress.failed(model, error.failure)
            if CONSEQUENCES[error.failure].next_model:
                progress.next_model()
                return None
            raise
        except LimitExceeded as error:
            if not run.money.is_accepted:
                raise
            progress.failed(model, Failure.OVER_LIMIT)
            progress.over = error
            progress.next_model() if not progress.in_use else progress.give_up()
            return None

    def _use_tools(self, progress: Progress, reply: ModelReply) -> Verdict | None:
        progress.said(reply)
        for number, call in enumerate(reply.tool_calls, 1):
            problem = call.problem or ("" if number <= _MOST_CALLS else _TOO_MANY_CALLS)
            text, result = (_not_made(problem), None) if problem else self._tools.run(progress.run, call)
            progress.messages.append(Message("tool", text, tool_call_id=call.id))
            if result:
                progress.results.append(result)
        return None

    def _read(self, progress: Progress, reply: ModelReply) -> Verdict | None:
        if reply.finish in _REFUSALS:
            return _refused(progress, reply)
        progress.answers += 1
        match reply.finish:
            case Finish.LENGTH:
                return self._truncated(progress)
            case Finish.CONTEXT_FULL:
                return progress.verdict(Outcome.REJECTED, Reason.TRUNCATED, errors=("the context window is full",))
            case _:
                return self._answered(progress, reply)

    def _answered(self, progress: Progress, reply: ModelReply) -> Verdict | None:
        try:
            read = progress.validate(reply.text)
            if isinstance(read, Answer):
                return progress.judge(read)
        except Exception as error:  # noqa: BLE001 - whatever the agent's own code raises
            fault = f"the agent's own code raised {type(error).__name__}"
            return progress.verdict(Outcome.REJECTED, Reason.AGENT_FAULT, errors=(fault,))
        if progress.answers >= _ANSWERING_CALLS:
            return progress.verdict(Outcome.REJECTED, Reason.INVALID_OUTPUT, errors=tuple(read))
        progress.said(reply)
        progress.messages.append(Message("user", correction(read)))
        return None

    def _truncated(self, progress: Progress) -> Verdict | None:
        """Let the model be asked the same again with a larger limit, if that is allowed and fits the money."""
        model = progress.model
        if model is None:
            raise AssertionError
        limit = progress.request(model).max_output_tokens
        progress.enlarge()
        larger = progress.request(model)
        verdict = progress.verdict(Outcome.REJECTED, Reason.TRUNCATED, errors=(f"cut off at {limit} tokens",))
        if progress.answers >= _ANSWERING_CALLS or larger.max_output_tokens <= limit:
            return verdict
        try:
            self._calls.refuse_hopeless(progress.run, model, larger)
        except LimitExceeded:
            return verdict
        return None


def _not_made(problem: str) -> str:
    return json.dumps({"error": f"not made: {problem}"}, ensure_ascii=False)


def _refused(progress: Progress, reply: ModelReply) -> Verdict | None:
    """Return the verdict on a refusal, or None if the agent lets the next model be asked."""
    progress.refused = True
    if progress.run.agent.answer_after_refusal:
        progress.failed(progress.model, Failure(reply.finish.value))
        progress.next_model()
        return None
    return progress.verdict(Outcome.REJECTED, _REFUSALS[reply.finish], errors=(reply.text[:300] or reply.why,))
