"""How a team writes an agent: instructions, an output model, a chain of models, tools. The rest is Turnkeeper's."""

import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Generic, Protocol, TypeVar, get_type_hints, overload

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, create_model

from turnkeeper.domain.money import micro_usd
from turnkeeper.domain.turns import digest

OutputT = TypeVar("OutputT", bound=BaseModel)

_NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")
_PROVIDERS = ("openai", "anthropic", "bedrock")


class AgentError(TypeError):
    """A definition of an agent is wrong; the message says what to write instead."""


# --- models -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Model:
    """One model of a chain, such as `Model("openai:gpt-4.1-mini", max_latency_ms=6000)`.

    `id` is provider:name, the name being the provider's own. `max_latency_ms` is the hard total of one call of it.
    """

    id: str
    max_latency_ms: int = 8_000

    def __post_init__(self) -> None:
        provider, _, name = self.id.partition(":")
        if provider not in _PROVIDERS or not name:
            raise AgentError(f"Model({self.id!r}): write provider:name, the provider one of {', '.join(_PROVIDERS)}")
        if self.max_latency_ms <= 0:
            raise AgentError(f"Model({self.id!r}): max_latency_ms is milliseconds, more than 0")

    @property
    def provider(self) -> str:
        """The part before the colon."""
        return self.id.partition(":")[0]

    @property
    def name(self) -> str:
        """The provider's own name for the model."""
        return self.id.partition(":")[2]

    @property
    def max_latency_s(self) -> float:
        """The hard total of one call, in seconds."""
        return self.max_latency_ms / 1000


@dataclass(frozen=True, slots=True)
class Alternative:
    """The alternative path (tier 2): simpler instructions, and other models."""

    instructions: str
    chain: Sequence[Model]


# --- tools ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Dependency:
    """A service that tools call over HTTP: `url_variable` names the environment variable that holds its base URL.

    Only that host is ever called.
    """

    name: str
    url_variable: str


class ToolError(Exception):
    """A tool's answer that the model should hear as an error, such as a rule that the arguments break."""


class ToolResponse(Protocol):
    """What a tool's service answered."""

    @property
    def status(self) -> int:
        """The HTTP status."""

    def json(self) -> Any:
        """Read the body as JSON."""


class ToolHttp(Protocol):
    """HTTP to a tool's own dependency, within the tool's timeout and behind its breaker. Paths are relative.

    A status of 5xx or 429 raises `errors.DependencyError`; any other is the tool's to read.
    """

    def get(self, path: str, *, params: Mapping[str, str] | None = None) -> ToolResponse:
        """Send a GET."""

    def post(self, path: str, *, body: Mapping[str, Any]) -> ToolResponse:
        """Send a POST of JSON, with the call's idempotency key as the header `Idempotency-Key`."""


@dataclass(frozen=True, slots=True)
class ToolContext:
    """What a tool knows of its turn. The customer comes from the token, never from the model.

    `idempotency_key` is stable: the same for the same arguments in every retry and tier of the turn.
    """

    tenant: str
    customer_id: str
    turn_id: str
    idempotency_key: str
    http: ToolHttp


@dataclass(frozen=True)
class Tool:
    """A function a model may call: made by `@tool`."""

    name: str
    description: str
    function: Callable[..., Any]
    arguments: type[BaseModel]
    dependency: Dependency | None = None
    timeout_s: float = 5.0
    side_effect: bool = False
    honours_keys: bool = False

    @cached_property
    def schema(self) -> dict[str, Any]:
        """The JSON Schema of the arguments."""
        return self.arguments.model_json_schema()

    def run(self, context: ToolContext, arguments: BaseModel) -> Any:
        """Call the function with validated arguments; returns JSON-able data."""
        given = {name: getattr(arguments, name) for name in type(arguments).model_fields}
        return TypeAdapter(Any).dump_python(self.function(context, **given), mode="json")


@overload
def tool(function: Callable[..., Any]) -> Tool: ...
@overload
def tool(
    *,
    dependency: Dependency | None = None,
    timeout_s: float = 5.0,
    side_effect: bool = False,
    honours_keys: bool = False,
) -> Callable[[Callable[..., Any]], Tool]: ...
def tool(
    function: Callable[..., Any] | None = None,
    *,
    dependency: Dependency | None = None,
    timeout_s: float = 5.0,
    side_effect: bool = False,
    honours_keys: bool = False,
) -> Tool | Callable[[Callable[..., Any]], Tool]:
    """Make a tool of a function: its first parameter is the `ToolContext`, the others, typed, are its schema.

    `side_effect`: it changes something outside, so it is journalled and happens once. `honours_keys`: the other side
    answers a repeated `idempotency_key` with the first result, so after a crash it is safe to call again.
    """

    def make(f: Callable[..., Any]) -> Tool:
        if not f.__doc__:
            raise AgentError(f"tool {f.__name__}: write a docstring; the model reads it to know when to call the tool")
        return Tool(
            name=f.__name__,
            description=inspect.cleandoc(f.__doc__),
            function=f,
            arguments=_arguments(f),
            dependency=dependency,
            timeout_s=timeout_s,
            side_effect=side_effect,
            honours_keys=honours_keys,
        )

    return make(function) if function else make


def _arguments(function: Callable[..., Any]) -> type[BaseModel]:
    hints = get_type_hints(function, include_extras=True)
    context, *parameters = inspect.signature(function).parameters.values()
    if hints.get(context.name) is not ToolContext:
        raise AgentError(f"tool {function.__name__}: its first parameter must be `{context.name}: ToolContext`")
    fields: dict[str, Any] = {}
    for parameter in parameters:
        if parameter.name not in hints:
            raise AgentError(f"tool {function.__name__}: give the parameter `{parameter.name}` a type")
        default = ... if parameter.default is parameter.empty else parameter.default
        fields[parameter.name] = (hints[parameter.name], default)
    return create_model(function.__name__, __config__=ConfigDict(extra="forbid"), **fields)


# --- the agent --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ToolResult:
    """A tool call of this attempt: its validated arguments and what it returned."""

    tool: str
    arguments: Mapping[str, Any]
    result: Any


@dataclass(frozen=True, slots=True)
class AnswerContext:
    """What `check` and `score` may look at beside the output itself."""

    message: str
    reply: str
    tool_results: Sequence[ToolResult]


@dataclass(frozen=True, kw_only=True)
class Agent(Generic[OutputT]):
    """An agent. Wrong definitions fail when the module is imported.

    `output` is the Pydantic model of its answer, business rules included; with `output_required=False` an answer may
    have none yet, as in a conversation that is not finished. `check` raises ValueError where an output contradicts what
    happened. `score` replaces the model's own confidence, which is weak evidence. `accept_at` and `alternative_at` are
    the confidences from which an answer is accepted, for tier 1 and tier 2. `task_limit_usd` and
    `customer_day_limit_usd` replace the deployment's defaults. `cache_seconds` above 0 allows a cached answer when no
    model can be reached.
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

    def __post_init__(self) -> None:
        for wrong, instead in self._mistakes():
            if wrong:
                raise AgentError(f"agent {self.name!r}: {instead}")

    def _mistakes(self) -> list[tuple[bool, str]]:
        return [
            (not _NAME.fullmatch(self.name), "a name is lower-case letters, digits and _, beginning with a letter"),
            (not self.instructions.strip(), "write instructions"),
            (not (isinstance(self.output, type) and issubclass(self.output, BaseModel)), "output is a Pydantic model"),
            (not self.chain, "chain needs at least one Model"),
            (not self.alternative.chain, "alternative.chain needs at least one Model"),
            (not 0 <= self.alternative_at <= self.accept_at <= 1, "write 0 <= alternative_at <= accept_at <= 1"),
            (self.max_steps < 1, "max_steps is at least 1"),
            (self.max_output_tokens < 1, "max_output_tokens is at least 1"),
            (len({t.name for t in self.tools}) != len(self.tools), "two tools have the same name"),
            (_not_usd(self.task_limit_usd), "task_limit_usd is written like '0.50'"),
            (_not_usd(self.customer_day_limit_usd), "customer_day_limit_usd is written like '5.00'"),
        ]

    @cached_property
    def answer_model(self) -> type[BaseModel]:
        """The whole of what a model must answer: reply, confidence and output."""
        output: Any = self.output if self.output_required else self.output | None
        return create_model(
            f"{self.name.title().replace('_', '')}Answer",
            __config__=ConfigDict(extra="forbid", allow_inf_nan=False),
            reply=(str, Field(min_length=1, description="What the customer is told.")),
            confidence=(float, Field(ge=0, le=1, description="How sure you are that this answer is right, 0 to 1.")),
            output=(output, Field(description="The structured result." + _unless(self.output_required))),
        )

    @cached_property
    def answer_schema(self) -> dict[str, Any]:
        """The JSON Schema of `answer_model`."""
        return self.answer_model.model_json_schema()

    @cached_property
    def version(self) -> str:
        """Changes whenever something changes that may change an answer."""
        chain = [f"{m.id}/{m.max_latency_ms}" for m in (*self.chain, *self.alternative.chain)]
        schemas = [str(self.answer_schema), *(str(t.schema) for t in self.tools)]
        return digest(self.name, self.instructions, self.alternative.instructions, *chain, *schemas)[:12]

    def tool(self, name: str) -> Tool | None:
        """Find a tool by the name that a model called."""
        return next((t for t in self.tools if t.name == name), None)

    @property
    def models(self) -> list[Model]:
        """Every model that the agent may call."""
        return [*self.chain, *self.alternative.chain]

    @property
    def dependencies(self) -> list[str]:
        """The breakers that a turn of this agent may meet: models first, then tools' services."""
        names = [m.id for m in self.models] + [f"tool:{t.dependency.name}" for t in self.tools if t.dependency]
        return list(dict.fromkeys(names))


def _not_usd(amount: str | None) -> bool:
    try:
        return amount is not None and micro_usd(amount) < 0
    except ValueError:
        return True


def _unless(required: bool) -> str:
    return "" if required else " Null until there is one."


__all__ = [
    "Agent",
    "AgentError",
    "Alternative",
    "AnswerContext",
    "Dependency",
    "Model",
    "Tool",
    "ToolContext",
    "ToolError",
    "ToolHttp",
    "ToolResult",
    "tool",
]
