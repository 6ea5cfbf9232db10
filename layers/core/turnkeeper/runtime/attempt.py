"""One attempt: the models of a chain in order, with tools, at most one re-ask, and a cached answer as last resort."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from turnkeeper.agent import Agent, AnswerContext, Model, ToolResult
from turnkeeper.domain.answers import Answer, correction, read_answer
from turnkeeper.domain.attempt import Given, Outcome, Verdict
from turnkeeper.domain.chat import Finish, Message, ModelReply, ModelRequest, ToolSpec
from turnkeeper.domain.deadline import call_limit
from turnkeeper.domain.failures import CONSEQUENCES, Failure
from turnkeeper.domain.prompts import Said, history, system_prompt
from turnkeeper.domain.reasons import Reason
from turnkeeper.domain.text import line
from turnkeeper.domain.tier import Tier
from turnkeeper.errors import DependencyError, LimitExceeded, StoreUnavailable, UnpricedModel
from turnkeeper.ports import Clock
from turnkeeper.runtime.guard import Guard
from turnkeeper.runtime.model_calls import ModelCalls
from turnkeeper.runtime.run import Run
from turnkeeper.runtime.tool_calls import NeedsPerson, ToolUnavailable
from turnkeeper.runtime.tools import ToolRunner
from turnkeeper.stores.cache import AnswerCache, request_digest

_ANSWERING_CALLS = 2
"""Answers that an attempt reads: the first, and the one after the re-ask."""

_MOST_CALLS = 8
"""Tool calls that are made for one answer of a model; all that it asks for are steps of the attempt."""

_TOO_MANY_CALLS = json.dumps({"error": f"not made: an answer may ask for at most {_MOST_CALLS} tool calls at once"})
_TRUNCATED = "the answer was cut off: it was longer than allowed"
_REFUSALS = {Finish.REFUSAL: Reason.REFUSAL, Finish.CONTENT_FILTER: Reason.CONTENT_FILTER}


@dataclass(frozen=True, slots=True)
class AttemptPlan:
    """How an attempt is made: an answer is accepted from a confidence of `accept_at` (0 to 1) on.

    `errors` are what went wrong before, for a corrected retry. `may_use_cache` if a cached answer is the last resort.
    """

    instructions: str
    chain: Sequence[Model]
    accept_at: float
    errors: Sequence[str] = ()
    may_use_cache: bool = False


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
        self._calls.refuse_hopeless(run, first, _Progress(run, plan, self._clock()).request())

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
        progress = _Progress(run, plan, self._clock())
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
        answer = read_answer(found.answer, run.agent.answer_model) if found else None
        return Given(answer, found.model, degraded=True) if found and isinstance(answer, Answer) else None

    def _run_chain(self, progress: "_Progress") -> Verdict:
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

    def _ask(self, progress: "_Progress") -> ModelReply | None:
        run, model = progress.run, progress.model
        if model is None:
            raise AssertionError
        rest = [m.max_latency_s for m in progress.rest if not self._guard.is_open(m.id)]
        try:
            return self._calls.call(
                run, model, progress.request(), limit=lambda left: call_limit(model.max_latency_s, rest, left)
            )
        except DependencyError as error:
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

    def _use_tools(self, progress: "_Progress", reply: ModelReply) -> Verdict | None:
        progress.messages.append(Message("assistant", reply.text, reply.tool_calls))
        for number, call in enumerate(reply.tool_calls, 1):
            text, result = self._tools.run(progress.run, call) if number <= _MOST_CALLS else (_TOO_MANY_CALLS, None)
            progress.messages.append(Message("tool", text, tool_call_id=call.id))
            if result:
                progress.results.append(result)
        return None

    def _read(self, progress: "_Progress", reply: ModelReply) -> Verdict | None:
        if reply.finish in _REFUSALS:
            progress.refused = True
            if progress.run.agent.answer_after_refusal:
                progress.failed(progress.model, Failure(reply.finish.value))
                progress.next_model()
                return None
            return progress.verdict(Outcome.REJECTED, _REFUSALS[reply.finish], errors=(reply.text[:300],))
        progress.answers += 1
        try:
            read = [_TRUNCATED] if reply.finish is Finish.LENGTH else progress.validate(reply.text)
            if isinstance(read, Answer):
                return progress.judge(read)
        except Exception as error:  # noqa: BLE001 - whatever the agent's own code raises
            fault = f"the agent's own code raised {type(error).__name__}"
            return progress.verdict(Outcome.REJECTED, Reason.AGENT_FAULT, errors=(fault,))
        if progress.answers >= _ANSWERING_CALLS:
            return progress.verdict(Outcome.REJECTED, Reason.INVALID_OUTPUT, errors=tuple(read))
        progress.messages += [Message("assistant", reply.text or "(nothing)"), Message("user", correction(read))]
        return None


class _Progress:
    """How far an attempt has got: the model in use, the messages so far, and what has been counted."""

    def __init__(self, run: Run, plan: AttemptPlan, now: float) -> None:
        self.run, self.plan = run, plan
        agent = run.agent
        said = [Said(e.user, e.reply) for e in run.history]
        self.messages = [*history(said, agent.history_tokens), Message("user", run.turn.message)]
        self.system = system_prompt(plan.instructions, now, plan.errors)
        self.tools = tuple(ToolSpec(t.name, t.description, t.schema) for t in agent.tools if run.may_use(t.name))
        self.results: list[ToolResult] = []
        self.failures: list[str] = []
        self.steps = 0
        self.answers = 0
        self.over: LimitExceeded | None = None
        self.in_use = False
        self.refused = False
        self._index = 0

    @property
    def model(self) -> Model | None:
        chain = self.plan.chain
        return chain[self._index] if self._index < len(chain) else None

    @property
    def rest(self) -> Sequence[Model]:
        return self.plan.chain[self._index + 1 :]

    def next_model(self) -> None:
        self._index += 1
        self.in_use = False

    def give_up(self) -> None:
        self._index = len(self.plan.chain)

    def failed(self, model: Model | None, failure: Failure) -> None:
        self.failures.append(f"{model.id if model else ''}: {failure.value}")

    def request(self) -> ModelRequest:
        agent = self.run.agent
        return ModelRequest(
            model="",
            system=self.system,
            messages=tuple(self.messages),
            max_output_tokens=agent.max_output_tokens,
            tools=self.tools,
            schema=agent.answer_schema,
        )

    def validate(self, text: str) -> Answer | list[str]:
        agent: Agent[Any] = self.run.agent
        read = read_answer(text, agent.answer_model)
        if isinstance(read, Answer) and agent.check:
            try:
                agent.check(read.output, self._context(read))
            except ValueError as error:
                return [line(f"output: {error}")]
        return read

    def judge(self, answer: Answer) -> Verdict:
        agent = self.run.agent
        if agent.score:
            scored = min(1.0, max(0.0, float(agent.score(answer.output, self._context(answer)))))
            answer = Answer(answer.reply, scored, answer.output)
        if answer.confidence >= self.plan.accept_at:
            return self.verdict(Outcome.ACCEPTED, None, answer=answer)
        return self.verdict(Outcome.REJECTED, Reason.LOW_CONFIDENCE, answer=answer)

    def exhausted(self) -> Verdict:
        if self.over:
            limit = self.over.over.limit.value
            return self.verdict(Outcome.REJECTED, Reason.OVER_LIMIT, errors=(f"the {limit} limit is used up",))
        return self.verdict(Outcome.UNAVAILABLE, Reason.NO_MODEL_AVAILABLE, errors=tuple(self.failures))

    def verdict(
        self,
        outcome: Outcome,
        reason: Reason | None,
        *,
        answer: Answer | None = None,
        errors: tuple[str, ...] = (),
    ) -> Verdict:
        accepted = answer if outcome is Outcome.ACCEPTED else None
        return Verdict(
            outcome,
            reason,
            answer=answer,
            errors=tuple(map(line, errors)),
            reasked=self.answers > 1,
            refused=self.refused,
            given=Given(accepted, self.model.id if self.model else "") if accepted else None,
        )

    def _context(self, answer: Answer) -> AnswerContext:
        return AnswerContext(self.run.turn.message, answer.reply, tuple(self.results))
