"""The schema of an output, as it is sent, means what the official SDK of OpenAI makes of the same model."""

import datetime as dt
import json
import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any, Literal

import pytest
from agents.booking import agent as booking
from agents.support import agent as support
from agents.triage import agent as triage
from openai.lib._pydantic import to_strict_json_schema
from pydantic import AnyUrl, BaseModel, Field
from turnkeeper.agent import Agent
from turnkeeper.domain.schemas import strict

from infra.local.http_service import Request, Response
from infra.local.model_provider import openai as double
from infra.local.model_provider.chat import BadRequestError
from tests.contract.models.conftest import Provider
from tests.contract.models.wires import ask
from tests.support.world import paint

Json = dict[str, Any]


class Size(StrEnum):
    """How large."""

    SMALL = "small"
    LARGE = "large"


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


class Many(BaseModel):
    places: list[Place] = Field(description="In order.")
    sizes: list[Annotated[Size, Field(description="One of them.")]]


class Optional(BaseModel):
    place: Place | None = Field(None, description="Null until there is one.")
    other: Annotated[Place, Field(description="Another.")] | None


class Times(BaseModel):
    day: dt.date
    at: dt.time
    moment: dt.datetime = Field(description="With its zone.")
    takes: dt.timedelta


class Defaults(BaseModel):
    size: Size = Size.SMALL
    place: Place = Place(street="Langstraße", size=Size.LARGE)
    count: int = 3


class Literals(BaseModel):
    one: Literal["a"]
    two: Literal["a", "b"] = Field(description="Either.")
    mixed: Literal["a", 1] | None


class Amount(BaseModel):
    amount: Decimal = Field(gt=0, description="In dollars.")


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
    three: list[Size] = Field(min_length=3, max_length=3)


KINDS = {
    "an enum with a description": Described,
    "a nested model with a description": Nested,
    "a discriminated union": Discriminated,
    "a list of models": Many,
    "an optional model": Optional,
    "dates and times": Times,
    "defaults": Defaults,
    "literals": Literals,
    "a decimal": Amount,
    "a model used twice": Twice,
    "descriptions at every depth": Deep,
    "limits": Limited,
}
AGENTS: dict[str, Agent[Any]] = {
    **{name: paint(output=kind) for name, kind in KINDS.items()},
    "where an output may be missing": paint(output=Nested, output_required=False),
    **{agent.name: agent for agent in (booking, support, triage)},
}
EACH = pytest.mark.parametrize("agent", AGENTS.values(), ids=AGENTS)


def nodes(node: Any) -> Iterator[Json]:
    """Every schema within a schema, itself first."""
    if isinstance(node, list):
        for item in node:
            yield from nodes(item)
    if isinstance(node, dict):
        yield node
        for name, value in node.items():
            yield from nodes(list(value.values()) if name in {"properties", "$defs"} else value)


def meaning(node: Json, defs: Mapping[str, Any]) -> Json:
    """What a schema says, however it is written: definitions in their place, without titles, defaults and limits."""
    node = dict(node)
    if "$ref" in node:
        return meaning({**defs[node.pop("$ref").removeprefix("#/$defs/")], **node}, defs)
    if "oneOf" in node:
        node["anyOf"] = node.pop("oneOf")
    said: Json = {name: node[name] for name in ("type", "enum", "const", "format", "required") if name in node}
    if "description" in node:
        without_limits = re.sub(r" ?\((at (least|most)|more than|less than|matching) .*\)$", "", node["description"])
        said |= {"description": without_limits} if without_limits else {}
    if "properties" in node:
        said["properties"] = {name: meaning(sub, defs) for name, sub in node["properties"].items()}
        said["closed"] = node.get("additionalProperties") is False
    if "items" in node:
        said["items"] = meaning(node["items"], defs)
    if "anyOf" in node:
        said["anyOf"] = [meaning(sub, defs) for sub in node["anyOf"]]
    return said


def sent(provider: Provider, agent: Agent[Any]) -> Json:
    """The schema as it goes over the wire."""
    provider.replies(provider.wire.ok(), ask(provider.wire, schema=agent.answer_model.model_json_schema()))
    form = provider.service.requests[-1].json()["response_format"]["json_schema"]
    assert form["strict"] is True
    schema: Json = form["schema"]
    return schema


@EACH
@pytest.mark.parametrize("provider", ["openai"], indirect=True)
def test_what_is_sent_means_what_the_official_sdk_would_send(provider: Provider, agent: Agent[Any]) -> None:
    ours, theirs = sent(provider, agent), to_strict_json_schema(agent.answer_model)

    assert meaning(theirs, theirs.get("$defs", {})) == meaning(ours, ours.get("$defs", {}))


@EACH
def test_a_reference_stands_alone_and_every_object_is_closed_and_complete(agent: Agent[Any]) -> None:
    found = list(nodes(agent.answer_schema))

    assert [] == [node for node in found if "$ref" in node and len(node) > 1]
    assert [] == [node for node in found if node.keys() & {"oneOf", "allOf", "default", "title", "minimum", "pattern"}]
    for node in found:
        if node.get("type") == "object":
            assert (False, list(node["properties"])) == (node["additionalProperties"], node["required"])


@EACH
def test_what_is_strict_already_stays_as_it_is(agent: Agent[Any]) -> None:
    """So the worst case, which counts the bytes of an agent's schema, counts what is sent."""
    assert agent.answer_schema == strict(agent.answer_schema)


def test_only_what_is_named_is_defined() -> None:
    assert "$defs" not in paint(output=Nested).answer_schema
    assert {"Place"} == paint(output=Twice).answer_schema["$defs"].keys()


def test_a_model_within_itself_has_an_end() -> None:
    schema = strict(Tree.model_json_schema())

    assert "object" == schema["type"]
    assert [] == [node for node in nodes(schema) if "$ref" in node and len(node) > 1]
    assert [{"$ref": "#/$defs/Tree"}] == [node for node in nodes(schema["$defs"]["Tree"]) if "$ref" in node][:1]


class Tree(BaseModel):
    left: "Annotated[Tree, Field(description='Smaller.')] | None" = None


def test_a_format_that_providers_refuse_is_said_in_words() -> None:
    class Link(BaseModel):
        url: AnyUrl = Field(description="Where it is.")

    link = strict(Link.model_json_schema())["properties"]["url"]

    assert "format" not in link
    assert "Where it is. (at least this many characters: 1, in the format uri)" == link["description"]


@pytest.mark.parametrize("beside", [{"description": "x"}, {"default": None}, {"title": "X"}])
def test_our_double_refuses_a_reference_with_a_keyword_beside_it_as_openai_does(beside: Json) -> None:
    schema = {
        "type": "object",
        "properties": {"a": {"$ref": "#/$defs/A", **beside}},
        "$defs": {"A": {"type": "string"}},
    }
    body = {
        "model": "gpt-5.4-mini",
        "messages": [{"role": "user", "content": "Hello?"}],
        "response_format": {"type": "json_schema", "json_schema": {"name": "answer", "strict": True, "schema": schema}},
    }
    with pytest.raises(BadRequestError) as refused:
        double.read(Request("POST", "/v1/chat/completions", {}, {}, json.dumps(body).encode()), "")
    answer: Response = double.fail("bad_request", str(refused.value))

    assert (400, "invalid_request_error") == (answer.status, json.loads(answer.body)["error"]["type"])
    assert f"$ref cannot have keywords {{'{next(iter(beside))}'}}" in json.loads(answer.body)["error"]["message"]
