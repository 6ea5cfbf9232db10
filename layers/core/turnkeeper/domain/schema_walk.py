"""Walks JSON Schemas: every schema within a schema, with the place of the value that it describes."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from turnkeeper.domain.schemas import DEFS, Schema, spread


@dataclass(frozen=True, slots=True)
class Node:
    """A schema within a schema: `$ref` is followed, and what stands beside it holds.

    `place` is that of the value, such as `output.places[].street`. `is_within_itself` is true where a definition is met
    within itself. `is_named` is true of what a `$ref` stood for, such as a model. `depth` counts the objects and lists
    around the value, and itself if it is one.
    """

    place: str
    schema: Schema
    depth: int
    is_within_itself: bool = False
    is_named: bool = False


def walk(schema: Schema, place: str = "") -> Iterator[Node]:
    """Yield the schema and all within it; what a definition holds, only where the definition is first met."""
    yield from _Walk(schema.get("$defs", {})).nodes(schema, place, 0, ())


def resolved(schema: Schema, defs: Mapping[str, Any]) -> Schema:
    """Put the definition in the place of a `$ref`, under what stands beside it; a list of types becomes a union."""
    while (name := str(schema.get("$ref", "")).removeprefix(DEFS)) in defs:
        schema = {**defs[name], **{key: value for key, value in schema.items() if key != "$ref"}}
    return spread(schema)


def subschemas(schema: Schema) -> Iterator[Schema]:
    """Yield the schema and all within it as they stand: each definition once, and no `$ref` is followed."""
    yield schema
    for inner in (*schema.get("$defs", {}).values(), *(inner for _, inner in _inner(schema))):
        yield from subschemas(inner)


class _Walk:
    def __init__(self, defs: Mapping[str, Any]) -> None:
        self._defs = defs
        self._met: dict[str, int] = {}

    def nodes(self, schema: Schema, place: str, depth: int, within: tuple[str, ...]) -> Iterator[Node]:
        name = str(schema.get("$ref", "")).removeprefix(DEFS)
        if name in within:
            yield Node(place, schema, depth, is_within_itself=True, is_named=True)
            return
        is_known = self._met.get(name, -1) >= depth  # met deeper in, it may now be too deep
        if name:
            self._met[name] = max(depth, self._met.get(name, -1))
            within = (*within, name)
        whole = resolved(schema, self._defs)
        depth += whole.get("type") in {"object", "array"} or "properties" in whole
        yield Node(place, whole, depth, is_named=bool(name))
        if is_known:
            return
        for key, inner in _inner(whole):
            yield from self.nodes(inner, f"{place}{key}" if place else key.lstrip("."), depth, within)


def _inner(schema: Schema) -> Iterator[tuple[str, Schema]]:
    for name, inner in schema.get("properties", {}).items():
        yield f".{name}", inner
    if isinstance(schema.get("items"), Mapping):
        yield "[]", schema["items"]
    for key in ("anyOf", "oneOf", "allOf"):
        yield from (("", inner) for inner in schema.get(key, ()))
