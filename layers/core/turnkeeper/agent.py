"""How a team writes an agent: instructions, an output model, a chain of models, tools. Turnkeeper does the rest."""

import dataclasses
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from types import CodeType
from typing import Annotated, Any, Generic, Self, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, create_model
from pydantic.errors import PydanticUserError

from turnkeeper.authoring.auth import ApiKeyHeader, Basic, Bearer, OAuth, SigV4
from turnkeeper.authoring.endpoints import Endpoint
from turnkeeper.authoring.errors import AgentError, are_all, is_number, is_text, is_whole, refuse, takes
from turnkeeper.authoring.fixtures import Answers, Calls, Fails, Fixture, Responds
from turnkeeper.authoring.http import ToolHttp, ToolResponse
from turnkeeper.authoring.models import Alternative, Model
from turnkeeper.authoring.tools import (
    Dependency,
    PersonNeeded,
    Tool,
    ToolContext,
    ToolError,
    tool,
)
from turnkeeper.domain.closing import USUAL_TEXTS, ClosingTexts
from turnkeeper.domain.ids import digest
from turnkeeper.domain.money import micro_usd
from turnkeeper.domain.output_types import wrong_output
from turnkeeper.domain.text import not_blank

OutputT = TypeVar("OutputT", bound=BaseModel)
_Reply = Annotated[str, AfterValidator(not_blank)]

_NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")

_PARTS = {
    "name": "a name is lower-case letters, digits and _, beginning with a letter, such as 'booking'",
    "instructions": "write instructions",
    "output": "output is a Pydantic model: the class itself, such as output=Booking",
    "chain": "chain is a list such as [Model('openai:gpt-6-luna')]",
    "alternative": "write alternative=Alternative('...', [Model(...)])",
}
"""The arguments that every agent needs, and how each is written."""


@dataclass(frozen=True, slots=True)
class ToolResult:
    """A tool call of this attempt: its validated arguments, and its result, both as JSON data."""

    tool: str
    arguments: Mapping[str, Any]
    result: Any


@dataclass(frozen=True, slots=True)
class AnswerContext:
    """What `check` and `score` get beside the output; `tool_results` are those of this attempt."""

    message: str
    reply: str
    tool_results: Sequence[ToolResult]


@dataclass(frozen=True, kw_only=True)
class Agent(Generic[OutputT]):
    """An agent. A wrong definition raises AgentError when its module is imported.

    `output` is the Pydantic model of its answers, business rules included. With `output_required=False` an answer may
    lack an output, as in a conversation that is still going on.

    `chain` lists the models in the order in which they are asked; `alternative` is the second way, with other
    instructions and models. `accept_at` and `alternative_at` are the confidences (0 to 1) from which an answer of the
    chain, and of the alternative, is accepted.

    `check` raises ValueError where an output contradicts what happened in the turn. `score` returns a confidence that
    replaces the model's own, which is weak evidence.

    `max_steps` limits the steps of one attempt: each answer and each tool call is one. `max_output_tokens` limits
    what a model writes in one call, `history_tokens` what it reads of the conversation. `task_limit_usd` and
    `customer_day_limit_usd`, written like "0.50", replace the limits of the deployment. `cache_seconds` above 0
    allows a cached answer up to that age when no model can be reached. With `answer_after_refusal` the next model of
    the chain is asked after a refusal, which otherwise sends the turn to a person.

    `escalation_contact` tells the person on call whom to ask about this agent. `closing_texts` are what customers read
    when a turn ends without an answer, in whatever language the agent speaks. `fixtures` are example turns, which
    `turnkeeper.testing` plays.
    """

    name: str
    instructions: str
    output: type[OutputT]
    chain: Sequence[Model]
    alternative: Alternative
    tools: Sequence[Tool] = ()
    output_required: bool = True
    check: Callable[[OutputT | None, AnswerContext], None] | None = None
    score: Callable[[OutputT | None, AnswerContext], float] | None = None
    accept_at: float = 0.85
    alternative_at: float = 0.70
    max_steps: int = 6
    max_output_tokens: int = 800
    history_tokens: int = 4_000
    cache_seconds: int = 0
    answer_after_refusal: bool = False
    task_limit_usd: str | None = None
    customer_day_limit_usd: str | None = None
    escalation_contact: str = ""
    closing_texts: ClosingTexts = USUAL_TEXTS
    fixtures: Sequence[Fixture] = ()

    def __new__(cls, **given: Any) -> Self:
        """Raise AgentError, which says what is missing, before Python complains about it."""
        if given:  # copy.copy and pickle give nothing
            refuse(f"agent {given.get('name')!r}", [(part not in given, instead) for part, instead in _PARTS.items()])
        return super().__new__(cls)

    def __post_init__(self) -> None:
        for mistakes in (
            self._wrong_kinds,
            self._wrong_models,
            self._wrong_endpoints,
            self._wrong_tools,
            self._wrong_numbers,
        ):
            refuse(f"agent {self.name!r}", mistakes())
        try:
            wires = {model.asked_at.wire for model in self.models}
            wrong = [(True, instead) for instead in wrong_output(self.output, self.answer_schema, wires)]
        except PydanticUserError as error:
            detail = str(error).partition("\n")[0]
            raise AgentError(f"agent {self.name!r}: output has no JSON Schema: {detail}") from error
        refuse(f"agent {self.name!r}", wrong)

    def _wrong_kinds(self) -> list[tuple[bool, str]]:
        is_model = isinstance(self.output, type) and issubclass(self.output, BaseModel)
        return [
            (not (isinstance(self.name, str) and _NAME.fullmatch(self.name)), _PARTS["name"]),
            (not is_text(self.instructions), _PARTS["instructions"]),
            (not is_model, _PARTS["output"]),
            (not isinstance(self.alternative, Alternative), _PARTS["alternative"]),
            (not are_all(self.chain, Model), _PARTS["chain"]),
            (not are_all(self.tools, Tool), "tools is a list of functions decorated with @tool"),
            (not are_all(self.fixtures, Fixture), "fixtures is a list such as [Fixture(says='...', model=[...])]"),
            (not (self.check is None or takes(self.check, 2)), "check is a function of (output, context)"),
            (not (self.score is None or takes(self.score, 2)), "score is a function of (output, context)"),
            (not isinstance(self.escalation_contact, str), "escalation_contact is text"),
            (
                not _are_texts(self.closing_texts),
                "closing_texts is ClosingTexts(expired='...'), each text",
            ),
        ]

    def _wrong_models(self) -> list[tuple[bool, str]]:
        other = self.alternative
        return [
            (not self.chain, "chain needs at least one Model"),
            (
                not are_all(other.chain, Model),
                "alternative.chain is a list such as [Model('openai:gpt-6-luna')]",
            ),
            (not other.chain, "alternative.chain needs at least one Model"),
            (not is_text(other.instructions), "write the alternative's instructions"),
        ]

    def _wrong_endpoints(self) -> list[tuple[bool, str]]:
        endpoints = {model.asked_at for model in self.models}
        return [(len({e.name for e in endpoints}) != len(endpoints), "two endpoints have the same name, but differ")]

    def _wrong_tools(self) -> list[tuple[bool, str]]:
        names = [t.name for t in self.tools]
        services = {t.dependency for t in self.tools if t.dependency}
        return [
            (len(set(names)) != len(names), "two tools have the same name"),
            (
                len({service.name for service in services}) != len(services),
                "two dependencies have the same name, but differ",
            ),
        ]

    def _wrong_numbers(self) -> list[tuple[bool, str]]:
        are_sure = is_number(self.alternative_at) and is_number(self.accept_at)
        least = {"max_steps": 1, "max_output_tokens": 1, "history_tokens": 0, "cache_seconds": 0}
        return [
            (
                not (are_sure and 0 <= self.alternative_at <= self.accept_at <= 1),
                "write 0 <= alternative_at <= accept_at <= 1",
            ),
            *(
                (not is_whole(getattr(self, name), few), f"{name} is a whole number, at least {few}")
                for name, few in least.items()
            ),
            (_not_usd(self.task_limit_usd), "task_limit_usd is written like '0.50'"),
            (_not_usd(self.customer_day_limit_usd), "customer_day_limit_usd is written like '5.00'"),
        ]

    @cached_property
    def answer_model(self) -> type[BaseModel]:
        """The Pydantic model of a whole answer: reply, confidence and output."""
        output: Any = self.output if self.output_required else self.output | None
        return create_model(
            f"{self.name.title().replace('_', '')}Answer",
            __config__=ConfigDict(extra="forbid", allow_inf_nan=False),
            reply=(_Reply, Field(min_length=1, description="What the customer is told.")),
            confidence=(float, Field(ge=0, le=1, description="How sure you are that this answer is right, 0 to 1.")),
            output=(output, Field(description="The structured result." + _unless(self.output_required))),
        )

    @cached_property
    def answer_schema(self) -> dict[str, Any]:
        """The JSON Schema of `answer_model`; each wire sends it in its provider's dialect."""
        return self.answer_model.model_json_schema()

    @cached_property
    def version(self) -> str:
        """A digest of all that may change an answer, as 12 characters: a changed agent has another version."""
        chain = [model.settings for model in self.models]
        schemas = [str(self.answer_schema), *(str(t.schema) for t in self.tools)]
        rules = [str(self.accept_at), str(self.alternative_at), _code(self.check), _code(self.score)]
        return digest(self.name, self.instructions, self.alternative.instructions, *chain, *schemas, *rules)[:12]

    def tool(self, name: str) -> Tool | None:
        """Return the tool of this name, or None."""
        return next((t for t in self.tools if t.name == name), None)

    @property
    def models(self) -> list[Model]:
        """Every model that the agent may call: those of the chain, then those of the alternative."""
        return [*self.chain, *self.alternative.chain]

    @property
    def dependencies(self) -> list[str]:
        """The names of the breakers that a turn of this agent may meet: of models first, then of tools' services."""
        names = [m.id for m in self.models] + [f"tool:{t.dependency.name}" for t in self.tools if t.dependency]
        return list(dict.fromkeys(names))


def _code(rule: Any) -> str:
    """A digest of what a rule does: its compiled code without line numbers, so that moving it changes nothing."""
    code = rule if isinstance(rule, CodeType) else getattr(rule, "__code__", None)
    if code is None:
        return ""
    consts = [_code(const) if isinstance(const, CodeType) else repr(const) for const in code.co_consts]
    return digest(code.co_code.hex(), *consts, *code.co_names)


def _not_usd(amount: str | None) -> bool:
    try:
        return amount is not None and (not isinstance(amount, str) or micro_usd(amount) < 0)
    except ValueError:
        return True


def _are_texts(texts: Any) -> bool:
    return isinstance(texts, ClosingTexts) and all(is_text(text) for text in dataclasses.astuple(texts))


def _unless(required: bool) -> str:
    return "" if required else " Null until there is one."


__all__ = [
    "Agent",
    "AgentError",
    "Alternative",
    "AnswerContext",
    "Answers",
    "ApiKeyHeader",
    "Basic",
    "Bearer",
    "Calls",
    "ClosingTexts",
    "Dependency",
    "Endpoint",
    "Fails",
    "Fixture",
    "Model",
    "OAuth",
    "PersonNeeded",
    "Responds",
    "SigV4",
    "Tool",
    "ToolContext",
    "ToolError",
    "ToolHttp",
    "ToolResponse",
    "ToolResult",
    "tool",
]
