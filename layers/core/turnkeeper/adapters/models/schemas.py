"""JSON Schemas in the subset that providers' structured outputs accept; the full model is checked afterwards anyway."""

from collections.abc import Mapping
from typing import Any

_KEPT = {"type", "properties", "items", "anyOf", "allOf", "enum", "const", "$ref", "$defs", "description", "format"}
_FORMATS = {"date", "time", "date-time", "duration", "email", "hostname", "ipv4", "ipv6", "uuid", "uri"}


def strict(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return the schema with every object closed and complete, and without what constrains values.

    Limits on values move into the description, where the model still reads them.
    """
    kept = {name: _inside(name, value) for name, value in schema.items() if name in _KEPT}
    if "oneOf" in schema:
        kept["anyOf"] = _inside("anyOf", schema["oneOf"])
    if kept.get("format") not in (None, *_FORMATS):
        del kept["format"]
    if kept.get("type") == "object" or "properties" in kept:
        properties = kept.setdefault("properties", {})
        kept |= {"additionalProperties": False, "required": list(properties)}
    limits = {n: v for n, v in schema.items() if n in _LIMITS}
    if limits:
        said = ", ".join(f"{_LIMITS[n]} {v}" for n, v in limits.items())
        kept["description"] = " ".join(filter(None, [kept.get("description"), f"({said})"]))
    return kept


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


def _inside(name: str, value: Any) -> Any:
    if name in {"properties", "$defs"}:
        return {key: strict(sub) for key, sub in value.items()}
    if name in {"anyOf", "allOf"}:
        return [strict(sub) for sub in value]
    return strict(value) if name == "items" and isinstance(value, Mapping) else value
