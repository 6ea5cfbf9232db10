"""Tools: typed functions that a model may call, and the context that they get."""

import datetime as dt
import inspect
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Concatenate, Generic, get_type_hints, overload

from pydantic import BaseModel, ConfigDict, TypeAdapter, create_model
from pydantic.errors import PydanticUserError
from typing_extensions import ParamSpec, TypeVar

from turnkeeper.authoring.auth import Auth, reserved_headers
from turnkeeper.authoring.errors import AgentError, is_number, is_whole, refuse
from turnkeeper.authoring.http import ToolHttp
from turnkeeper.domain.core_walk import parts
from turnkeeper.domain.finite import not_finite
from turnkeeper.domain.output_types import is_json
from turnkeeper.domain.places import is_url

P = ParamSpec("P", default=...)
R = TypeVar("R", default=Any)

_SERVICE = re.compile(r"[a-z][a-z0-9_-]{0,62}")
_TOOL = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")
"""The names of tools, and of their parameters, that every provider accepts."""

_NOT_FINITE = "a default, an example or a limit is NaN or infinite: write a finite number, or None"


@dataclass(frozen=True, slots=True)
class Dependency:
    """A service that tools call over HTTP, and that has a breaker of its own.

    `url` is its base URL; a stage may replace it by the dependency's name, and a tool reaches no other host. `auth`
    says how each request is authorised. `per_minute` is the most requests that the whole fleet sends in a minute.
    """

    name: str
    url: str = ""
    auth: Auth | None = None
    per_minute: int | None = None

    def __post_init__(self) -> None:
        refuse(
            f"Dependency({self.name!r})",
            [
                (not _is(_SERVICE, self.name), "a name is lower-case letters, digits, _ and -, such as orders"),
                (
                    self.url != "" and not is_url(self.url),
                    "url is an https or http URL with no user and no query, such as https://api.example/v1",
                ),
                (not isinstance(self.auth, Auth | None), "auth is one such as Bearer('orders-key')"),
                (
                    self.per_minute is not None and not is_whole(self.per_minute, 1),
                    "per_minute is a whole number of requests above 0",
                ),
            ],
        )

    @property
    def reserved_headers(self) -> frozenset[str]:
        """The headers, in lower case, that a tool may not set."""
        return reserved_headers(self.auth)


class ToolError(Exception):
    """An error that the tool reports to the model, such as arguments that break a rule.

    Raise it only while nothing has been done.
    """


class PersonNeeded(Exception):  # noqa: N818 - it is a decision, not a fault
    """Only a person may decide this: the turn goes straight to one, with this reason, and no model is asked again.

    Raise it only while nothing has been done.
    """


@dataclass(frozen=True, slots=True)
class ToolContext:
    """What a tool knows about its turn. The customer comes from the caller's token, never from the model.

    `idempotency_key` is the same for the same arguments in every retry and tier of the turn. `now` is in UTC.
    """

    tenant: str
    customer_id: str
    turn_id: str
    idempotency_key: str
    http: ToolHttp
    now: dt.datetime = field(default_factory=lambda: dt.datetime.now(dt.UTC))


@dataclass(frozen=True)
class Tool(Generic[P, R]):
    """A function that a model may call, made by `@tool`. Calling it calls the function. `timeout_s` is in seconds."""

    name: str
    description: str
    function: Callable[Concatenate[ToolContext, P], R]
    arguments: type[BaseModel]
    dependency: Dependency | None = None
    timeout_s: float = 5.0
    side_effect: bool = False
    honours_keys: bool = False
    retries: int = 0

    def __call__(self, context: ToolContext, *args: P.args, **kwargs: P.kwargs) -> R:
        """Call the function itself, as the tests of an agent do."""
        return self.function(context, *args, **kwargs)

    @cached_property
    def schema(self) -> dict[str, Any]:
        """The JSON Schema of the arguments."""
        return self.arguments.model_json_schema()

    def run(self, context: ToolContext, arguments: BaseModel) -> Any:
        """Call the function with validated arguments; returns its result as JSON data."""
        function: Callable[..., Any] = self.function
        given = {name: getattr(arguments, name) for name in type(arguments).model_fields}
        return TypeAdapter(Any).dump_python(function(context, **given), mode="json")


@overload
def tool(function: Callable[Concatenate[ToolContext, P], R]) -> Tool[P, R]: ...
@overload
def tool(
    *,
    dependency: Dependency | None = None,
    timeout_s: float = 5.0,
    side_effect: bool = False,
    honours_keys: bool = False,
    retries: int = 0,
) -> Callable[[Callable[Concatenate[ToolContext, P], R]], Tool[P, R]]: ...
def tool(
    function: Callable[..., Any] | None = None,
    *,
    dependency: Dependency | None = None,
    timeout_s: float = 5.0,
    side_effect: bool = False,
    honours_keys: bool = False,
    retries: int = 0,
) -> Any:
    """Make a function a tool: its first parameter is the `ToolContext`, and the types of the others make the schema.

    `dependency` is the service that it calls. `timeout_s` is the hard total of one call, in seconds (default 5).
    `side_effect` says that it changes something outside, so it is journalled and happens once. `honours_keys` says that
    the service answers a repeated `idempotency_key` with the first result, so another call after a crash is safe.
    `retries` is how often a tool that changes nothing is called again, at once, when its service cannot be reached or
    breaks (default 0). Raises AgentError, which says what to write instead.
    """

    def make(f: Callable[..., Any]) -> Tool:
        if not inspect.isfunction(f):
            raise AgentError(f"tool {f!r}: write @tool, or @tool(side_effect=True), above a function")
        is_service = isinstance(dependency, Dependency | None)
        refuse(
            f"tool {f.__name__}",
            [
                (not _is(_TOOL, f.__name__), "its name is at most 64 letters, digits and _, all of them ASCII"),
                (not (f.__doc__ or "").strip(), "write a docstring: from it the model knows when to call the tool"),
                (inspect.iscoroutinefunction(f), "write a plain def, not async def"),
                (not is_service, "write dependency=Dependency('orders', url='https://orders.example')"),
                (not is_number(timeout_s) or timeout_s <= 0, "timeout_s is a number of seconds above 0"),
                (honours_keys and not side_effect, "honours_keys is for side effects: add side_effect=True"),
                (not is_whole(retries, 0), "retries is how many more calls to make: 0, 1, 2"),
                (
                    retries != 0 and side_effect,
                    "retries are for tools that change nothing: remove them, or side_effect",
                ),
            ],
        )
        return Tool(
            name=f.__name__,
            description=inspect.cleandoc(f.__doc__ or ""),
            function=f,
            arguments=_arguments(f),
            dependency=dependency,
            timeout_s=timeout_s,
            side_effect=side_effect,
            honours_keys=honours_keys,
            retries=retries,
        )

    return make if function is None else make(function)


def _is(pattern: re.Pattern[str], value: Any) -> bool:
    return isinstance(value, str) and pattern.fullmatch(value) is not None


def _arguments(function: Callable[..., Any]) -> type[BaseModel]:
    name = function.__name__
    try:
        hints = get_type_hints(function, include_extras=True)
    except NameError as error:
        raise AgentError(f"tool {name}: {error}: import the type at the top of the module") from error
    context, *parameters = inspect.signature(function).parameters.values() or (None,)
    if context is None or hints.get(context.name) is not ToolContext:
        raise AgentError(f"tool {name}: its first parameter must be `context: ToolContext`")
    fields: dict[str, Any] = {}
    for parameter in parameters:
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD, parameter.POSITIONAL_ONLY):
            raise AgentError(f"tool {name}: name each parameter; `{parameter}` has no schema")
        if parameter.name not in hints:
            raise AgentError(f"tool {name}: give the parameter `{parameter.name}` a type")
        if not _is(_TOOL, parameter.name):
            raise AgentError(f"tool {name}: name `{parameter.name}` with at most 64 letters, digits and _, all ASCII")
        default = ... if parameter.default is parameter.empty else parameter.default
        if not_finite(default):
            raise AgentError(f"tool {name}: {_NOT_FINITE}")
        fields[parameter.name] = (hints[parameter.name], default)
    return _model(name, fields)


def _model(name: str, fields: dict[str, Any]) -> type[BaseModel]:
    taken = [field for field in fields if field.startswith("_") or hasattr(BaseModel, field)]
    if taken:
        raise AgentError(f"tool {name}: give the parameter `{taken[0]}` another name")
    try:
        model = create_model(name, __config__=ConfigDict(extra="forbid"), **fields)
        schema = model.model_json_schema()
    except PydanticUserError as error:
        detail = str(error).partition("\n")[0]
        instead = "write one that has, such as str, list[int] or a model"
        raise AgentError(f"tool {name}: a parameter's type has no JSON Schema: {instead} ({detail})") from error
    if not is_json(schema):
        raise AgentError(f"tool {name}: {_NOT_FINITE}")
    if once := [part.place for part in parts(model, "") if part.schema["type"] == "generator"]:
        raise AgentError(f"tool {name}: the parameter {once[0].lstrip('.')} can be read only once: write list[...]")
    return model
