"""What OpenAI and Anthropic refuse in a schema of structured output, as their documentation and the reports say.

Written from these, and not from our own code:
https://platform.openai.com/docs/guides/structured-outputs#supported-schemas, `src/lib/transform.ts` of openai-node,
https://platform.claude.com/docs/en/build-with-claude/structured-outputs#json-schema-limitations.
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

Json = Mapping[str, Any]

_SCALAR_FORMATS = {"date-time", "time", "date", "duration", "email", "hostname", "ipv4", "ipv6", "uuid"}
_BOTH = {"type", "properties", "required", "additionalProperties", "items", "anyOf", "enum", "const", "$ref", "$defs"}
_BOTH |= {"description", "format", "pattern", "minItems"}
_OPENAI = _BOTH | {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "maxItems"}
_ANTHROPIC = _BOTH | {"default", "allOf", "title"}
_TYPES = {"string", "number", "integer", "boolean", "object", "array", "null"}


def within(node: Json) -> Iterator[Json]:
    """Every schema that is written within a schema, itself first."""
    yield node
    for inner in [*node.get("properties", {}).values(), *node.get("$defs", {}).values()]:
        yield from within(inner)
    for key in ("anyOf", "allOf", "oneOf", "prefixItems"):
        for inner in node.get(key, ()):
            yield from within(inner)
    if isinstance(node.get("items"), Mapping):
        yield from within(node["items"])


def openai_refuses(schema: Json) -> list[str]:
    """Why OpenAI answers 400 to a strict schema; empty where it does not."""
    nodes = list(within(schema))
    found = [why for node in nodes for why in [*_refused_by_both(node, _OPENAI), *_refused_by_openai(node)]]
    if schema.get("type") != "object" or "anyOf" in schema or "$ref" in schema:
        found.append("the root is an object")
    names = [name for node in nodes for name in [*node.get("properties", ()), *node.get("$defs", ())]]
    enums = [[str(value) for value in node["enum"]] for node in nodes if "enum" in node]
    if len([name for node in nodes for name in node.get("properties", ())]) > 5000:
        found.append("more than 5000 properties")
    if _levels(schema, schema.get("$defs", {}), ()) > 10:
        found.append("more than 10 levels")
    if sum(map(len, enums)) > 1000:
        found.append("more than 1000 enum values")
    if any(len(enum) > 250 and len("".join(enum)) > 15_000 for enum in enums):
        found.append("a large enum of more than 15000 characters")
    consts = [str(node["const"]) for node in nodes if "const" in node]
    if len("".join([*names, *consts, *("".join(enum) for enum in enums)])) > 120_000:
        found.append("more than 120000 characters")
    return [*found, *_unresolved(schema)]


def anthropic_refuses(schema: Json) -> list[str]:
    """Why Anthropic answers 400 to a schema; empty where it does not."""
    nodes = list(within(schema))
    found = [why for node in nodes for why in [*_refused_by_both(node, _ANTHROPIC), *_refused_by_anthropic(node)]]
    defs = schema.get("$defs", {})
    found += [f"{name} contains itself" for name in defs if name in _reached(defs[name], defs)]
    if sum("anyOf" in node or isinstance(node.get("type"), list) for node in nodes) > 16:
        found.append("more than 16 unions")
    if sum(len(set(node.get("properties", ())) - set(node.get("required", ()))) for node in nodes) > 24:
        found.append("more than 24 optional parameters")
    return [*found, *_unresolved(schema)]


def _refused_by_both(node: Json, keywords: set[str]) -> Iterator[str]:
    yield from (f"the keyword {name}" for name in node.keys() - keywords)
    if node.keys().isdisjoint({"type", "anyOf", "allOf", "enum", "const", "$ref"}):
        yield f"no type: {json.dumps(node)}"
    kinds = node.get("type", [])
    if not {kinds} <= _TYPES if isinstance(kinds, str) else not set(kinds) <= _TYPES:
        yield f"the type {kinds}"
    if (kinds == "object" or "properties" in node) and node.get("additionalProperties") is not False:
        yield "an open object"
    if kinds == "array" and not node.get("items"):
        yield "an array without items"
    if not node.get("enum", [""]) or any(isinstance(value, list | dict) for value in node.get("enum", ())):
        yield "an enum of no values, or of objects"
    if re.search(r"\(\?[^:]|(?<!\\)(?:\\\\)*\\[bB1-9]", node.get("pattern", "")):
        yield "a pattern that looks around or back, or a boundary of words"


def _refused_by_openai(node: Json) -> Iterator[str]:
    if "$ref" in node and len(node) > 1:
        yield f"$ref cannot have keywords {sorted(node.keys() - {'$ref'})}"
    if "properties" in node and list(node["properties"]) != list(node.get("required", ())):
        yield "properties that are not required"
    if node.get("format", "date") not in _SCALAR_FORMATS:
        yield f"the format {node['format']}"


def _refused_by_anthropic(node: Json) -> Iterator[str]:
    if node.get("format", "date") not in {*_SCALAR_FORMATS, "uri"}:
        yield f"the format {node['format']}"
    if node.get("minItems", 0) > 1:
        yield "minItems above 1"
    if "allOf" in node and any("$ref" in part for part in node["allOf"]):
        yield "allOf with a $ref"
    required = [name in node.get("required", ()) for name in node.get("properties", ())]
    if required != sorted(required, reverse=True):
        yield "a required property after an optional one"


def _levels(node: Json, defs: Json, met: tuple[str, ...]) -> int:
    name = node.get("$ref", "").removeprefix("#/$defs/")
    if name in met:
        return 0
    if name:
        return _levels(defs.get(name, {}), defs, (*met, name))
    inner = [*node.get("properties", {}).values(), *node.get("anyOf", ()), node.get("items") or {}]
    own = "properties" in node or "items" in node
    return own + max(_levels(part, defs, met) if part else 0 for part in inner)


def _names(node: Json) -> set[str]:
    return {part["$ref"].removeprefix("#/$defs/") for part in within(node) if "$ref" in part}


def _reached(node: Json, defs: Json) -> set[str]:
    """The definitions that are met on the way down from a schema."""
    met: set[str] = set()
    ahead = _names(node)
    while ahead:
        name = ahead.pop()
        met.add(name)
        ahead |= _names(defs.get(name, {})) - met
    return met


def _unresolved(schema: Json) -> list[str]:
    refs = [node["$ref"] for node in within(schema) if "$ref" in node]
    defs = {f"#/$defs/{name}" for name in schema.get("$defs", ())}
    return [f"{ref} is not defined here" for ref in refs if ref not in defs]
