"""The subset of JSON Schema that strict mode takes: each thing outside of it, and the same done right."""

from decimal import Decimal
from typing import Any, Literal

import pytest
from openai.lib._pydantic import to_strict_json_schema
from pydantic import BaseModel

from infra.local.model_provider.rules.strict_schema import FORMATS, fault_of

Json = dict[str, Any]

TEXT: Json = {"type": "string"}


def having(properties: Json, **changes: Any) -> Json:
    """An object with these properties, closed and complete."""
    whole = {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}
    return {name: value for name, value in {**whole, **changes}.items() if value is not None}


def one(schema: Any) -> Json:
    return having({"a": schema})


def nested(levels: int) -> Json:
    schema = having({"a": TEXT})
    for _ in range(levels - 1):
        schema = one(schema)
    return schema


def enum(values: int, characters: int) -> Json:
    return one({"type": "string", "enum": [f"{n:0{characters}}" for n in range(values)]})


REFUSED: dict[str, tuple[Any, str]] = {
    "no object": ("text", "'str'"),
    "a list at the root": ({"type": "array", "items": TEXT}, "'type: \"array\"'"),
    "a reference at the root": ({"$ref": "#/$defs/A", "$defs": {"A": one(TEXT)}}, "'type: \"None\"'"),
    "anyOf at the root": ({**one(TEXT), "anyOf": [one(TEXT)]}, "'anyOf' is not permitted at the root"),
    "an open object": (having({"a": TEXT}, additionalProperties=None), "'additionalProperties' is required"),
    "an object open on purpose": (having({"a": TEXT}, additionalProperties=True), "'additionalProperties' is required"),
    "a map": (one({"type": "object", "additionalProperties": TEXT}), "'additionalProperties' is required"),
    "an open object within": (one({"type": "object", "properties": {}}), "context=('properties', 'a')"),
    "an optional property": (having({"a": TEXT, "b": TEXT}, required=["a"]), "Missing 'b'"),
    "nothing required": (having({"a": TEXT}, required=None), "Missing 'a'"),
    "a required property that is not there": (having({"a": TEXT}, required=["a", "z"]), "extra key 'z'"),
    "anything": (one({}), "must have a 'type' key"),
    "a description alone": (one({"description": "Anything."}), "must have a 'type' key"),
    "true for a schema": (one(True), "must be an object"),
    "an unknown type": (one({"type": "date"}), "not a valid type"),
    "an unknown type among others": (one({"type": ["string", "nil"]}), "not a valid type"),
    "a list of anything": (one({"type": "array"}), "missing items"),
    "a list of nothing said": (one({"type": "array", "items": {}}), "must have a 'type' key"),
    "an empty enum": (one({"enum": []}), "non-empty array"),
    "an enum of objects": (one({"enum": [{"a": 1}]}), "scalars"),
    "an empty anyOf": (one({"anyOf": []}), "non-empty array"),
    "a wrong part of anyOf": (one({"anyOf": [TEXT, {"type": "object"}]}), "'anyOf', '1'"),
    "a keyword beside a reference": (
        {**one({"$ref": "#/$defs/A", "description": "x"}), "$defs": {"A": TEXT}},
        "$ref cannot have keywords {'description'}",
    ),
    "a reference elsewhere": (one({"$ref": "https://example.com/a.json"}), "can not be resolved"),
    "a reference to nothing": (one({"$ref": "#/$defs/A"}), "can not be resolved"),
    "a wrong definition": ({**one(TEXT), "$defs": {"A": {"type": "array"}}}, "('$defs', 'A')"),
    "a look-ahead": (one({**TEXT, "pattern": "^(?!x)"}), "'pattern'"),
    "a broken pattern": (one({**TEXT, "pattern": "("}), "'pattern'"),
    "a limit that is no number": (one({"type": "number", "minimum": "1"}), "'minimum' must be a number"),
    **{f"the format {name}": (one({**TEXT, "format": name}), f"'{name}' is not a valid format") for name in (
        "uri", "binary", "regex", "uuid4", "iri", "json-pointer",
    )},
    **{
        keyword: (one({**TEXT, keyword: value}), f"'{keyword}' is not permitted")
        for keyword, value in {
            "allOf": [TEXT], "oneOf": [TEXT], "not": TEXT, "if": TEXT, "then": TEXT, "else": TEXT,
            "prefixItems": [TEXT],
            "dependentRequired": {}, "dependentSchemas": {}, "patternProperties": {}, "propertyNames": TEXT,
            "contains": TEXT, "unevaluatedProperties": False, "unevaluatedItems": False, "uniqueItems": True,
            "minLength": 1, "maxLength": 9, "minProperties": 1, "discriminator": {}, "default": "x", "examples": ["x"],
        }.items()
    },
    "11 levels": (nested(11), "levels"),
    "11 levels through references": (
        {**one({"$ref": "#/$defs/A"}), "$defs": {"A": nested(10)}},
        "levels",
    ),
    "5,001 properties": (having({f"p{n}": TEXT for n in range(5_001)}), "object properties"),
    "1,001 enum values": (having({"a": enum(501, 4), "b": enum(500, 4)}), "enum values"),
    "long names": (having({f"{n:0500}": TEXT for n in range(241)}), "characters"),
    "a large enum of long values": (enum(251, 60), "15000 characters"),
}  # fmt: skip
TAKEN: dict[str, Json] = {
    "plain": one(TEXT),
    "no properties": having({}),
    "null for what may be missing": one({"anyOf": [TEXT, {"type": "null"}]}),
    "a list of types": one({"type": ["string", "null"]}),
    "an enum without a type": one({"enum": ["a", 1, None]}),
    "a constant": one({"const": "a"}),
    "recursion from the root": one({"anyOf": [{"$ref": "#"}, {"type": "null"}]}),
    "recursion by a definition": {
        **one({"$ref": "#/$defs/A"}),
        "$defs": {"A": having({"next": {"anyOf": [{"$ref": "#/$defs/A"}, {"type": "null"}]}})},
    },
    "limits": one({"type": "array", "items": {"type": "number", "minimum": 0, "maximum": 1.5}, "minItems": 1}),
    "a simple pattern": one({**TEXT, "pattern": r"^[A-Z]-\d{4}$"}),
    "a property named as a keyword": having({"allOf": TEXT, "default": TEXT, "$ref": TEXT}),
    "10 levels": nested(10),
    "5,000 properties": having({f"p{n}": TEXT for n in range(5_000)}),
    "1,000 enum values": having({"a": enum(500, 4), "b": enum(500, 4)}),
    "a large enum of short values": enum(251, 59),
    "a small enum of long values": enum(250, 100),
    **{f"the format {name}": one({**TEXT, "format": name}) for name in sorted(FORMATS)},
}


@pytest.mark.parametrize(("schema", "says"), REFUSED.values(), ids=REFUSED)
def test_what_is_outside_of_the_subset_is_refused(schema: Any, says: str) -> None:
    assert says in (fault_of(schema) or "")


@pytest.mark.parametrize("schema", TAKEN.values(), ids=TAKEN)
def test_what_is_within_the_subset_is_taken(schema: Json) -> None:
    assert fault_of(schema) is None


def test_one_server_takes_a_choice_at_the_root() -> None:
    choice = {"anyOf": [one(TEXT), one({"type": "number"})]}

    assert fault_of(choice)
    assert fault_of(choice, takes_root_any_of=True) is None


def test_definitions_that_double_at_each_level_are_measured_in_no_time() -> None:
    definitions = {f"A{n}": having({key: {"$ref": f"#/$defs/A{n + 1}"} for key in "ab"}) for n in range(60)}
    schema = {**one({"$ref": "#/$defs/A0"}), "$defs": {**definitions, "A60": TEXT}}

    assert "levels" in (fault_of(schema) or "")


class Plain(BaseModel):
    kind: Literal["a", "b"]
    count: int | None = None
    tags: list[str]


class Mapped(BaseModel):
    scores: dict[str, float]


class Amount(BaseModel):
    amount: Decimal


def test_what_the_official_sdk_makes_of_a_plain_model_is_taken_and_what_it_cannot_mend_is_not() -> None:
    assert fault_of(to_strict_json_schema(Plain)) is None
    assert fault_of(to_strict_json_schema(Mapped))
    assert "'pattern'" in (fault_of(to_strict_json_schema(Amount)) or "")
