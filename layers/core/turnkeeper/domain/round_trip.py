"""Finds what would not read back as it was written in an output's type: names, defaults, and serializers of its own."""

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel
from pydantic_core import SchemaSerializer, SchemaValidator

from turnkeeper.domain.core_walk import CoreSchema, Part, definitions, parts

_HIDDEN = "is a secret, which is written as asterisks: write `str`, or the type that it hides"
_SERIALIZER = (
    "is written by a serializer of its own, whose result may not read back: remove it, and write a computed_field "
    "for what clients are shown"
)
_WRONG_KINDS: Mapping[str, str] = {
    "generator": "can be read only once: write list[...]",
    "json": "is JSON within a text, and written as what it holds: write the type of that",
}
_CONFIGURED: Mapping[str, tuple[str, ...]] = {
    "timedelta": ("ser_json_timedelta", "ser_json_temporal"),
    "date": ("ser_json_temporal",),
    "time": ("ser_json_temporal",),
    "datetime": ("ser_json_temporal",),
}
"""By kind, the settings of a model's configuration that change how it is written."""
_AS_THEY_ARE_READ = (None, "iso8601")

_ALWAYS_FIT: Mapping[str, type] = {"bool": bool, "int": int, "str": str}
_PYDANTICS = ("pydantic._internal.", "pydantic.types", "pydantic.networks", "pydantic.functional_validators")
_BUILT_IN = {"<class 'int'>", "operator.attrgetter('pattern')"}
"""How Pydantic writes sizes in bytes and patterns."""


def mistakes(model: type[BaseModel], place: str) -> Iterator[str]:
    """Yield what is wrong with a model whose instances are written as JSON and read back: where, why, and instead.

    `place` is that of the model itself, such as `output`.
    """
    named = definitions(model.__pydantic_core_schema__)
    for part in parts(model, place):
        yield from (f"{part.place} {why}" for why in _wrong_kind(part))
        if part.field:
            yield from _wrong_field(part, named)


def _wrong_kind(part: Part) -> Iterator[str]:
    schema = part.schema
    kind = schema["type"]
    if why := _WRONG_KINDS.get(kind):
        yield why
    if why := _wrong_serializer(schema):
        yield why
    if schema.get("root_model") and schema["cls"].model_json_schema().get("properties") == {}:
        yield "can only be an empty object, by its JSON Schema: write a model with fields"
    for setting in _CONFIGURED.get(kind, ()):
        if part.config.get(setting) not in _AS_THEY_ARE_READ:
            yield f"is written in another format than it is read: remove {setting} from the configuration"


def _wrong_serializer(schema: CoreSchema) -> str:
    serializer = schema.get("serialization", {})
    if serializer.get("type") == "format":
        return _SERIALIZER
    if "function" not in serializer:
        return ""
    if schema["type"] in {"model", "dataclass", "typed-dict"}:
        return "has a model_serializer, whose result may not read back: remove it"
    function = serializer["function"]
    if getattr(function, "__name__", "").startswith("_serialize_secret") and _is_pydantics(function):
        return _HIDDEN
    validator = schema.get("function", {}).get("function")
    is_built_in = repr(function) in _BUILT_IN and _is_pydantics(validator)
    return "" if is_built_in or _is_pydantics(function) else _SERIALIZER


def _is_pydantics(function: Any) -> bool:
    return str(getattr(function, "__module__", "")).startswith(_PYDANTICS)


def _wrong_field(part: Part, named: list[CoreSchema]) -> Iterator[str]:
    field, place = part.field, part.place
    if field.get("serialization_exclude") or field.get("serialization_exclude_if"):
        yield f"{place} is excluded when the output is written, and missing when it is read back: remove exclude"
    if field.get("init_only"):
        yield f"{place} is read and never written: make it a field"
    if field.get("init") is False:
        yield f"{place} is written and never read: make it a computed_field"
    name = place.rpartition(".")[2]
    paths = [[name]] if part.config.get("validate_by_alias") is False else _paths(field.get("validation_alias", name))
    read = paths[0][0]
    if any(len(path) > 1 for path in paths):
        yield f"{place} is read from a path, under which it is not written: write a nested model, or alias='...'"
    elif read != field.get("serialization_alias", name):
        at = f"{place.removesuffix(name)}{read}"
        yield f"{at} is read under this name and written under another: write alias='{read}'"
    if "default" in part.schema and not _fits(part, named):
        yield f"{place} has a default that its type or JSON does not allow: write one that fits, or `X | None` for None"


def _paths(alias: Any) -> list[list[Any]]:
    """Return where a field is looked for, in order: names, or paths of several steps."""
    if isinstance(alias, str):
        return [[alias]]
    return alias if isinstance(alias[0], list) else [alias]


def _fits(part: Part, named: list[CoreSchema]) -> bool:
    """Whether the default of a field reads back as what it was written."""
    default, kind = part.schema["default"], part.schema["schema"]
    if default is None and kind["type"] == "nullable":
        return True
    if kind.keys() == {"type"} and type(default) is _ALWAYS_FIT.get(kind["type"]):
        return True
    whole: Any = {"type": "definitions", "schema": kind, "definitions": named}
    config: Any = part.config or None
    serializer = SchemaSerializer(whole, config)
    try:
        written = _written(serializer, default)
        return written == _written(serializer, SchemaValidator(whole, config).validate_json(written, strict=True))
    except ValueError:
        return False


def _written(serializer: SchemaSerializer, value: Any) -> bytes:
    return serializer.to_json(value, by_alias=True, exclude_computed_fields=True, warnings="none")
