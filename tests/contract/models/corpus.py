"""Output models and tools as authors write them: every kind of field, alone and within others."""

import dataclasses
import datetime as dt
from decimal import Decimal
from enum import Enum, IntEnum, StrEnum
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path
from typing import Annotated, Any, Generic, Literal, NewType, TypeVar
from uuid import UUID

from agents.booking import agent as booking
from agents.support import agent as support
from agents.triage import agent as triage
from pydantic import (
    UUID4,
    AliasChoices,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    PositiveInt,
    RootModel,
    StringConstraints,
    Tag,
    computed_field,
    field_validator,
)
from pydantic.alias_generators import to_camel
from turnkeeper import Agent, ToolContext, tool
from turnkeeper.agent import Tool
from typing_extensions import TypedDict

from tests.support.world import paint


class Size(StrEnum):
    """How large."""

    SMALL = "small"
    LARGE = "large"


class Level(IntEnum):
    LOW = 1
    HIGH = 2


class Mixed(Enum):
    ONE = 1
    TWO = "two"
    HALF = 0.5


class Place(BaseModel):
    """Where."""

    street: str
    size: Size = Field(description="Of the house.")


class Described(BaseModel):
    size: Size = Field(description="As the customer said it.")


class Nested(BaseModel):
    place: Place = Field(description="Where to go.")


class Parcel(BaseModel):
    kind: Literal["parcel"]
    grams: int


class Letter(BaseModel):
    kind: Literal["letter"]
    to: Place = Field(description="Whom it is for.")


class Discriminated(BaseModel):
    item: Parcel | Letter = Field(discriminator="kind", description="What was sent.")


class DiscriminatedList(BaseModel):
    items: list[Annotated[Parcel | Letter, Field(discriminator="kind")]]


class Tagged(BaseModel):
    item: Annotated[
        Annotated[Parcel, Tag("parcel")] | Annotated[Letter, Tag("letter")],
        Discriminator(lambda item: item["kind"] if isinstance(item, dict) else item.kind),
    ]


class Undiscriminated(BaseModel):
    item: Parcel | Letter | str | None


class ListOfUnions(BaseModel):
    items: list[Parcel | Letter | int]


class Many(BaseModel):
    places: list[Place] = Field(description="In order.")
    sizes: list[Annotated[Size, Field(description="One of them.")]]


class Maybe(BaseModel):
    place: Place | None = Field(None, description="Null until there is one.")
    other: Annotated[Place, Field(description="Another.")] | None


class MaybeEverything(BaseModel):
    text: str | None = None
    count: int | None = None
    share: float | None = None
    flag: bool | None = None
    size: Size | None = None
    day: dt.date | None = None
    place: Place | None = None
    names: list[str] | None = None
    maybe_names: list[str | None] | None = None


class Times(BaseModel):
    day: dt.date
    at: dt.time
    moment: dt.datetime = Field(description="With its zone.")
    aware: AwareDatetime
    takes: dt.timedelta


class Defaults(BaseModel):
    size: Size = Size.SMALL
    place: Place = Place(street="Langstraße", size=Size.LARGE)
    count: int = 3
    note: str = ""
    names: list[str] = Field(default_factory=list)
    tags: list[str] = ["a"]
    share: float = Field(0.5, ge=0, le=1, description="How much of it.")


class Literals(BaseModel):
    one: Literal["a"]
    two: Literal["a", "b"] = Field(description="Either.")
    mixed: Literal["a", 1] | None
    yes: Literal[True]
    numbers: Literal[1, 2, 3]


class Enums(BaseModel):
    level: Level
    mixed: Mixed
    sizes: list[Size]


class Amount(BaseModel):
    amount: Decimal = Field(gt=0, max_digits=8, decimal_places=2, description="In dollars.")
    fee: Decimal | None = None


class Ids(BaseModel):
    any_id: UUID
    random_id: UUID4
    parent: UUID | None = None


class Texts(BaseModel):
    address: IPv4Address | IPv6Address
    path: Path
    code: Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}\.[0-9]+$", to_upper=True)]
    word: Annotated[str, StringConstraints(strip_whitespace=True, min_length=2, max_length=8)]


class Patterns(BaseModel):
    """Patterns of which not all can hold a model."""

    model_config = ConfigDict(regex_engine="python-re")

    simple: str = Field(pattern=r"^(?:a|b)\d{1,3}\\bar$")
    ahead: str = Field(pattern=r"^(?!no)\w+$")
    behind: str = Field(pattern=r"(?<=a)b", description="After an a.")
    again: str = Field(pattern=r"^(.)\1$")
    word: str = Field(pattern=r"\bfoo\b")


class Twice(BaseModel):
    first: Place
    second: Place = Field(description="The other one.")
    third: Place | None = None


class Deep(BaseModel):
    """A `$ref` with a description, inside of what takes the place of another."""

    nested: Nested = Field(description="All of it.")
    letters: list[Letter] | None = Field(None, description="Those too.")


class Limited(BaseModel):
    name: str = Field(min_length=1, max_length=9, pattern="^[a-z]+$", description="Lower case.")
    share: float = Field(ge=0, lt=1)
    step: float = Field(gt=0, multiple_of=0.25)
    three: list[Size] = Field(min_length=3, max_length=3)
    some: list[int] = Field(min_length=1)
    any_number: list[int] = Field(min_length=0, max_length=5)
    positive: PositiveInt


class Aliased(BaseModel):
    model_config = ConfigDict(extra="forbid")

    street_name: str = Field(alias="streetName")
    from_: str = Field(alias="from", description="Who sent it.")
    size: Size = Field(Size.SMALL, alias="$size")


class Camel(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)

    first_name: str
    last_order: Aliased | None = None


class Choices(BaseModel):
    name: str = Field(validation_alias=AliasChoices("name", "title"))


class Computed(BaseModel):
    model_config = ConfigDict(extra="forbid")

    net: float
    tax: float

    @computed_field(alias="grossTotal")  # type: ignore[prop-decorator]  # as pydantic's documentation says
    @property
    def gross(self) -> float:
        """Both."""
        return self.net + self.tax


class ComputedWithin(BaseModel):
    lines: list[Computed]


class Checked(BaseModel):
    at: dt.datetime
    guests: int = Field(ge=1, le=12, description="Children count.")

    @field_validator("at")
    @classmethod
    def _inside_opening_hours(cls, at: dt.datetime) -> dt.datetime:
        if not 9 <= at.hour < 19:
            raise ValueError("visits begin from 9:00 to before 19:00")
        return at


class Pair(TypedDict):
    key: str
    value: float


@dataclasses.dataclass
class Point:
    x: float
    y: float = 0.0


class OtherKinds(BaseModel):
    pairs: list[Pair]
    point: Point
    path: tuple[Point, ...]


class Level4(BaseModel):
    name: str
    sizes: list[Size]


class Level3(BaseModel):
    below: Level4 = Field(description="Fourth.")


class Level2(BaseModel):
    below: list[Level3]


class Level1(BaseModel):
    below: Level2 | None = Field(description="Second.")
    other: Level3


class Empty(BaseModel):
    """Nothing to say."""


class Holding(BaseModel):
    empty: Empty
    nothing: None = None


Money = NewType("Money", int)
T = TypeVar("T")


class Box(BaseModel, Generic[T]):
    content: T
    count: int = Field(1, description="How many.")


class Generics(BaseModel):
    box: Box[Place]
    boxes: list[Box[Money]]


class Wrapped(RootModel[Place]):
    """A place, by another name."""


class Examples(BaseModel):
    model_config = ConfigDict(json_schema_extra={"examples": [{"code": "A-1"}]})

    code: str = Field(examples=["A-1"], title="The code", description='It says "A-1" {or so} (or not).')
    old: str | None = Field(None, deprecated=True)


class Wide(BaseModel):
    """A field that must be there, after many that need not."""

    a1: int = 0
    a2: int = 0
    a3: int = 0
    a4: int = 0
    b1: str = ""
    b2: str = ""
    b3: str = ""
    b4: str = ""
    c1: bool = False
    c2: bool = False
    c3: bool = False
    c4: bool = False
    d1: list[str] = []
    d2: list[str] = []
    last: str


class Tree(BaseModel):
    """Only OpenAI takes it."""

    name: str
    left: "Tree | None" = None
    children: "list[Tree]"


class DescribedTree(BaseModel):
    """At each step down something is said, at which OpenAI's SDK never ends."""

    left: "Annotated[DescribedTree, Field(description='Smaller.')] | None" = None


OUTPUTS: dict[str, type[BaseModel]] = {
    "an enum with a description": Described,
    "a nested model with a description": Nested,
    "a discriminated union": Discriminated,
    "a list of discriminated unions": DiscriminatedList,
    "a tagged union": Tagged,
    "a union without a discriminator": Undiscriminated,
    "a list of unions": ListOfUnions,
    "a list of models": Many,
    "an optional model": Maybe,
    "optional everything": MaybeEverything,
    "dates and times": Times,
    "defaults": Defaults,
    "literals": Literals,
    "enums": Enums,
    "decimals": Amount,
    "uuids": Ids,
    "texts with a format": Texts,
    "patterns": Patterns,
    "a model used twice": Twice,
    "descriptions at every depth": Deep,
    "limits": Limited,
    "aliases": Aliased,
    "generated aliases": Camel,
    "a choice of aliases": Choices,
    "a computed field": Computed,
    "a computed field within": ComputedWithin,
    "a validator": Checked,
    "a TypedDict, a dataclass, a tuple of any length": OtherKinds,
    "four levels": Level1,
    "an empty model": Holding,
    "generics": Generics,
    "a RootModel of a model": Wrapped,
    "examples and titles": Examples,
    "many defaults": Wide,
}

AGENTS: dict[str, Agent[Any]] = {
    **{name: paint(output=kind) for name, kind in OUTPUTS.items()},
    "where an output may be missing": paint(output=Nested, output_required=False),
    "where one with aliases may be missing": paint(output=Camel, output_required=False),
    **{agent.name: agent for agent in (booking, support, triage)},
}


@tool
def plain(context: ToolContext, city: str, guests: int, share: float, is_late: bool) -> None:
    """Take the plain types."""


@tool
def nothing(context: ToolContext) -> None:
    """Take nothing."""


@tool
def optional(
    context: ToolContext,
    city: str,
    limit: Annotated[int, Field(ge=1, le=50, description="How many.")] = 10,
    size: Size = Size.SMALL,
    day: dt.date | None = None,
    names: list[str] | None = None,
    place: Place | None = None,
) -> None:
    """Take what may be left out."""


@tool
def rich(
    context: ToolContext,
    item: Annotated[Parcel | Letter, Field(discriminator="kind")],
    places: Annotated[list[Place], Field(min_length=1, max_length=3)],
    amount: Decimal,
    when: dt.datetime,
    kind: Literal["a", "b"],
    order: Annotated[str, StringConstraints(pattern=r"^[A-Z]-[0-9]{4}$")],
    who: UUID,
    point: Point,
) -> None:
    """Take rich types."""


@tool
def aliased(context: ToolContext, sender: Aliased, boxes: list[Box[int]]) -> None:
    """Take models with aliases."""


@tool
def tree(context: ToolContext, root: Tree) -> None:
    """Take a model within itself."""


@tool
def open_map(context: ToolContext, prices: dict[str, float]) -> None:
    """Take a map."""


@tool
def anything(context: ToolContext, value: Any = None) -> None:
    """Take anything."""


@tool
def bare(context: ToolContext, items: list, facts: dict) -> None:  # type: ignore[type-arg]
    """Take bare lists and maps."""


@tool
def pair(context: ToolContext, corner: tuple[float, float], tags: set[str]) -> None:
    """Take a tuple and a set."""


_STRICT: list[Tool] = [plain, nothing, optional, rich, aliased, tree, *booking.tools, *support.tools]
_LOOSE: list[Tool] = [open_map, anything, bare, pair]
STRICT_TOOLS = {tool.name: tool for tool in _STRICT}
LOOSE_TOOLS = {tool.name: tool for tool in _LOOSE}
