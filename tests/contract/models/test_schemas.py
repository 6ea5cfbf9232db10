"""A schema as it is sent is taken by the provider, and means what the official SDK makes of the same model."""

import json
import re
import subprocess
import sys
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from anthropic.lib._parse._transform import transform_schema
from openai.lib._pydantic import to_strict_json_schema
from pydantic import BaseModel, HttpUrl
from turnkeeper import Agent, Alternative, Model
from turnkeeper.agent import Tool
from turnkeeper.domain import output_types
from turnkeeper.domain.arguments import read_arguments
from turnkeeper.domain.output_types import can_be_strict
from turnkeeper.domain.schemas import for_anthropic, for_openai, is_simple, longest_bytes, loose, strict
from turnkeeper.runtime.model_calls import input_bound

from infra.local.http_service import Request
from infra.local.model_provider.annotated import Annotations
from infra.local.model_provider.app import Provider as Double
from infra.local.model_provider.brain import Brain
from infra.local.model_provider.filling import Filling
from tests.contract.models.corpus import (
    AGENTS,
    LOOSE_TOOLS,
    OUTPUTS,
    STRICT_TOOLS,
    DescribedTree,
    Nested,
    Patterns,
    Tree,
    Twice,
)
from tests.contract.models.subset import anthropic_refuses, openai_refuses, within
from tests.contract.models.wires import TOOL, WIRES, ask
from tests.support.world import paint

Json = dict[str, Any]
Sent = Callable[[Mapping[str, Any]], Json]

EACH = pytest.mark.parametrize("agent", AGENTS.values(), ids=AGENTS)
EACH_TOOL = pytest.mark.parametrize("tool", STRICT_TOOLS.values(), ids=STRICT_TOOLS)
FORMS: dict[str, Sent] = {"openai": for_openai, "anthropic": for_anthropic, "everybody": strict}
IN_EACH_FORM = pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
DEEP_ENOUGH = 8

LIMITS = {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "minItems", "maxItems"}
FORMATS = {"date-time", "time", "date", "duration", "ipv4", "ipv6", "uuid"}


def meaning(node: Json, defs: Mapping[str, Any], limits: set[str], depth: int = DEEP_ENOUGH) -> Json:
    """What a schema says, however it is written: definitions in their place, without titles, defaults and words.

    `limits` are the keywords that the provider takes; a model within itself is written out to a depth.
    """
    while "$ref" in node:
        node = {**defs[node["$ref"].removeprefix("#/$defs/")], **{k: v for k, v in node.items() if k != "$ref"}}
    said: Json = {name: node[name] for name in ("enum", "const", *limits) if name in node}
    if not node.keys() & {"enum", "const"}:  # they imply the type
        said |= {"type": node.get("type")}
    if node.get("format") in FORMATS:
        said["format"] = node["format"]
    if "anyOf" in node or "oneOf" in node:
        options = node.get("anyOf") or node["oneOf"]
        said["anyOf"] = [meaning(sub, defs, limits, depth - 1) for sub in options] if depth else "..."
    if "properties" in node and depth:
        parts = node["properties"].items()
        said["properties"] = {name: meaning(sub, defs, limits, depth - 1) for name, sub in parts}
        said |= {"required": set(node.get("required", ())), "closed": node.get("additionalProperties") is False}
    if "items" in node:
        said["items"] = meaning(node["items"], defs, limits, depth - 1) if depth else "..."
    return said


def described(node: Json, defs: Mapping[str, Any], depth: int = DEEP_ENOUGH) -> Json:
    """The descriptions in a schema by place, without the words for limits at their end."""
    while "$ref" in node:
        node = {**defs[node["$ref"].removeprefix("#/$defs/")], **{k: v for k, v in node.items() if k != "$ref"}}
    said = re.sub(
        r" ?\((at (least|most)|more than|less than|a multiple|matching|in the|default:).*\)$", "", _text(node)
    )
    parts = {**node.get("properties", {}), "[]": node.get("items", {})}
    parts |= {str(n): sub for n, sub in enumerate(node.get("anyOf") or node.get("oneOf") or ())}
    inner = {name: described(sub, defs, depth - 1) for name, sub in parts.items()} if depth else {}
    return {"": said} | {name: sub for name, sub in inner.items() if sub}


def _text(node: Json) -> str:
    return str(node.get("description", ""))


def test_the_corpus_is_wide() -> None:
    assert 30 <= len(OUTPUTS)


@EACH
def test_openai_takes_what_it_is_sent(agent: Agent[Any]) -> None:
    assert [] == openai_refuses(for_openai(agent.answer_schema))


@EACH
def test_claude_takes_what_it_is_sent(agent: Agent[Any]) -> None:
    assert [] == anthropic_refuses(for_anthropic(agent.answer_schema))


@EACH
def test_both_take_what_is_for_everybody(agent: Agent[Any]) -> None:
    schema = strict(agent.answer_schema)

    assert [] == [*openai_refuses(schema), *anthropic_refuses(schema)]


@EACH
def test_openai_is_sent_what_its_sdk_means(agent: Agent[Any]) -> None:
    ours, theirs = for_openai(agent.answer_schema), to_strict_json_schema(agent.answer_model)

    assert meaning(theirs, theirs.get("$defs", {}), LIMITS) == meaning(ours, ours.get("$defs", {}), LIMITS)


@EACH
def test_claude_is_sent_what_its_sdk_means(agent: Agent[Any]) -> None:
    ours, theirs = for_anthropic(agent.answer_schema), transform_schema(agent.answer_schema)

    assert meaning(theirs, theirs.get("$defs", {}), {"minItems"}) == meaning(ours, ours.get("$defs", {}), {"minItems"})


@EACH_TOOL
def test_a_strict_tool_is_sent_what_the_sdk_means(tool: Tool) -> None:
    ours, theirs = for_openai(tool.schema), to_strict_json_schema(tool.arguments)

    assert can_be_strict(tool.schema)
    assert [] == openai_refuses(ours)
    assert meaning(theirs, theirs.get("$defs", {}), LIMITS) == meaning(ours, ours.get("$defs", {}), LIMITS)


@EACH_TOOL
def test_a_tool_takes_what_a_strict_model_sends(tool: Tool) -> None:
    """Every argument, and null where it may be left out and nothing is known."""
    schema = for_openai(tool.schema)
    sent = Filling(schema, {"date": "2026-12-04", "time": "14:30"}, "A-1001 42.50").value(schema)
    read = read_arguments(json.dumps(sent), tool.arguments)

    assert sent.keys() == tool.schema["properties"].keys()
    assert not isinstance(read, list), read


@pytest.mark.parametrize("tool", LOOSE_TOOLS.values(), ids=LOOSE_TOOLS)
def test_a_tool_that_cannot_be_strict_is_known(tool: Tool) -> None:
    assert not can_be_strict(tool.schema)


def test_what_can_be_strict_is_found_out_once(monkeypatch: pytest.MonkeyPatch) -> None:
    schema = {"type": "object", "properties": {"only_here": {"type": "string"}}}
    assert can_be_strict(schema)
    monkeypatch.setattr(output_types, "mistakes", lambda *_: pytest.fail("a schema was walked again"))

    assert can_be_strict(dict(schema))


@pytest.mark.parametrize("tool", LOOSE_TOOLS.values(), ids=LOOSE_TOOLS)
def test_every_array_of_a_tool_that_is_not_strict_has_items(tool: Tool) -> None:
    """Source: OpenAI's 400 "array schema missing items", also without strict."""
    arrays = [node for node in within(loose(tool.schema)) if node.get("type") == "array"]

    assert all("items" in array for array in arrays)
    assert [] != arrays or tool.name in {"open_map", "anything"}


@IN_EACH_FORM
@EACH
def test_no_description_is_lost(agent: Agent[Any], form: Sent) -> None:
    raw, sent = agent.answer_schema, form(agent.answer_schema)

    assert described(raw, raw.get("$defs", {})) == described(sent, sent.get("$defs", {}))


@IN_EACH_FORM
@EACH
def test_what_is_in_a_form_already_stays_as_it_is(agent: Agent[Any], form: Sent) -> None:
    once = form(agent.answer_schema)

    assert once == form(once)


@EACH
def test_the_worst_case_counts_the_longest_form(agent: Agent[Any]) -> None:
    forms = [form(agent.answer_schema) for form in [*FORMS.values(), loose, dict]]

    assert max(len(json.dumps(form)) for form in forms) == longest_bytes(agent.answer_schema)


def test_the_worst_case_of_a_request_counts_schemas_and_tools_in_their_longest_form() -> None:
    schema = paint(output=Twice).answer_schema
    wire = WIRES["anthropic"]
    plain = input_bound(ask(wire))

    assert longest_bytes(schema) == input_bound(ask(wire, schema=schema)) - plain
    assert longest_bytes(TOOL.schema) <= input_bound(ask(wire, tools=(TOOL,))) - plain


def test_the_bytes_are_the_same_in_every_process() -> None:
    """Providers cache prompts by their bytes."""
    limits = {"type": "number", "minimum": 0, "exclusiveMaximum": 9, "multipleOf": 3, "default": 3}
    code = f"from turnkeeper.domain.schemas import for_anthropic as a, for_openai as o; print(a({limits}), o({limits}))"
    seen = {
        subprocess.run(
            [sys.executable, "-c", code],
            check=True,
            capture_output=True,
            text=True,
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": ":".join(sys.path)},
        ).stdout
        for seed in ("1", "2")
    }

    assert 1 == len(seen)


def test_only_what_is_named_is_defined() -> None:
    assert "$defs" not in for_openai(paint(output=Nested).answer_schema)
    assert {"Place"} == for_openai(paint(output=Twice).answer_schema)["$defs"].keys()


@IN_EACH_FORM
@pytest.mark.parametrize("kind", [Tree, DescribedTree])
def test_a_model_within_itself_has_an_end(form: Sent, kind: type[BaseModel]) -> None:
    schema = form(kind.model_json_schema())

    assert "object" == schema["type"]
    assert [] == [node for node in within(schema) if "$ref" in node and len(node) > 1]


@pytest.mark.parametrize("kind", [Tree, DescribedTree])
def test_openai_takes_a_model_within_itself_and_claude_does_not(kind: type[BaseModel]) -> None:
    ours = [Model("openai:x")]
    agent = paint(output=kind, chain=ours, alternative=Alternative("Simply.", ours))

    assert [] == openai_refuses(for_openai(agent.answer_schema))
    assert [f"{kind.__name__} contains itself"] == anthropic_refuses(for_anthropic(agent.answer_schema))


def property_of(form: Sent, kind: type[BaseModel], name: str) -> Json:
    made: Json = form(kind.model_json_schema())["properties"][name]
    return made


def test_limits_hold_the_model_where_the_provider_takes_them_and_are_said_where_not() -> None:
    limited = OUTPUTS["limits"]

    assert {"type": "number", "minimum": 0, "exclusiveMaximum": 1} == property_of(for_openai, limited, "share")
    assert {"type": "number", "description": "(at least 0, less than 1)"} == property_of(
        for_anthropic, limited, "share"
    )
    assert {"minItems": 3, "maxItems": 3}.items() <= property_of(for_openai, limited, "three").items()
    assert "(at least this many items: 3, at most this many items: 3)" in _text(
        property_of(for_anthropic, limited, "three")
    )
    assert 1 == property_of(for_anthropic, limited, "some")["minItems"]
    for form in (for_openai, for_anthropic):
        name = property_of(form, limited, "name")
        assert "Lower case. (at least this many characters: 1, at most this many characters: 9)" == name["description"]
        assert "^[a-z]+$" == name["pattern"]


@pytest.mark.parametrize("form", [for_openai, for_anthropic])
def test_a_pattern_that_cannot_hold_a_model_is_said(form: Sent) -> None:
    simple, behind = property_of(form, Patterns, "simple"), property_of(form, Patterns, "behind")

    assert r"^(?:a|b)\d{1,3}\\bar$" == simple["pattern"]
    assert r"After an a. (matching (?<=a)b)" == behind["description"]
    assert not any("pattern" in property_of(form, Patterns, name) for name in ("ahead", "behind", "again", "word"))


@pytest.mark.parametrize(
    ("pattern", "simple"),
    [
        ("", True),
        ("^[A-Z]-[0-9]{4}$", True),
        (r"\d+\.\d\d|\(\?=x\)", True),
        (r"a\\b", True),
        ("(?:ab)+", True),
        (r"\bfoo", False),
        (r"foo\B", False),
        (r"a\\\b", False),
        ("(?=a)", False),
        ("(?!a)", False),
        ("(?<=a)b", False),
        ("(?<!a)b", False),
        ("(?i)a", False),
        ("(?P<x>a)(?P=x)", False),
        (r"(a)\1", False),
        (r"\Aa\Z", False),
        (r"\p{L}", False),
    ],
)
def test_which_patterns_are_simple(pattern: str, simple: bool) -> None:
    assert simple is is_simple(pattern)


def test_a_format_is_kept_where_the_provider_takes_it() -> None:
    class Link(BaseModel):
        url: HttpUrl

    assert "uri" == property_of(for_anthropic, Link, "url")["format"]
    assert "format" not in property_of(for_openai, Link, "url")
    assert "in the format uri" in property_of(for_openai, Link, "url")["description"]


def test_a_default_is_said_and_a_null_goes_without_saying() -> None:
    defaults, maybe = OUTPUTS["defaults"], OUTPUTS["optional everything"]

    assert "(default: 3)" == property_of(for_openai, defaults, "count")["description"]
    assert "(default: 3)" == property_of(for_anthropic, defaults, "count")["description"]
    assert "How large. (default: small)" == property_of(for_openai, defaults, "size")["description"]
    assert "description" not in property_of(for_openai, maybe, "text")


def test_claude_may_leave_out_what_has_a_default_and_openai_may_not() -> None:
    defaults = OUTPUTS["defaults"].model_json_schema()

    assert [] == for_anthropic(defaults)["required"]
    assert list(defaults["properties"]) == for_openai(defaults)["required"]


RAW: dict[str, Json] = {
    "one of allOf": {
        "type": "object",
        "properties": {"a": {"allOf": [{"$ref": "#/$defs/A"}], "description": "Which."}},
        "required": ["a"],
        "$defs": {"A": {"type": "string", "enum": ["x", "y"]}},
    },
    "several of allOf": {
        "type": "object",
        "properties": {"a": {"allOf": [{"$ref": "#/$defs/A"}, {"$ref": "#/$defs/B"}]}},
        "required": ["a"],
        "$defs": {
            "A": {"type": "object", "properties": {"x": {"type": "string"}}, "required": ["x"]},
            "B": {"type": "object", "properties": {"y": {"$ref": "#/$defs/A"}}, "required": ["y"]},
        },
    },
    "a list of types": {
        "type": "object",
        "properties": {"a": {"type": ["string", "null"], "maxLength": 3, "description": "Perhaps."}},
        "required": ["a"],
    },
    "a reference at the root": {
        "$ref": "#/$defs/A",
        "$defs": {"A": {"type": "object", "properties": {"a": {"type": "string"}}}},
    },
    "what no provider knows": {
        "type": "object",
        "properties": {"a": {"type": "string", "not": {"const": ""}, "x-order": 1, "$comment": "!"}},
        "dependentRequired": {"a": ["b"]},
        "unevaluatedProperties": False,
    },
}


@pytest.mark.parametrize("schema", RAW.values(), ids=RAW)
def test_what_pydantic_does_not_write_is_made_right_too(schema: Json) -> None:
    assert [] == openai_refuses(for_openai(schema))
    assert [] == anthropic_refuses(for_anthropic(schema))
    assert openai_refuses(schema)
    assert anthropic_refuses(schema)


def test_several_of_all_become_one() -> None:
    made = for_openai(RAW["several of allOf"])["properties"]["a"]

    assert ["x", "y"] == made["required"]
    assert {"$ref": "#/$defs/A"} == made["properties"]["y"]


def test_a_list_of_types_becomes_a_union() -> None:
    made = for_openai(RAW["a list of types"])["properties"]["a"]

    assert "Perhaps." == made["description"]
    assert [{"type": "null"}] == made["anyOf"][1:]


NAIVE = ["a discriminated union", "a list of discriminated unions", "decimals", "uuids", "patterns", "limits"]


@pytest.mark.parametrize("name", NAIVE)
def test_the_sdks_own_transform_is_not_always_taken(name: str) -> None:
    """So that an equal result is no proof of a right one."""
    assert openai_refuses(to_strict_json_schema(OUTPUTS[name]))


@pytest.mark.parametrize("beside", [{"description": "x"}, {"default": None}, {"title": "X"}])
def test_our_double_refuses_a_reference_with_a_keyword_beside_it_as_openai_does(beside: Json) -> None:
    schema = {
        "type": "object",
        "properties": {"a": {"$ref": "#/$defs/A", **beside}},
        "required": ["a"],
        "additionalProperties": False,
        "$defs": {"A": {"type": "string"}},
    }
    body = {
        "model": "gpt-5.4-mini",
        "messages": [{"role": "user", "content": "Hello?"}],
        "response_format": {"type": "json_schema", "json_schema": {"name": "answer", "strict": True, "schema": schema}},
    }
    answer = Double(Brain(Annotations()))(
        Request("POST", "/v1/chat/completions", {}, {"authorization": "Bearer k"}, json.dumps(body).encode())
    )

    assert (400, "invalid_request_error") == (answer.status, json.loads(answer.body)["error"]["type"])
    assert f"$ref cannot have keywords {{'{next(iter(beside))}'}}" in json.loads(answer.body)["error"]["message"]
