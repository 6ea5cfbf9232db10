"""Walks the core schemas of Pydantic, which say how a type is read and written: each part, with its place.

Source: https://docs.pydantic.dev/latest/api/pydantic_core_schema/.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

CoreSchema = Mapping[str, Any]

_EMPTY: CoreSchema = {}
_WITHIN = (
    ("schema", ""),
    ("json_schema", ""),
    ("strict_schema", ""),
    ("choices", ""),
    ("steps", ""),
    ("items_schema", "[]"),
    ("keys_schema", "[]"),
    ("values_schema", "[]"),
    ("extras_schema", "[]"),
)
"""Where a core schema holds others, and what is added to the place. Of two schemas, it is the one for strict JSON."""


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a type: its place, such as `output.places[].street`, and its core schema.

    `field` is the core schema of the field that it is the whole value of, and empty elsewhere. `config` is the
    configuration of the model around it.
    """

    place: str
    schema: CoreSchema
    field: CoreSchema
    config: CoreSchema


def parts(model: type[BaseModel], place: str) -> Iterator[Part]:
    """Yield each part of a model once: all that its fields hold, other models too. `place` is that of the model."""
    schema: Any = model.__pydantic_core_schema__
    yield from _Walk(definitions(schema)).parts(Part(place, schema, _EMPTY, _EMPTY))


def definitions(schema: CoreSchema) -> list[CoreSchema]:
    """Return what the references in a model's core schema name."""
    return schema["definitions"] if schema["type"] == "definitions" else []


class _Walk:
    def __init__(self, named: list[CoreSchema]) -> None:
        self._named = {schema["ref"]: schema for schema in named}
        self._met: set[str] = set()

    def parts(self, part: Part) -> Iterator[Part]:
        schema, place = part.schema, part.place
        yield part
        if schema["type"] == "definition-ref":
            if schema["schema_ref"] not in self._met:
                self._met.add(schema["schema_ref"])
                yield from self.parts(Part(place, self._named[schema["schema_ref"]], _EMPTY, part.config))
            return
        config = schema.get("config", part.config)
        for name, field in _fields(schema):
            yield from self.parts(Part(f"{place}.{name}", field["schema"], field, config))
        for key, added in _WITHIN:
            for inner in _schemas(schema.get(key)):
                yield from self.parts(Part(place + added, inner, _EMPTY, config))


def _fields(schema: CoreSchema) -> Iterator[tuple[str, CoreSchema]]:
    fields = schema.get("fields", ())
    if isinstance(fields, Mapping):
        yield from fields.items()
    else:  # of a dataclass
        yield from ((field["name"], field) for field in fields if isinstance(field, Mapping))


def _schemas(value: Any) -> Iterator[CoreSchema]:
    """Return the core schemas under a key: one, a list, or the choices of a union by tag or with labels."""
    if isinstance(value, Mapping) and isinstance(value.get("type"), str):
        yield value
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from _schemas(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _schemas(inner)
