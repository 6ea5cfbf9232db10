"""NaN and the infinities, which are floats in Python and nothing in JSON: found in data of any depth, or replaced."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from decimal import Decimal
from typing import Any

from pydantic import BaseModel

NOT_FINITE = "Input should be a finite number"


def not_finite(value: Any) -> list[str]:
    """Return an error line for each number that is not finite, with its place first; computed fields count too."""
    return [f"{'.'.join(place)}: {NOT_FINITE}" if place else NOT_FINITE for place in _places(value, ())]


def finite(data: Any) -> Any:
    """Return JSON data with null in the place of each number that is not finite."""
    match data:
        case float():
            return data if math.isfinite(data) else None
        case Mapping():
            return {key: finite(item) for key, item in data.items()}
        case list() | tuple():
            return [finite(item) for item in data]
    return data


def _places(value: Any, at: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    if isinstance(value, float | complex | Decimal):
        if not _is_finite(value):
            yield at
        return
    for name, part in _parts(value):
        yield from _places(part, (*at, name))


def _is_finite(number: complex | Decimal) -> bool:
    if isinstance(number, Decimal):
        return number.is_finite()
    return math.isfinite(number.real) and math.isfinite(number.imag)


def _parts(value: Any) -> Iterator[tuple[str, Any]]:
    """The parts of a value, each with its name: that of a model's field is the one under which it is written."""
    if isinstance(value, BaseModel):
        kind = type(value)
        named = {name: field.serialization_alias or name for name, field in kind.model_fields.items()}
        yield from ((named.get(name, name), part) for name, part in value)
        yield from ((field.alias or name, getattr(value, name)) for name, field in kind.model_computed_fields.items())
    elif is_dataclass(value) and not isinstance(value, type):
        yield from ((field.name, getattr(value, field.name)) for field in fields(value))
    elif isinstance(value, Mapping):
        for key, part in value.items():
            yield from ((str(key), each) for each in (key, part))
    elif isinstance(value, list | tuple | set | frozenset):
        yield from ((str(number), part) for number, part in enumerate(value))
