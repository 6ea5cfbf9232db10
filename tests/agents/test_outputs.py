"""An output that no model can fill, or that would not read back, is refused when the agent is defined."""

import collections
import dataclasses
import datetime as dt
import math
import pathlib
import re
import warnings
from collections.abc import AsyncIterator, Callable, Generator, Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from enum import Enum
from ipaddress import IPv4Address
from typing import Annotated, Any, Literal, NamedTuple, cast

import pytest
from pydantic import (
    AliasChoices,
    AliasGenerator,
    AliasPath,
    AnyUrl,
    Base64Str,
    BaseModel,
    ByteSize,
    ConfigDict,
    Field,
    HttpUrl,
    Json,
    JsonValue,
    PlainSerializer,
    PydanticDeprecatedSince20,
    RootModel,
    Secret,
    SecretStr,
    WithJsonSchema,
    WrapSerializer,
    computed_field,
    create_model,
    field_serializer,
    model_serializer,
)
from pydantic import (
    dataclasses as pydantic_dataclasses,
)
from turnkeeper import Agent, AgentError, Alternative, Endpoint, Model, ToolContext, tool
from typing_extensions import TypedDict

OPENAI, CLAUDE, BEDROCK = Model("openai:x"), Model("anthropic:x"), Model("bedrock:x")
GROQ = Model("groq:x", endpoint=Endpoint("groq", wire="openai"))
ALL = (OPENAI, CLAUDE, BEDROCK)


def agent(output: Any, *models: Model, **changes: Any) -> Agent[Any]:
    """An agent whose chain is the first model, and whose alternative is the others."""
    first, *others = models or ALL
    other = Alternative("Say it simply.", others or [first])
    return Agent(name="paint", instructions="Say it.", output=output, chain=[first], alternative=other, **changes)


def of(kind: Any) -> type[BaseModel]:
    """A model with one field, within another in a list."""
    inner: Any = create_model("Inner", x=(kind, ...))
    return create_model("Output", parts=(list[inner], ...))


def refused(output: Any, *models: Model, **changes: Any) -> str:
    with pytest.raises(AgentError) as error:
        agent(output, *models, **changes)
    return str(error.value)


class Corner(NamedTuple):
    x: float
    y: float


class Odd(Enum):
    PAIR = (1, 2)


class Nothing(Enum):
    pass


def empty(**schema: Any) -> Any:
    """A dict that says that it is an object without fields."""
    return Annotated[dict[str, int], WithJsonSchema(schema)]


KEY_AND_VALUE = "write a list of models with `key` and `value`"
NOBODY_TAKES: dict[str, tuple[Any, str]] = {
    "dict[str, float]": (dict[str, float], KEY_AND_VALUE),
    "dict": (dict, KEY_AND_VALUE),
    "dict[str, Any]": (dict[str, Any], KEY_AND_VALUE),
    "dict[int, str]": (dict[int, str], KEY_AND_VALUE),
    "dict of dates": (dict[dt.date, str], KEY_AND_VALUE),
    "dict of literals": (dict[Literal["a", "b"], str], KEY_AND_VALUE),
    "dict of patterns": (dict[Annotated[str, Field(pattern="^a$")], str], KEY_AND_VALUE),
    "Mapping": (Mapping[str, int], KEY_AND_VALUE),
    "defaultdict": (collections.defaultdict[str, int], KEY_AND_VALUE),
    "Counter": (collections.Counter[str], KEY_AND_VALUE),
    "an optional dict": (dict[str, float] | None, KEY_AND_VALUE),
    "a list of dicts": (list[dict[str, str]], KEY_AND_VALUE),
    "a dict in a union": (int | dict[str, str], KEY_AND_VALUE),
    "a model with extras": (create_model("Open", __config__=ConfigDict(extra="allow"), a=(int, ...)), KEY_AND_VALUE),
    "a dict as an empty object": (empty(type="object", properties={}), KEY_AND_VALUE),
    "a dict as a closed one": (empty(type="object", properties={}, additionalProperties=False), KEY_AND_VALUE),
    "a dict as one that may be null": (empty(type=["object", "null"], properties={}), KEY_AND_VALUE),
    "a dict as one of no parts": (empty(type="object", allOf=[]), KEY_AND_VALUE),
    "a dict as properties": (empty(properties={}), KEY_AND_VALUE),
    "an optional dict as an empty object": (empty(type="object", properties={}) | None, KEY_AND_VALUE),
    "Any as an empty object": (Annotated[Any, WithJsonSchema({"type": "object", "properties": {}})], KEY_AND_VALUE),
    "Any": (Any, "write its type"),
    "object": (object, "write its type"),
    "an optional Any": (Any | None, "write its type"),
    "JsonValue": (JsonValue, "write its type"),
    "list": (list, "write what it holds, such as list[str]"),
    "list[Any]": (list[Any], "write what it holds, such as list[str]"),
    "tuple": (tuple, "write what it holds"),
    "tuple[()]": (tuple[()], "write what it holds"),
    "tuple[float, float]": (tuple[float, float], "write a model with a named field for each place"),
    "tuple[int, str]": (tuple[int, str], "write a model with a named field for each place"),
    "a NamedTuple": (Corner, "write a model with a named field for each place"),
    "set": (set[str], "write a list"),
    "frozenset": (frozenset[int], "write a list"),
    "bytes": (bytes, "write `str`"),
    "an enum of tuples": (Odd, "write a Literal or an enum of texts or numbers"),
    "an enum of nothing": (Nothing, "write a Literal or an enum of texts or numbers"),
}


@pytest.mark.parametrize("model", [*ALL, GROQ], ids=lambda model: model.id)
@pytest.mark.parametrize(("kind", "instead"), NOBODY_TAKES.values(), ids=NOBODY_TAKES)
def test_what_no_provider_takes_is_refused(kind: Any, instead: str, model: Model) -> None:
    name = {"anthropic": "Anthropic", "bedrock": "Bedrock"}.get(model.asked_at.wire, "OpenAI")
    said = refused(of(kind), model)

    assert re.match(rf"agent 'paint': output\.parts\[\]\.x(\[\])?: {name} cannot take ", said)
    assert instead in said


def test_it_names_each_provider_that_cannot_take_it() -> None:
    assert "output.parts[].x: Anthropic and Bedrock and OpenAI cannot take a set" in refused(of(set[str]))
    assert "output.parts[].x: Anthropic and OpenAI cannot take a set" in refused(of(set[str]), OPENAI, CLAUDE)


def test_an_output_that_may_be_missing_is_checked_too() -> None:
    assert "output.parts[].x: OpenAI cannot" in refused(of(dict[str, int]), OPENAI, output_required=False)


@pytest.mark.parametrize("kind", [HttpUrl, AnyUrl, HttpUrl | None, list[HttpUrl]])
def test_a_url_is_refused_for_openai_only(kind: Any) -> None:
    assert "OpenAI cannot take a URL (format: uri): write `str`" in refused(of(kind), OPENAI)
    assert ": OpenAI cannot take" in refused(of(kind), CLAUDE, OPENAI)
    assert ": OpenAI cannot take" in refused(of(kind), GROQ)
    assert agent(of(kind), CLAUDE, BEDROCK)


class Tree(BaseModel):
    children: list["Tree"]


class Left(BaseModel):
    right: "Right | None"


class Right(BaseModel):
    left: Left | None


class Deepest(BaseModel):
    tree: Tree = Field(description="All of it.")


@pytest.mark.parametrize("output", [Tree, Left, Deepest])
def test_a_model_within_itself_is_for_openai_only(output: type[BaseModel]) -> None:
    assert agent(output, OPENAI, GROQ)
    for model, name in ((CLAUDE, "Anthropic"), (BEDROCK, "Bedrock")):
        assert f"{name} cannot take a model within itself: write each level" in refused(output, model)
        assert f"{name} cannot take a model within itself: write each level" in refused(output, OPENAI, model)


def many(count: int, kind: Any, default: Any = ...) -> type[BaseModel]:
    fields: dict[str, Any] = {f"f{n}": (kind, default) for n in range(count)}
    return create_model("Output", **fields)


@pytest.mark.parametrize("model", [CLAUDE, BEDROCK])
def test_claude_takes_16_unions_and_24_defaults(model: Model) -> None:
    assert agent(many(16, int | None), model)
    assert agent(many(15, int | None), model, output_required=False)
    assert agent(many(24, int, 0), model)
    assert agent(many(17, int | None), OPENAI)
    assert agent(many(25, int, 0), OPENAI)
    assert "cannot take 17 unions, but 16: write fewer" in refused(many(17, int | None), model)
    assert "cannot take 17 unions, but 16" in refused(many(16, int | None), model, output_required=False)
    assert "cannot take 17 unions, but 16" in refused(many(17, Decimal), model)
    assert "cannot take 25 fields that have a default, but 24" in refused(many(25, int, 0), model)


def levels(count: int, *, lists: int = 0) -> type[BaseModel]:
    kind: Any = int
    for n in range(count):
        kind = create_model(f"Level{n}", x=(list[kind] if n < lists else kind, ...))
    return cast("type[BaseModel]", kind)


def test_openai_takes_10_levels_of_which_the_answer_is_one() -> None:
    assert agent(levels(9), OPENAI)
    assert agent(levels(5, lists=4), OPENAI)
    assert agent(levels(20, lists=20), CLAUDE)
    for output in (levels(10), levels(5, lists=5)):
        assert "OpenAI cannot take models and lists nested more than 10 levels deep" in refused(output, OPENAI)


def values(count: int, characters: int = 1) -> Any:
    return Literal[tuple(f"{n:0{characters}}" for n in range(count))]


def test_openai_takes_so_many_fields_and_values_and_no_more() -> None:
    wide = {f"x{n}": (many(1000, int), ...) for n in range(5)}
    fields: dict[str, Any] = {name: (create_model(name, __base__=part), ...) for name, (part, _) in wide.items()}

    assert agent(create_model("Output", x=(values(1000), ...)), OPENAI)
    assert agent(create_model("Output", x=(values(251, 59), ...)), OPENAI)
    assert "more than 5,000 fields" in refused(create_model("Output", **fields), OPENAI)
    assert "more than 1,000 values of enums" in refused(of(values(1001)), OPENAI)
    assert "an enum of more than 15,000 characters" in refused(of(values(251, 60)), OPENAI)
    assert "more than 120,000 characters" in refused(of(values(200, 700)), OPENAI)
    assert agent(of(values(1001)), CLAUDE)


@pytest.mark.parametrize("root", [list[int], int, Corner, list[Tree] | int])
def test_an_output_is_an_object(root: Any) -> None:
    assert "output is an object: write a model with a field" in refused(RootModel[root], OPENAI)


def test_a_union_at_the_root_is_refused() -> None:
    assert "output is an object" in refused(RootModel[Tree | Deepest], OPENAI)
    assert agent(RootModel[Deepest], OPENAI)


@pytest.mark.parametrize("pattern", [r"^(?!x)", r"\bfoo\b", r"(a)\1"])
def test_a_pattern_that_a_provider_cannot_hold_a_model_to_is_no_mistake(pattern: str) -> None:
    field = (str, Field(pattern=pattern))

    assert agent(create_model("Output", __config__=ConfigDict(regex_engine="python-re"), x=field))


def titled(name: str) -> str:
    return name.title()


class PathOfAliases(BaseModel):
    x: int = Field(validation_alias=AliasPath("a", 0))


class ChoiceOfAliases(BaseModel):
    x: int = Field(validation_alias=AliasChoices("a", "x"))


class ChoiceOfPaths(BaseModel):
    x: int = Field(validation_alias=AliasChoices("x", AliasPath("a", 0)))


class OnlyRead(BaseModel):
    x: int = Field(validation_alias="a")


class OnlyWritten(BaseModel):
    x: int = Field(serialization_alias="a")


class Generated(BaseModel):
    model_config = ConfigDict(alias_generator=AliasGenerator(serialization_alias=titled))

    x: int


class Excluded(BaseModel):
    x: int = Field(1, exclude=True)


class ExcludedSometimes(BaseModel):
    x: int = Field(1, exclude_if=lambda x: x == 0)


class OtherType(BaseModel):
    x: dt.date

    @field_serializer("x")
    def _week(self, x: dt.date) -> int:
        return x.isocalendar().week


class OtherText(BaseModel):
    x: dt.date

    @field_serializer("x")
    def _swiss(self, x: dt.date) -> str:
        return f"{x:%d.%m.%Y}"


class Drifting(BaseModel):
    x: int

    @field_serializer("x", when_used="json")
    def _next(self, x: int) -> int:
        return x + 1


class AllFields(BaseModel):
    x: int

    @field_serializer("*")
    def _next(self, x: Any) -> Any:
        return x


class Heir(Drifting):
    y: int


@pydantic_dataclasses.dataclass
class DataOfPydantic:
    x: int

    @field_serializer("x")
    def _next(self, x: int) -> int:
        return x + 1


@dataclasses.dataclass
class Data:
    x: Annotated[int, PlainSerializer(lambda x: x + 1)]


@dataclasses.dataclass
class DataOfLess:
    x: int
    y: dataclasses.InitVar[int]


@dataclasses.dataclass
class DataOfMore:
    x: int
    y: int = dataclasses.field(init=False, default=1)


class Typed(TypedDict):
    x: Annotated[int, PlainSerializer(lambda x: x + 1)]


with warnings.catch_warnings(action="ignore", category=PydanticDeprecatedSince20):

    class Encoded(BaseModel):
        model_config = ConfigDict(json_encoders={dt.date: lambda x: f"{x:%d.%m.%Y}"})

        x: dt.date


class Seconds(BaseModel):
    model_config = ConfigDict(ser_json_timedelta="float")

    x: dt.timedelta


class Epoch(BaseModel):
    model_config = ConfigDict(ser_json_temporal="seconds")

    x: list[dt.date]


class ReadByName(BaseModel):
    model_config = ConfigDict(validate_by_alias=False, validate_by_name=True)

    x: int = Field(alias="y")


class EmptyRoot(RootModel[Annotated[dict[str, int], WithJsonSchema({"type": "object", "properties": {}})]]):
    pass


class OtherShape(BaseModel):
    x: int

    @model_serializer
    def _shape(self) -> dict[str, int]:
        return {"y": self.x}


class OtherShapeUntyped(BaseModel):
    x: int

    @model_serializer
    def _shape(self):  # type: ignore[no-untyped-def]  # noqa: ANN202
        return {"y": self.x}


def with_default(kind: Any, default: Any) -> type[BaseModel]:
    return create_model("Output", x=(kind, default))


DOES_NOT_READ_BACK: dict[str, tuple[type[BaseModel], str]] = {
    "a path of aliases": (PathOfAliases, "x is read from a path, under which it is not written"),
    "a choice of aliases": (ChoiceOfAliases, "a is read under this name and written under another"),
    "a choice of paths": (ChoiceOfPaths, "x is read from a path"),
    "an alias for reading": (
        OnlyRead,
        "a is read under this name and written under another: write alias='a'",
    ),
    "an alias for writing": (OnlyWritten, "x is read under this name and written under another"),
    "generated aliases": (Generated, "x is read under this name and written under another"),
    "excluded": (Excluded, "x is excluded when the output is written"),
    "excluded sometimes": (ExcludedSometimes, "x is excluded when the output is written"),
    "another type": (OtherType, "x is written by a serializer of its own, whose result may not read back: remove it"),
    "another type in an annotation": (
        with_default(Annotated[int, PlainSerializer(str, return_type=str)], ...),
        "x is written by a serializer",
    ),
    "another text": (OtherText, "x is written by a serializer"),
    "a drifting value": (Drifting, "x is written by a serializer"),
    "a serializer of all fields": (AllFields, "x is written by a serializer"),
    "a serializer of the model above": (Heir, "x is written by a serializer"),
    "a serializer of a type in a list": (
        with_default(list[Annotated[int, PlainSerializer(str)]], ...),
        "x[] is written by a serializer",
    ),
    "a serializer around another": (
        with_default(Annotated[int, WrapSerializer(lambda x, then: then(x + 1))] | None, ...),
        "x is written by a serializer",
    ),
    "a serializer in a dataclass": (with_default(Data, ...), "x.x is written by a serializer"),
    "a serializer in Pydantic's dataclass": (with_default(DataOfPydantic, ...), "x.x is written by a serializer"),
    "a serializer in a TypedDict": (with_default(list[Typed], ...), "x[].x is written by a serializer"),
    "an encoder in the configuration": (Encoded, "x is written by a serializer"),
    "a configured duration": (Seconds, "x is written in another format than it is read: remove ser_json_timedelta"),
    "a configured date": (Epoch, "x[] is written in another format than it is read: remove ser_json_temporal"),
    "an alias that is not read": (ReadByName, "x is read under this name and written under another"),
    "a dataclass's argument": (with_default(DataOfLess, ...), "x.y is read and never written"),
    "a dataclass's own field": (with_default(DataOfMore, ...), "x.y is written and never read"),
    "an empty root": (EmptyRoot, "can only be an empty object"),
    "another shape": (OtherShape, "has a model_serializer"),
    "another shape, untyped": (OtherShapeUntyped, "has a model_serializer"),
    "a secret": (with_default(SecretStr, ...), "x is a secret, which is written as asterisks: write `str`"),
    "a secret of another type": (
        with_default(Secret[int] | None, None),
        "x is a secret, which is written as asterisks",
    ),
    "JSON in a text": (with_default(Json[list[int]], ...), "x is JSON within a text"),
    "an iterator": (with_default(Iterable[int], ...), "x can be read only once: write list[...]"),
    "a default that is no value": (with_default(int, None), "x has a default that its type or JSON does not allow"),
    "a default against a limit": (
        with_default(Annotated[int, Field(ge=1)], 0),
        "x has a default that its type or JSON does",
    ),
    "a default of another type": (with_default(int, "3"), "x has a default that its type or JSON does not allow"),
    "a default of NaN": (with_default(float, math.nan), "NaN or infinite: write a finite number, or None"),
    "a default of infinity": (with_default(list[float], [math.inf]), "x has a default that its type or JSON does"),
    "an example of NaN": (with_default(Annotated[float, Field(examples=[math.nan])], ...), "NaN or infinite"),
}


@pytest.mark.parametrize(("output", "why"), DOES_NOT_READ_BACK.values(), ids=DOES_NOT_READ_BACK)
def test_what_would_not_read_back_is_refused(output: type[BaseModel], why: str) -> None:
    within = create_model("Within", parts=(list[output], ...))  # type: ignore[valid-type]

    assert why in refused(output)
    assert why in refused(within)
    assert why in refused(create_model("Within", part=(output | None, None)))


class Empty(BaseModel):
    pass


class Fine(BaseModel):
    """Nothing of it is lost."""

    model_config = ConfigDict(extra="forbid")

    from_: str = Field("Carla", alias="from")
    x: int = Field(validation_alias=AliasChoices("x", "y"))
    day: dt.date = dt.date(2026, 12, 4)
    takes: dt.timedelta = dt.timedelta(minutes=5)
    path: pathlib.Path = pathlib.Path("a/b")
    pattern: re.Pattern[str] = re.compile("a+")
    size: ByteSize = ByteSize(3)
    secret: Base64Str = "c2VjcmV0"
    address: IPv4Address = IPv4Address("127.0.0.1")
    queue: collections.deque[int] = collections.deque([1])
    nothing: Empty = Empty()
    amount: Decimal = Decimal("1.50")
    names: list[str] = Field(default_factory=list)
    tags: Sequence[str] = ()
    notes: list[Annotated[str, {"of": "the author"}]] = []
    either: list[Decimal] | list[list[bool]] | Decimal | float = []
    maybe: Annotated[int | None, WithJsonSchema({"type": ["integer", "null"]})] = None
    price: Decimal = Decimal(0)
    share: float = 1

    @computed_field  # type: ignore[prop-decorator]  # as pydantic's documentation says
    @property
    def twice(self) -> int:
        """Twice x."""
        return self.x * 2


class Branch(BaseModel):
    """A model within itself, by default."""

    one: "Branch | None" = None
    others: list["Branch"] = []


Branch.model_rebuild()


def test_a_default_may_hold_a_model_within_itself() -> None:
    grown = Branch(one=Branch(), others=[Branch()])

    assert agent(with_default(Branch, grown), OPENAI)
    assert agent(with_default(list[Branch] | int, [grown]), OPENAI)
    assert "x has a default" in refused(with_default(Annotated[list[Branch], Field(min_length=1)], []), OPENAI)


def test_what_reads_back_is_accepted() -> None:
    assert agent(Fine)
    assert agent(create_model("Within", parts=(list[Fine], ...)))


@pytest.mark.parametrize("default", [math.nan, math.inf, [math.nan]])
def test_a_tools_default_is_finite(default: Any) -> None:
    def look(context: ToolContext, at: Any = default) -> None:
        """Look."""

    with pytest.raises(AgentError, match="tool look: a default, an example or a limit is NaN or infinite"):
        tool(look)


def test_a_tool_may_take_what_an_output_may_not() -> None:
    @tool
    def look(context: ToolContext, facts: dict[str, Any], where: tuple[float, float], root: Tree) -> None:
        """Look."""

    assert agent(Fine, tools=[look])


ONCE = {
    "Iterable": Iterable[int],
    "a bare Iterable": Iterable,
    "Generator": Generator[int, None, None],
    "an optional Iterable": Iterable[int] | None,
    "a list of Iterables": list[Iterable[int]],
    "a dict of Iterables": dict[str, Iterable[int]],
    "a model with an Iterable": create_model("Once", x=(Iterable[int], ...)),
    "a model with one within": of(Iterable[int]),
    "Iterator": Iterator[int],
    "AsyncIterator": AsyncIterator[int],
}


@pytest.mark.parametrize("kind", ONCE.values(), ids=ONCE)
def test_a_tool_takes_nothing_that_can_be_read_only_once(kind: Any) -> None:
    def look(context: ToolContext, items: Any) -> None:
        """Look."""

    look.__annotations__["items"] = kind

    with pytest.raises(AgentError, match=r"tool look: .* list\["):
        tool(look)


def test_what_has_no_schema_is_said_before_anything_else() -> None:
    assert "output has no JSON Schema" in refused(of(Callable[[], int]))
