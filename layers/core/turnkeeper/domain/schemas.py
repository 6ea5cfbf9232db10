"""Writes a JSON Schema in the dialect that a provider takes for structured output; answers meet the full model anyway.

Sources: https://platform.openai.com/docs/guides/structured-outputs and `openai.lib._pydantic`;
https://platform.claude.com/docs/en/build-with-claude/structured-outputs and `anthropic.lib._parse._transform`.
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

Schema = Mapping[str, Any]

DEFS = "#/$defs/"

_WORDS = {
    "minLength": "at least this many characters:",
    "maxLength": "at most this many characters:",
    "minimum": "at least",
    "maximum": "at most",
    "exclusiveMinimum": "more than",
    "exclusiveMaximum": "less than",
    "multipleOf": "a multiple of",
    "pattern": "matching",
    "minItems": "at least this many items:",
    "maxItems": "at most this many items:",
    "format": "in the format",
    "default": "default:",
}
"""Limits, and how each is said where it may not stand as a keyword."""

_STRUCTURE = {"type", "properties", "items", "anyOf", "enum", "const", "description"}
_MEANT = _STRUCTURE | _WORDS.keys() | {"oneOf", "allOf"}
"""What means something beside a `$ref`; titles and examples do not."""

_FORMATS = {"date-time", "time", "date", "duration", "email", "hostname", "ipv4", "ipv6", "uuid"}
"""The formats that all providers take."""

_TOKEN = re.compile(r"\\(.)|\(\?(?!:)", re.DOTALL)
_ESCAPES = frozenset("dDwWsSnrtfv")


def is_simple(pattern: str) -> bool:
    """Whether a regular expression has no look-around, back-reference, word boundary, flag or named group.

    Only such patterns can constrain what a model writes. Source: Anthropic's page says so; OpenAI's says nothing more
    than that `pattern` is supported, and the engines behind such constraints have none of these either.
    """
    found = _TOKEN.finditer(pattern)
    return all(token[1] and (token[1] in _ESCAPES or not token[1].isalnum()) for token in found)


@dataclass(frozen=True, slots=True)
class _Dialect:
    """What a provider takes: limits by keyword, each with what its value may be, and if all properties are required."""

    limits: Mapping[str, Callable[[Any], bool]]
    all_required: bool


def _always(_: Any) -> bool:
    return True


_OPENAI = _Dialect(
    {
        "pattern": is_simple,
        "format": _FORMATS.__contains__,
        **dict.fromkeys(("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"), _always),
        **dict.fromkeys(("minItems", "maxItems"), _always),
    },
    all_required=True,
)
_ANTHROPIC = _Dialect(
    {"pattern": is_simple, "format": (_FORMATS | {"uri"}).__contains__, "minItems": lambda count: count in (0, 1)},
    all_required=False,
)
_COMMON = _Dialect({"format": _FORMATS.__contains__}, all_required=True)


def for_openai(schema: Schema) -> dict[str, Any]:
    """Return the schema as OpenAI takes it under `strict`: every object closed, every property required.

    Limits on numbers and on lists' lengths, simple patterns and known formats stay keywords, which hold the model to
    them. Limits on texts' lengths are said in the description, as the documentation lists them among the supported
    keywords and among the unsupported ones; so are defaults. A `$ref` stands alone and never at the root. Idempotent.
    """
    return _Writer(_OPENAI, schema).root()


def for_anthropic(schema: Schema) -> dict[str, Any]:
    """Return the schema as Claude takes it: every object closed, required properties first, limits said in words.

    Simple patterns, known formats and a `minItems` of 0 or 1 stay keywords. Idempotent.
    """
    return _Writer(_ANTHROPIC, schema).root()


def strict(schema: Schema) -> dict[str, Any]:
    """Return the schema as every server takes it: closed, complete, no limits as keywords. Idempotent."""
    return _Writer(_COMMON, schema).root()


def loose(schema: Schema) -> dict[str, Any]:
    """Return a tool's schema for a call that is not strict: OpenAI refuses an array without `items` even then."""
    return {key: _loose(value) for key, value in schema.items()}


def _loose(value: Any) -> Any:
    if isinstance(value, list):
        return [_loose(item) for item in value]
    if not isinstance(value, Mapping):
        return value
    made = loose(value)
    return {**made, "items": made.get("items", {})} if made.get("type") == "array" else made


def longest_bytes(schema: Schema) -> int:
    """Return the most bytes that a schema can have when it is sent, whatever the dialect."""
    return _longest(json.dumps(dict(schema)))


@lru_cache(maxsize=512)
def _longest(text: str) -> int:
    schema = json.loads(text)
    return max(len(json.dumps(form(schema))) for form in (dict, loose, strict, for_openai, for_anthropic))


class _Writer:
    """Writes one schema; `_defs` are the definitions that a `$ref` in the result names."""

    def __init__(self, dialect: _Dialect, schema: Schema) -> None:
        self._dialect, self._schema = dialect, schema
        self._given: Schema = schema.get("$defs", {})
        self._defs: dict[str, Any] = {}

    def root(self) -> dict[str, Any]:
        """Write all of it: the root itself is never a `$ref`."""
        root = {key: value for key, value in self._schema.items() if key != "$defs"}
        made = self._in_place(root, ()) if "$ref" in root else self._write(root, ())
        return {**made, "$defs": self._defs} if self._defs else made

    def _write(self, schema: Schema, within: tuple[str, ...]) -> dict[str, Any]:
        """`within` names the definitions that are being put in the place of their `$ref` just now."""
        schema = spread(self._folded(schema))
        if "$ref" in schema:
            beside = {key for key in schema.keys() & _MEANT if key != "default" or schema[key] is not None}
            return self._in_place(schema, within) if beside else self._name(schema["$ref"])
        made = {key: schema[key] for key in ("type", "description", "enum", "const") if key in schema}
        if isinstance(schema.get("items"), Mapping):
            made["items"] = self._write(schema["items"], within)
        if options := schema.get("anyOf") or schema.get("oneOf"):
            made["anyOf"] = [self._write(option, within) for option in options]
        if schema.get("type") == "object" or "properties" in schema:
            made |= self._object(schema, within)
        return made | self._limited(schema)

    def _object(self, schema: Schema, within: tuple[str, ...]) -> dict[str, Any]:
        properties, required = schema.get("properties", {}), schema.get("required", ())
        is_optional = {name: not self._dialect.all_required and name not in required for name in properties}
        names = sorted(properties, key=is_optional.__getitem__)
        return {
            "properties": {name: self._write(properties[name], within) for name in names},
            "additionalProperties": False,
            "required": [name for name in names if not is_optional[name]],
        }

    def _limited(self, schema: Schema) -> dict[str, Any]:
        """Write the limits of a value: as keywords where the dialect has them, else at the end of the description."""
        kept: dict[str, Any] = {}
        said = []
        for limit in (name for name in _WORDS if name in schema):  # in one order: prompts are cached by their bytes
            if (takes := self._dialect.limits.get(limit)) and takes(schema[limit]):
                kept[limit] = schema[limit]
            elif schema[limit] is not None:
                said.append(f"{_WORDS[limit]} {_said(schema[limit])}")
        if said:
            kept["description"] = " ".join(filter(None, [schema.get("description"), f"({', '.join(said)})"]))
        return kept

    def _in_place(self, schema: Schema, within: tuple[str, ...]) -> dict[str, Any]:
        """Put a definition in the place of its `$ref`, under what stands beside the `$ref`.

        A definition that contains itself cannot be written out: the recursion ends with a `$ref` that is kept.
        """
        name = schema["$ref"].removeprefix(DEFS)
        if name in within or name not in self._given:
            return self._name(schema["$ref"])
        beside = {key: value for key, value in schema.items() if key != "$ref"}
        return self._write({**self._given[name], **beside}, (*within, name))

    def _name(self, ref: str) -> dict[str, Any]:
        """Keep a `$ref`, and write the definition that it names."""
        name = ref.removeprefix(DEFS)
        if name not in self._defs and name in self._given:
            self._defs[name] = {}  # before its body is made: a definition that names itself ends the recursion here
            self._defs[name] = self._write(self._given[name], ())
        return {"$ref": ref}

    def _folded(self, schema: Schema) -> Schema:
        """Make one schema of those that must all hold: Claude takes no `allOf` with a `$ref`, OpenAI none at all."""
        if "allOf" not in schema:
            return schema
        parts = schema["allOf"]
        if len(parts) > 1:
            parts = [self._given.get(part.get("$ref", "").removeprefix(DEFS), part) for part in parts]
        beside = {key: value for key, value in schema.items() if key != "allOf"}
        folded: dict[str, Any] = {}
        for part in [*map(self._folded, parts), beside]:
            properties = {**folded.get("properties", {}), **part.get("properties", {})}
            required = [*folded.get("required", ()), *part.get("required", ())]
            folded |= part
            if properties:
                folded |= {"properties": properties, "required": required}
        return folded


def spread(schema: Schema) -> Schema:
    """Write a list of types as a union."""
    kinds = schema.get("type")
    if not isinstance(kinds, list):
        return schema
    beside = {key: value for key, value in schema.items() if key not in {"type", "description", "default"}}
    said = {key: schema[key] for key in ("description", "default") if key in schema}
    return {**said, "anyOf": [{"type": kind} if kind == "null" else {**beside, "type": kind} for kind in kinds]}


def _said(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
