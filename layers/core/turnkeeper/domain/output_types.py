"""Finds what no model can fill in an output's type, under the rules of the providers that it is sent to.

Sources: https://platform.openai.com/docs/guides/structured-outputs#supported-schemas, the list on which
`openai/lib/transform.ts` of openai-node throws, and
https://platform.claude.com/docs/en/build-with-claude/structured-outputs#json-schema-limitations.
"""

import json
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from functools import lru_cache

from pydantic import BaseModel

from turnkeeper.domain import round_trip
from turnkeeper.domain.schema_walk import Node, resolved, subschemas, walk
from turnkeeper.domain.schemas import Schema, for_anthropic, for_openai

_OPENAI, _ANTHROPIC, _BEDROCK = "OpenAI", "Anthropic", "Bedrock"
_PROVIDERS = {"anthropic": _ANTHROPIC, "bedrock": _BEDROCK}
"""Whose rules hold on a wire; on any other they are OpenAI's, which compatible servers follow."""

_EVERYBODY = frozenset({_OPENAI, _ANTHROPIC, _BEDROCK})
_CLAUDE = frozenset({_ANTHROPIC, _BEDROCK})

MOST_PROPERTIES, MOST_LEVELS, MOST_ENUM_VALUES = 5_000, 10, 1_000
MOST_CHARACTERS = 120_000
"""OpenAI's limits of a schema. Levels are objects and lists, as the documentation does not say which; characters are
those of names, enum values and constants."""
MANY_ENUM_VALUES, MOST_CHARACTERS_OF_MANY = 250, 15_000
"""OpenAI: an enum of texts that has more values than the first has at most so many characters."""
MOST_UNIONS, MOST_OPTIONAL = 16, 24
"""Anthropic's limits of a request: parameters that are unions, and parameters that are not required."""

_TYPED = {"type", "anyOf", "oneOf", "allOf", "enum", "const", "$ref"}
_MAP = {"patternProperties", "propertyNames", "minProperties", "maxProperties"}


@dataclass(frozen=True, slots=True)
class _Rule:
    """What may not stand in a schema: for which providers, how it is found, what it is called, and what to write."""

    providers: frozenset[str]
    is_broken: Callable[[Node], bool]
    what: str
    instead: str


def _is_map(node: Node) -> bool:
    schema = node.schema
    is_open = schema.get("additionalProperties", False) is not False
    is_object = schema.get("type") == "object" or "properties" in schema
    return is_open or not schema.keys().isdisjoint(_MAP) or (is_object and not _has_fields(node))


def _has_fields(node: Node) -> bool:
    """Whether an object has fields, or is a model or a tool's arguments, which may have none."""
    schema, may_have_none = node.schema, node.is_named or not node.place
    return bool(schema.get("properties") or schema.get("allOf")) or (may_have_none and "properties" in schema)


def _is_list_of_anything(node: Node) -> bool:
    schema = node.schema
    return (
        schema.get("type") == "array" and not schema.get("items") and schema.keys().isdisjoint({"prefixItems", "enum"})
    )


def _is_untyped(node: Node) -> bool:
    return node.schema.keys().isdisjoint(_TYPED | {"properties"}) or node.schema.get("anyOf") == []


def _has_odd_values(node: Node) -> bool:
    values = node.schema.get("enum", [node.schema["const"]] if "const" in node.schema else [""])
    return not values or any(isinstance(value, list | dict) for value in values)


_RULES = (
    _Rule(
        _EVERYBODY,
        _is_map,
        "a map, as no schema names its keys",
        "write a list of models with `key` and `value`, or a model with a field for each key (and no extra='allow')",
    ),
    _Rule(
        _EVERYBODY,
        lambda node: "prefixItems" in node.schema,
        "a tuple of a fixed length",
        "write a model with a named field for each place, or a list where all are of one type",
    ),
    _Rule(
        _EVERYBODY,
        lambda node: "uniqueItems" in node.schema,
        "a set",
        "write a list, and refuse what occurs twice in a validator",
    ),
    _Rule(
        _EVERYBODY,
        _has_odd_values,
        "an enum of no values, or of lists or objects",
        "write a Literal or an enum of texts or numbers",
    ),
    _Rule(_EVERYBODY, _is_list_of_anything, "a list of anything", "write what it holds, such as list[str]"),
    _Rule(_EVERYBODY, _is_untyped, "a value of any type", "write its type, such as str, float or a model"),
    _Rule(_EVERYBODY, lambda node: node.schema.get("format") == "binary", "bytes", "write `str`"),
    _Rule(
        frozenset({_OPENAI}),
        lambda node: "uri" in str(node.schema.get("format", "")),
        "a URL (format: uri)",
        "write `str`, and check it in a validator",
    ),
    _Rule(
        _CLAUDE,
        lambda node: node.is_within_itself,
        "a model within itself",
        "write each level as a model of its own, or a flat list whose items name their parent",
    ),
    _Rule(
        frozenset({_OPENAI}),
        lambda node: node.depth > MOST_LEVELS,
        f"models and lists nested more than {MOST_LEVELS} levels deep",
        "write flatter models",
    ),
)


def wrong_output(output: type[BaseModel], answer: Schema, wires: Collection[str]) -> Iterator[str]:
    """Yield what is wrong with an output, given the schema of a whole answer and the wires that it is asked over.

    Each names the field, the providers, what they cannot take, and what to write instead.
    """
    if _root(answer).get("type") != "object":
        yield "output is an object: write a model with a field that holds the union, list or value"
    if not is_json(answer):
        yield "output has a default, an example or a limit that is NaN or infinite: write a finite number, or None"
    yield from mistakes(answer, wires)
    yield from round_trip.mistakes(output, "output")


def _root(answer: Schema) -> Schema:
    """Return the schema of the output's own model: it is named where it is required, or else beside null."""
    output = answer["properties"]["output"]
    return resolved(output if "$ref" in output else output["anyOf"][0], answer["$defs"])


def mistakes(schema: Schema, wires: Collection[str]) -> Iterator[str]:
    """Yield what the providers on `wires` cannot take in a schema."""
    asked = {_PROVIDERS.get(wire, _OPENAI) for wire in wires}
    for node in walk(schema):
        for rule in _RULES:
            if (meant := asked & rule.providers) and rule.is_broken(node):
                yield f"{node.place}: {_names(meant)} cannot take {rule.what}: {rule.instead}"
    if _OPENAI in asked:
        yield from (f"{_OPENAI} cannot take {much}: {instead}" for much, instead in _too_much_for_openai(schema))
    if meant := asked & _CLAUDE:
        yield from (f"{_names(meant)} cannot take {much}: {instead}" for much, instead in _too_much_for_claude(schema))


def can_be_strict(schema: Schema) -> bool:
    """Whether OpenAI takes `for_openai(schema)` as a tool's parameters under `strict`; else the call is not strict."""
    return _can_be_strict(json.dumps(dict(schema)))


@lru_cache(maxsize=512)
def _can_be_strict(schema: str) -> bool:
    return next(mistakes(json.loads(schema), {"openai"}), None) is None


def is_json(schema: Schema) -> bool:
    """Whether a schema can be sent at all: a default, an example or a limit may be NaN or infinite."""
    try:
        json.dumps(dict(schema), allow_nan=False)
    except ValueError:
        return False
    return True


def _names(providers: Collection[str]) -> str:
    return " and ".join(sorted(providers))


def _too_much_for_openai(schema: Schema) -> Iterator[tuple[str, str]]:
    nodes = list(subschemas(for_openai(schema)))
    names = [name for node in nodes for name in node.get("properties", ())]
    values = [node["enum"] for node in nodes if "enum" in node]
    said = [
        *names,
        *(str(value) for enum in values for value in enum),
        *(str(n["const"]) for n in nodes if "const" in n),
    ]
    if len(names) > MOST_PROPERTIES:
        yield f"more than {MOST_PROPERTIES:,} fields", "write fewer fields"
    if sum(map(len, values)) > MOST_ENUM_VALUES:
        yield f"more than {MOST_ENUM_VALUES:,} values of enums", "write `str`, and check it in a validator"
    if any(len(v) > MANY_ENUM_VALUES and sum(len(str(x)) for x in v) > MOST_CHARACTERS_OF_MANY for v in values):
        much = f"an enum of more than {MOST_CHARACTERS_OF_MANY:,} characters"
        yield much, "write `str`, and check it in a validator"
    if sum(map(len, said)) > MOST_CHARACTERS:
        yield f"more than {MOST_CHARACTERS:,} characters of names and values", "write shorter ones, or fewer"


def _too_much_for_claude(schema: Schema) -> Iterator[tuple[str, str]]:
    nodes = list(subschemas(for_anthropic(schema)))
    unions = sum("anyOf" in node for node in nodes)
    optional = sum(len(node.get("properties", ())) - len(node.get("required", ())) for node in nodes)
    if unions > MOST_UNIONS:
        instead = "write fewer `X | None` and Decimal, and '' or [] where nothing is known"
        yield f"{unions} unions, but {MOST_UNIONS}", instead
    if optional > MOST_OPTIONAL:
        yield f"{optional} fields that have a default, but {MOST_OPTIONAL}", "write fewer defaults"
