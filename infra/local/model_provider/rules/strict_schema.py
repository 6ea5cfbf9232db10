"""The subset of JSON Schema that OpenAI takes where `strict` is true.

Source: https://developers.openai.com/api/docs/guides/structured-outputs; `src/lib/transform.ts` of openai-node throws
on the same list. https://github.com/openai/openai-python/issues/1637 has the API's words on a `$ref` with siblings.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

Path = tuple[str, ...]

TYPES = frozenset({"string", "number", "boolean", "integer", "object", "array", "null"})
FORMATS = frozenset({"date-time", "time", "date", "duration", "email", "hostname", "ipv4", "ipv6", "uuid"})
_NUMBERS = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "minItems", "maxItems")
# fmt: off
_KEYWORDS = frozenset({
    "$schema", "$defs", "definitions", "$ref", "type", "enum", "const", "anyOf", "properties", "required",
    "additionalProperties", "items", "description", "title", "pattern", "format",
}) | {*_NUMBERS}
# fmt: on
_MOST_PROPERTIES = 5_000
_MOST_LEVELS = 10
_MOST_CHARACTERS = 120_000
_MOST_ENUM_VALUES = 1_000
_LARGE_ENUM = 250
_MOST_CHARACTERS_OF_A_LARGE_ENUM = 15_000


def fault_of(schema: Any, *, takes_root_any_of: bool = False) -> str | None:
    """Return what is wrong with a schema, as the API says it; None where it is taken."""
    if not isinstance(schema, dict):
        return f"schema must be a JSON Schema of 'type: \"object\"', got '{type(schema).__name__}'."
    if not (takes_root_any_of and "anyOf" in schema):
        if schema.get("type") != "object":
            return f"schema must be a JSON Schema of 'type: \"object\"', got 'type: \"{schema.get('type')}\"'."
        if "anyOf" in schema:
            return "In context=(), 'anyOf' is not permitted at the root."
    return next(_Reading(schema).faults(), None)


@dataclass
class _Reading:
    """One reading of a schema, from its root; counts what is limited in all."""

    root: Mapping[str, Any]
    properties: int = 0
    characters: int = 0
    values: int = 0
    _depths: dict[str, int] = field(default_factory=dict)
    """By reference: each is measured once, however often it is used."""

    def faults(self) -> Iterator[str]:
        yield from self._node(self.root, ())
        for name in ("$defs", "definitions"):
            for key, part in self.root.get(name, {}).items():
                self.characters += len(key)
                yield from self._node(part, (name, key))
        if self._depth(self.root) > _MOST_LEVELS:
            yield f"Schema exceeds the maximum of {_MOST_LEVELS} levels of nesting."
        for what, found, most in (
            ("object properties", self.properties, _MOST_PROPERTIES),
            ("characters of names and values", self.characters, _MOST_CHARACTERS),
            ("enum values", self.values, _MOST_ENUM_VALUES),
        ):
            if found > most:
                yield f"Schema exceeds the maximum of {most} {what}: it has {found}."

    def _node(self, node: Any, at: Path) -> Iterator[str]:
        if not isinstance(node, dict):
            yield f"In context={at}, schema must be an object, got {node!r}."
            return
        if "$ref" in node:
            yield from self._reference(node, at)
            return
        for name in node:
            if name not in _KEYWORDS or (at and name in ("$defs", "definitions")):
                yield f"In context={at}, '{name}' is not permitted."
        if not node.keys() & {"type", "anyOf", "enum", "const"}:
            yield f"In context={at}, schema must have a 'type' key."
        yield from self._type(node, at)
        yield from self._values(node, at)
        yield from self._limits(node, at)
        if "anyOf" in node:
            options = node["anyOf"]
            if not isinstance(options, list) or not options:
                yield f"In context={at}, 'anyOf' must be a non-empty array."
                return
            for number, option in enumerate(options):
                yield from self._node(option, (*at, "anyOf", str(number)))

    def _reference(self, node: Mapping[str, Any], at: Path) -> Iterator[str]:
        beside = sorted(node.keys() - {"$ref"})
        if beside:
            yield f"context={at}, $ref cannot have keywords {{{', '.join(map(repr, beside))}}}"
        if _resolved(node["$ref"], self.root) is None:
            yield f"In context={at}, reference to '{node['$ref']}' can not be resolved."

    def _type(self, node: Mapping[str, Any], at: Path) -> Iterator[str]:
        given = node.get("type", [])
        kinds = given if isinstance(given, list) else [given]
        if "type" in node and (not kinds or not all(isinstance(kind, str) and kind in TYPES for kind in kinds)):
            yield f"In context={at}, {given!r} is not a valid type."
            return
        if "object" in kinds or "properties" in node:
            yield from self._object(node, at)
        if "array" in kinds or "items" in node:
            if "items" not in node:
                yield f"In context={at}, array schema missing items."
            else:
                yield from self._node(node["items"], (*at, "items"))

    def _object(self, node: Mapping[str, Any], at: Path) -> Iterator[str]:
        properties, required = node.get("properties", {}), node.get("required", [])
        if node.get("additionalProperties") is not False:
            yield f"In context={at}, 'additionalProperties' is required to be supplied and to be false."
        if not isinstance(properties, dict) or not isinstance(required, list):
            yield f"In context={at}, 'properties' must be an object and 'required' an array."
            return
        missing = next((name for name in properties if name not in required), None)
        if missing is not None:
            yield (
                f"In context={at}, 'required' is required to be supplied and to be an array including every key in "
                f"properties. Missing '{missing}'."
            )
        extra = next((name for name in required if name not in properties), None)
        if extra is not None:
            yield f"In context={at}, 'required' has the extra key '{extra}'."
        self.properties += len(properties)
        self.characters += sum(map(len, properties))
        for name, part in properties.items():
            yield from self._node(part, (*at, "properties", name))

    def _values(self, node: Mapping[str, Any], at: Path) -> Iterator[str]:
        values = node.get("enum", [])
        if "enum" in node and (not isinstance(values, list) or not values):
            yield f"In context={at}, 'enum' must be a non-empty array."
            return
        every = [*values, *([node["const"]] if "const" in node else [])]
        if any(isinstance(value, (dict, list)) for value in every):
            yield f"In context={at}, values of an enum or const must be scalars."
        size = sum(len(str(value)) for value in every)
        self.values += len(values)
        self.characters += size
        if len(values) > _LARGE_ENUM and size > _MOST_CHARACTERS_OF_A_LARGE_ENUM:
            yield f"In context={at}, an enum of {len(values)} values has more than 15000 characters."

    def _limits(self, node: Mapping[str, Any], at: Path) -> Iterator[str]:
        if "format" in node and node["format"] not in FORMATS:
            yield f"In context={at}, '{node['format']}' is not a valid format."
        if "pattern" in node and not _is_simple(node["pattern"]):
            yield f"In context={at}, 'pattern' is not a regular expression without look-arounds and back-references."
        for name in _NUMBERS:
            if name in node and (isinstance(node[name], bool) or not isinstance(node[name], (int, float))):
                yield f"In context={at}, '{name}' must be a number."

    def _depth(self, node: Any) -> int:
        """Return how many objects and arrays stand within each other; a reference to what is around it ends there."""
        if not isinstance(node, dict):
            return 0
        if "$ref" in node:
            reference = node["$ref"]
            if reference not in self._depths:
                self._depths[reference] = 0
                self._depths[reference] = self._depth(_resolved(reference, self.root))
            return self._depths[reference]
        parts = [*node.get("properties", {}).values(), *([node["items"]] if "items" in node else [])]
        own = 1 if parts or node.get("type") in ("object", "array") else 0
        return max([own + max(map(self._depth, parts), default=0), *map(self._depth, node.get("anyOf", []))])


def _is_simple(pattern: Any) -> bool:
    if not isinstance(pattern, str) or re.search(r"\(\?<?[=!]|\\[1-9]|\(\?P", pattern):
        return False
    try:
        re.compile(pattern)
    except re.error:
        return False
    return True


def _resolved(reference: Any, root: Mapping[str, Any]) -> Any:
    """Follow a local reference; None where it leads nowhere."""
    if not isinstance(reference, str) or not reference.startswith("#"):
        return None
    found: Any = root
    for step in reference.removeprefix("#").removeprefix("/").split("/") if reference != "#" else ():
        found = found.get(step.replace("~1", "/").replace("~0", "~")) if isinstance(found, dict) else None
    return found
