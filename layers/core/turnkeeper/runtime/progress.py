"""How far an attempt has got: the model in use, the messages so far, and what has been counted."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from turnkeeper.agent import Agent, AnswerContext, Model, ToolResult
from turnkeeper.domain.answers import Answer, read_answer
from turnkeeper.domain.attempt import Given, Outcome, Verdict
from turnkeeper.domain.chat import Message, ModelReply, ModelRequest, ToolSpec
from turnkeeper.domain.door import only_own
from turnkeeper.domain.failures import Failure
from turnkeeper.domain.prompts import Said, history, note, system_prompt
from turnkeeper.domain.reasons import Reason
from turnkeeper.domain.text import line
from turnkeeper.errors import LimitExceeded
from turnkeeper.runtime.run import Run

_TIMES_LARGER = 4
"""How much larger the limit of an answer is when it is asked for again because it was cut off."""


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


class Progress:
    """The state of one attempt; `now` is when it began, in seconds since the epoch."""

    def __init__(self, run: Run, plan: AttemptPlan, now: float) -> None:
        self.run, self.plan = run, plan
        agent = run.agent
        said = [Said(e.user, e.reply) for e in run.history]
        asked = Message("user", run.turn.message, note=note(now, plan.errors))
        self.messages = [*history(said, agent.history_tokens), asked]
        self.system = system_prompt(plan.instructions)
        self.tools = tuple(ToolSpec(t.name, t.description, t.schema) for t in agent.tools if run.may_use(t.name))
        self.results: list[ToolResult] = []
        self.failures: list[str] = []
        self.steps = 0
        self.answers = 0
        self.over: LimitExceeded | None = None
        self.in_use = False
        self.refused = False
        self._index = 0
        self._times = 1

    @property
    def model(self) -> Model | None:
        """The model in use; None once the chain is used up."""
        chain = self.plan.chain
        return chain[self._index] if self._index < len(chain) else None

    @property
    def rest(self) -> Sequence[Model]:
        """The models after the one in use."""
        return self.plan.chain[self._index + 1 :]

    def next_model(self) -> None:
        """Go on to the next model of the chain."""
        self._index += 1
        self.in_use = False

    def give_up(self) -> None:
        """Ask no model any more."""
        self._index = len(self.plan.chain)

    def enlarge(self) -> None:
        """Let the following answers be longer."""
        self._times = _TIMES_LARGER

    def failed(self, model: Model | None, failure: Failure) -> None:
        """Note that a call of a model failed."""
        self.failures.append(f"{model.id if model else ''}: {failure.value}")

    def request(self, model: Model) -> ModelRequest:
        """Return what a model is asked now."""
        agent = self.run.agent
        return ModelRequest(
            model=model.name,
            system=self.system,
            messages=only_own(self.messages, model.id),
            max_output_tokens=model.output_tokens(agent.max_output_tokens, times=self._times),
            tools=self.tools,
            schema=agent.answer_schema,
            effort=model.effort or "",
            options=model.options,
            cache_key=agent.version,
            like=model.like,
        )

    def said(self, reply: ModelReply) -> None:
        """Add what the model said to the messages; a provider's own form of it needs something to be seen in it."""
        has_said = bool(reply.text or reply.tool_calls)
        text, native = (reply.text, reply.native) if has_said else ("(nothing)", None)
        self.messages.append(Message("assistant", text, reply.tool_calls, native=native))

    def validate(self, text: str) -> Answer | list[str]:
        """Return the answer that a text is, or what is wrong with it."""
        agent: Agent[Any] = self.run.agent
        read = read_answer(text, agent.answer_model)
        if isinstance(read, Answer) and agent.check:
            try:
                agent.check(read.output, self._context(read))
            except ValueError as error:
                return [line(f"output: {error}")]
        return read

    def judge(self, answer: Answer) -> Verdict:
        """Return the verdict on a valid answer."""
        agent = self.run.agent
        if agent.score:
            scored = min(1.0, max(0.0, float(agent.score(answer.output, self._context(answer)))))
            answer = Answer(answer.reply, scored, answer.output)
        if answer.confidence >= self.plan.accept_at:
            return self.verdict(Outcome.ACCEPTED, None, answer=answer)
        return self.verdict(Outcome.REJECTED, Reason.LOW_CONFIDENCE, answer=answer)

    def exhausted(self) -> Verdict:
        """Return the verdict once the chain is used up."""
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
        """Return a verdict with what was counted so far."""
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
