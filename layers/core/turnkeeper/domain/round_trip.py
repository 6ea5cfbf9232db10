"""Finds what would not read back as it was written in an output's type: names, defaults and serializers that differ."""

from collections.abc import Generator, Iterable, Iterator, Mapping
from typing import Annotated, Any, get_args, get_origin

from pydantic import AliasChoices, AliasPath, BaseModel, Field, Secret, TypeAdapter
from pydantic.fields import FieldInfo

from turnkeeper.domain.schema_walk import resolved
from turnkeeper.domain.schemas import Schema, spread

_HIDDEN = "is a secret, which is written as asterisks: write `str`, or the type that it hides"
_SCALARS: Mapping[type, str] = {bool: "boolean", int: "integer", float: "number", str: "string", type(None): "null"}


def mistakes(model: type[BaseModel], place: str) -> Iterator[str]:
    """Yield what is wrong with a model whose instances are written as JSON and read back: where, why, and instead.

    `place` is that of the model itself, such as `output`.
    """
    yield from _Fields().mistakes(model, place)
    read, written = model.model_json_schema(), model.model_json_schema(mode="serialization")
    yield from _Compared(read.get("$defs", {}), written.get("$defs", {})).mistakes(read, written, place, ())


class _Fields:
    """What fields say of themselves, in a model and in all models that it holds."""

    def __init__(self) -> None:
        self._met: set[Any] = set()

    def mistakes(self, kind: Any, place: str) -> Iterator[str]:
        kind = getattr(kind, "__value__", kind)  # of `type X = ...`
        origin, inner_kinds = get_origin(kind), get_args(kind)
        if any((origin or kind) is once for once in (Iterable, Iterator, Generator)):
            yield f"{place} can be read only once: write list[...]"
        if isinstance(origin, type) and issubclass(origin, Secret):
            yield f"{place} {_HIDDEN}"
        for inner in inner_kinds[:1] if origin is Annotated else inner_kinds:
            yield from self.mistakes(inner, place)
        if not (isinstance(kind, type) and issubclass(kind, BaseModel)) or kind in self._met:
            return
        self._met.add(kind)
        if kind.__pydantic_decorators__.model_serializers:
            yield f"{place} has a model_serializer, whose result may not read back: remove it"
        for name, field in kind.model_fields.items():
            at = f"{place}.{name}"
            yield from _wrong(field, at)
            yield from self.mistakes(field.annotation, at)


def _wrong(field: FieldInfo, place: str) -> Iterator[str]:
    if field.exclude or field.exclude_if:
        yield f"{place} is excluded when the output is written, and missing when it is read back: remove exclude"
    alias = field.validation_alias
    choices = alias.choices if isinstance(alias, AliasChoices) else [alias]
    if any(isinstance(choice, AliasPath) for choice in choices):
        yield f"{place} is read from a path, under which it is not written: write a nested model, or alias='...'"
    if not field.is_required() and field.default_factory is None and not _fits(field):
        yield f"{place} has a default that its type or JSON does not allow: write one that fits, or `X | None` for None"


def _fits(field: FieldInfo) -> bool:
    """Whether a default reads back as what it was written."""
    kind: Any = Annotated[field.annotation, Field(discriminator=field.discriminator), *field.metadata]
    adapter: TypeAdapter[Any] = TypeAdapter(kind)
    try:
        written = _written(adapter, field.default)
        return written == _written(adapter, adapter.validate_json(written, strict=True))
    except ValueError:
        return False


def _written(adapter: TypeAdapter[Any], value: Any) -> bytes:
    return adapter.dump_json(value, by_alias=True, exclude_computed_fields=True, warnings="none")


class _Compared:
    """A model's schema as it is read, beside its schema as it is written."""

    def __init__(self, read_defs: Mapping[str, Any], written_defs: Mapping[str, Any]) -> None:
        self._read, self._written = read_defs, written_defs

    def mistakes(self, read: Schema, written: Schema, place: str, within: tuple[str, ...]) -> Iterator[str]:
        if name := read.get("$ref"):
            if name in within:
                return
            within = (*within, name)
        read, written = resolved(read, self._read), resolved(written, self._written)
        if "properties" in read:
            yield from self._objects(read, written, place, within)
        elif why := _why_not(read, written):
            yield f"{place} {why}"
        if "items" in read and "items" in written:
            yield from self.mistakes(read["items"], written["items"], f"{place}[]", within)
        for one, other in _pairs(_options(read), _options(written)):
            yield from self.mistakes(one, other, place, within)

    def _objects(self, read: Schema, written: Schema, place: str, within: tuple[str, ...]) -> Iterator[str]:
        shown = written.get("properties", {})
        for name, inner in read["properties"].items():
            at = f"{place}.{name}"
            if name not in shown:
                yield f"{at} is read under this name and written under another, or not at all: write alias='{name}'"
            else:
                yield from self.mistakes(inner, shown[name], at, within)


def _why_not(read: Schema, written: Schema) -> str:
    """Why a value that is no object does not read back; empty if it does."""
    if read.get("writeOnly"):
        return _HIDDEN
    if "contentMediaType" in read:
        return "is JSON within a text, and written as what it holds: write the type of that"
    if not _kinds(written) <= _kinds(read) | {None}:
        return "is written as another type than it is read: remove its serializer"
    if read.get("format") != written.get("format") is not None:
        return "is written in another format than it is read: set both in its configuration"
    return ""


def _options(schema: Schema) -> list[Schema]:
    return schema.get("anyOf") or schema.get("oneOf") or []


def _pairs(read: list[Schema], written: list[Schema]) -> Iterator[tuple[Schema, Schema]]:
    """Pair the options of two unions by what they are: a Decimal is read in two forms, and written in one."""
    for sort in {_sort(option): None for option in read}:
        ones, others = ([o for o in options if _sort(o) == sort] for options in (read, written))
        if len(ones) == len(others):
            yield from zip(ones, others, strict=True)


def _sort(option: Schema) -> str:
    return str([option.get(key) for key in ("$ref", "type", "format")])


def _kinds(schema: Schema) -> set[str | None]:
    """The JSON types that a schema allows; None where it does not say."""
    schema = spread(schema)
    if options := _options(schema):
        return set().union(*map(_kinds, options))
    values = schema.get("enum", [schema["const"]] if "const" in schema else [])
    kinds: set[str | None] = {schema["type"]} if "type" in schema else {_SCALARS.get(type(value)) for value in values}
    return kinds | {"integer"} if "number" in kinds else kinds or {None}
