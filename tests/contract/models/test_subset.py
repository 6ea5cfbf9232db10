"""The checkers of schemas refuse what the providers refuse: each rule with a schema that breaks it."""

from typing import Any

import pytest

from tests.contract.models.subset import anthropic_refuses, openai_refuses

Json = dict[str, Any]


def wrong(**changes: Any) -> Json:
    right = {
        "type": "object",
        "properties": {"a": {"type": "string"}},
        "required": ["a"],
        "additionalProperties": False,
    }
    return {**right, **changes}


def holding(part: Json, **defs: Json) -> Json:
    return wrong(properties={"a": part}, **({"$defs": defs} if defs else {}))


def nested(levels: int) -> Json:
    return holding(nested(levels - 1)) if levels > 1 else wrong()


def wide(count: int, *, required: int = 0, part: Json | None = None) -> Json:
    names = [f"f{n}" for n in range(count)]
    return wrong(properties=dict.fromkeys(names, part or {"type": "string"}), required=names[:required])


UNION = {"anyOf": [{"type": "string"}, {"type": "null"}]}
BOTH_REFUSE = {
    "an open object": wrong(additionalProperties=True),
    "an object that does not say": {"type": "object", "properties": {}, "required": []},
    "a map": holding({"type": "object", "additionalProperties": {"type": "string"}}),
    "anything": holding({"title": "A"}),
    "an array of anything": holding({"type": "array", "items": {}}),
    "an array without items": holding({"type": "array"}),
    "a tuple": holding({"type": "array", "prefixItems": [{"type": "string"}]}),
    "a set": holding({"type": "array", "items": {"type": "string"}, "uniqueItems": True}),
    "oneOf": holding({"oneOf": [{"type": "string"}]}),
    "a look-ahead": holding({"type": "string", "pattern": "^(?!a)"}),
    "a length": holding({"type": "string", "minLength": 1}),
    "an enum of objects": holding({"enum": [{"a": 1}]}),
    "an unknown reference": holding({"$ref": "#/$defs/B"}),
    "a binary": holding({"type": "string", "format": "binary"}),
}
OPENAI_REFUSES = {
    "a root that is no object": {"anyOf": [wrong()]},
    "what is not required": wrong(required=[]),
    "a default": holding({"type": "string", "default": "x"}),
    "a description beside a reference": holding({"$ref": "#/$defs/B", "description": "x"}, B={"type": "string"}),
    "a URL": holding({"type": "string", "format": "uri"}),
    "11 levels": nested(11),
    "5,001 properties": wide(5001, required=5001),
    "1,001 values": holding({"enum": [f"{n}" for n in range(1001)]}),
    "a long enum": holding({"enum": [f"{n:061}" for n in range(251)]}),
    "too many characters": holding({"const": "x" * 120_000}),
}
CLAUDE_REFUSES = {
    "a limit": holding({"type": "number", "minimum": 1}),
    "two items at least": holding({"type": "array", "items": {"type": "string"}, "minItems": 2}),
    "allOf with a reference": holding({"allOf": [{"$ref": "#/$defs/B"}]}, B={"type": "string"}),
    "a model within itself": holding({"$ref": "#/$defs/B"}, B=holding({"$ref": "#/$defs/B"})),
    "17 unions": wide(17, required=17, part=UNION),
    "25 that are optional": wide(25),
    "an optional one first": wrong(properties={"b": {"type": "string"}, "a": {"type": "string"}}),
}


@pytest.mark.parametrize("schema", [pytest.param(s, id=why) for why, s in (BOTH_REFUSE | OPENAI_REFUSES).items()])
def test_the_checker_of_openai_refuses(schema: Json) -> None:
    assert openai_refuses(schema)


@pytest.mark.parametrize("schema", [pytest.param(s, id=why) for why, s in (BOTH_REFUSE | CLAUDE_REFUSES).items()])
def test_the_checker_of_claude_refuses(schema: Json) -> None:
    assert anthropic_refuses(schema)


@pytest.mark.parametrize("schema", [wrong(), nested(10), wide(5000, required=5000), wide(2, required=2, part=UNION)])
def test_the_checker_of_openai_takes_what_is_right(schema: Json) -> None:
    assert [] == openai_refuses(schema)


@pytest.mark.parametrize("schema", [wrong(), nested(30), wide(24), wide(16, required=16, part=UNION)])
def test_the_checker_of_claude_takes_what_is_right(schema: Json) -> None:
    assert [] == anthropic_refuses(schema)
