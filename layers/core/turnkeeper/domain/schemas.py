"""Reduces JSON Schemas to the subset that structured outputs accept; the answer is checked against the full model.

Source: https://platform.openai.com/docs/guides/structured-outputs, and the transform of the official SDK.
"""

from collections.abc import Mapping
from typing import Any

_KEPT = {"type", "properties", "items", "anyOf", "allOf", "enum", "const", "$ref", "description", "format"}
_FORMATS = {"date", "time", "date-time", "duration", "email", "hostname", "ipv4", "ipv6", "uuid"}
_LIMITS = {
    "minLength": "at least this many characters:",
    "maxLength": "at most this many characters:",
    "minimum": "at least",
    "maximum": "at most",
    "exclusiveMinimum": "more than",
    "exclusiveMaximum": "less than",
    "pattern": "matching",
    "minItems": "at least this many items:",
    "maxItems": "at most this many items:",
}
_DEFS = "#/$defs/"

Schema = Mapping[str, Any]


def strict(schema: Schema) -> dict[str, Any]:
    """Return the schema with every object closed, every property required, and no limits on values.

    Limits on values move into the description, where the model still reads them. A `$ref` is kept only where it has no
    keyword beside it, and never at the root; everywhere else it is replaced by its definition. Idempotent.
    """
    defs = _Definitions(schema.get("$defs", {}))
    root = {key: value for key, value in schema.items() if key != "$defs"}
    made = _put_in_place(root, defs, ()) if "$ref" in root else _strict(root, defs, ())
    return {**made, "$defs": defs.strict} if defs.strict else made


class _Definitions:
    """The definitions of a schema: all that were `given`, and in `strict` form those that a `$ref` still names."""

    def __init__(self, given: Schema) -> None:
        self.given = given
        self.strict: dict[str, Any] = {}

    def name(self, ref: str) -> dict[str, Any]:
        """Return a `$ref` that is kept, and make the definition that it names strict."""
        name = ref.removeprefix(_DEFS)
        if name not in self.strict and name in self.given:
            self.strict[name] = {}  # before its body is made: a definition that names itself ends the recursion here
            self.strict[name] = _strict(self.given[name], self, ())
        return {"$ref": ref}


def _strict(schema: Schema, defs: _Definitions, within: tuple[str, ...]) -> dict[str, Any]:
    """`within` names the definitions that are being put in the place of their `$ref` just now."""
    if "$ref" in schema:
        stands_alone = schema.keys().isdisjoint((_KEPT | _LIMITS.keys()) - {"$ref"})
        return defs.name(schema["$ref"]) if stands_alone else _put_in_place(schema, defs, within)
    kept = {key: _inside(key, value, defs, within) for key, value in schema.items() if key in _KEPT}
    if "oneOf" in schema:
        kept["anyOf"] = _inside("anyOf", schema["oneOf"], defs, within)
    if kept.get("type") == "object" or "properties" in kept:
        properties = kept.setdefault("properties", {})
        kept |= {"additionalProperties": False, "required": list(properties)}
    said = [f"{words} {schema[limit]}" for limit, words in _LIMITS.items() if limit in schema]
    if kept.get("format") not in (None, *_FORMATS):
        said.append(f"in the format {kept.pop('format')}")
    if said:
        kept["description"] = " ".join(filter(None, [kept.get("description"), f"({', '.join(said)})"]))
    return kept


def _put_in_place(schema: Schema, defs: _Definitions, within: tuple[str, ...]) -> dict[str, Any]:
    name = schema["$ref"].removeprefix(_DEFS)
    # A definition that contains itself cannot be written out: the recursion ends with a `$ref` that is kept.
    if name in within or name not in defs.given:
        return defs.name(schema["$ref"])
    named = {**defs.given[name], **{key: value for key, value in schema.items() if key != "$ref"}}
    return _strict(named, defs, (*within, name))


def _inside(key: str, value: Any, defs: _Definitions, within: tuple[str, ...]) -> Any:
    if key == "properties":
        return {name: _strict(sub, defs, within) for name, sub in value.items()}
    if key in {"anyOf", "allOf"}:
        return [_strict(sub, defs, within) for sub in value]
    return _strict(value, defs, within) if key == "items" and isinstance(value, Mapping) else value
