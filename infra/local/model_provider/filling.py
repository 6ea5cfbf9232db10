"""Fills a JSON Schema with the least that is valid, taking what is known and choosing what the message is about."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Schema = Mapping[str, Any]

_FORMATS = {
    "date": "2026-01-15",
    "time": "09:00:00",
    "date-time": "2026-01-15T09:00:00Z",
    "email": "someone@example.com",
    "uuid": "00000000-0000-4000-8000-000000000000",
    "uri": "https://example.com/",
}
_KINDS: Mapping[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "object": (dict,),
    "array": (list,),
}
_COMMON = {
    "the",
    "and",
    "for",
    "you",
    "your",
    "with",
    "that",
    "this",
    "have",
    "has",
    "was",
    "are",
    "can",
    "not",
    "from",
}
_STEM = 5


def words(text: str) -> set[str]:
    """Return the stems of a text's words, without the commonest."""
    found = re.findall(r"[^\W_]{3,}", text.casefold())
    return {word[:_STEM] for word in found if word not in _COMMON}


@dataclass(frozen=True)
class Filling:
    """What there is to fill with: `root` holds the definitions, `facts` are values by name.

    `guide` is text that may tell what the values of an enum mean.
    """

    root: Schema
    facts: Mapping[str, Any]
    message: str
    guide: str = ""

    def value(self, schema: Schema, name: str = "") -> Any:
        """Return a value that a schema allows."""
        schema = self._resolved(schema)
        if "const" in schema:
            return schema["const"]
        if "enum" in schema:
            return self._choice(schema, name)
        options = schema.get("anyOf") or schema.get("oneOf")
        if options:
            return self._option(options, name)
        kind = schema.get("type", "object")
        kind = kind[0] if isinstance(kind, list) else kind
        if fits(self.facts.get(name), kind):
            return self.facts[name]
        return schema["default"] if "default" in schema else self._least(kind, schema)

    def _least(self, kind: str, schema: Schema) -> Any:
        match kind:
            case "object":
                return self._object(schema)
            case "array":
                return self._array(schema)
            case "string":
                return self._string(schema)
            case "integer" | "number":
                return _number(schema)
            case "boolean":
                return False
        return None

    def _resolved(self, schema: Schema) -> Schema:
        for part in schema.get("allOf") or ():
            schema = {**self._resolved(part), **{k: v for k, v in schema.items() if k != "allOf"}}
        while "$ref" in schema:
            definition = self.root.get("$defs", {})[str(schema["$ref"]).rsplit("/", 1)[-1]]
            schema = {**definition, **{k: v for k, v in schema.items() if k != "$ref"}}
        return schema

    def _option(self, options: Sequence[Schema], name: str) -> Any:
        """Take null where nothing is known of the other options."""
        nullable = any(option.get("type") == "null" for option in options)
        for option in map(self._resolved, options):
            known = {name, *option.get("properties", ())} & self.facts.keys()
            if option.get("type") != "null" and (known or not nullable):
                return self.value(option, name)
        return None

    def _object(self, schema: Schema) -> dict[str, Any]:
        wanted = {*schema.get("required", ()), *self.facts}
        return {name: self.value(part, name) for name, part in schema.get("properties", {}).items() if name in wanted}

    def _array(self, schema: Schema) -> list[Any]:
        least = int(_limit(schema, "minItems", "at least this many items") or 0)
        return [self.value(schema.get("items", {})) for _ in range(least)]

    def _string(self, schema: Schema) -> str:
        if "format" in schema:
            return _FORMATS.get(schema["format"], "-")
        pattern = schema.get("pattern") or _described(schema, r"matching (\S+?)[,)]*(?:\s|$)")
        if pattern:
            candidates = [*re.findall(r"[\w.:@-]*\w", self.message), *map(str, self.facts.values()), *_FORMATS.values()]
            return next((c for c in [*candidates, "12:00"] if _matches(pattern, c)), "-")
        text = str(self.facts.get("reply") or self.message or "-")
        most = int(_limit(schema, "maxLength", "at most this many characters") or len(text))
        least = int(_limit(schema, "minLength", "at least this many characters") or 0)
        return text[:most].ljust(least, ".")

    def _choice(self, schema: Schema, name: str) -> Any:
        values = schema["enum"]
        if self.facts.get(name) in values:
            return self.facts[name]
        heard, guide = words(self.message), f"{schema.get('description', '')}\n{self.guide}"
        return max(values, key=lambda value: len(heard & words(f"{value} {_told_of(value, values, guide)}")))


def fits(value: Any, kind: str) -> bool:
    """Say whether a value is of a JSON type."""
    allowed = _KINDS.get(kind, ())
    return isinstance(value, allowed) and (not isinstance(value, bool) or kind == "boolean")


def _told_of(value: Any, values: Sequence[Any], guide: str) -> str:
    """Return what a guide says after the name of one value, up to the name of another."""
    names = "|".join(re.escape(str(v)) for v in values)
    found = re.search(rf"\b{re.escape(str(value))}\b(.*?)(?=\b(?:{names})\b|\n|$)", guide, re.IGNORECASE)
    return found[1] if found else ""


def _number(schema: Schema) -> float:
    above = _limit(schema, "exclusiveMinimum", "more than")
    least = _limit(schema, "minimum", "at least")
    value = max(0.0 if least is None else least, -float("inf") if above is None else above + 1)
    most = _limit(schema, "maximum", "at most")
    value = value if most is None else min(value, most)
    return int(value) if schema.get("type") == "integer" else value


def _limit(schema: Schema, key: str, words_for_it: str) -> float | None:
    """Return a limit: where a schema may not carry it, its description does."""
    if key in schema:
        return float(schema[key])
    limit = _described(schema, rf"{words_for_it}:? (-?\d+(?:\.\d+)?)")
    return float(limit) if limit else None


def _described(schema: Schema, pattern: str) -> str | None:
    found = re.search(pattern, str(schema.get("description", "")))
    return found[1] if found else None


def _matches(pattern: str, text: str) -> bool:
    try:
        return bool(re.search(pattern, text))
    except re.error:
        return False
