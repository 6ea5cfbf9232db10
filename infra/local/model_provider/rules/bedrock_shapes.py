"""Checks a Converse request against the service model that botocore ships: types, patterns, lengths, enumerations.

Source: botocore/data/bedrock-runtime/2023-09-30/service-2.json.gz.
"""

import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from botocore.loaders import Loader
from botocore.model import ListShape, MapShape, ServiceModel, Shape, StringShape, StructureShape

_KINDS: Mapping[str, tuple[type, ...]] = {
    "string": (str,),
    "blob": (str,),
    "integer": (int,),
    "long": (int,),
    "float": (int, float),
    "double": (int, float),
    "boolean": (bool,),
    "list": (list,),
    "map": (dict,),
    "structure": (dict,),
}


def misshapen(body: Mapping[str, Any], model_id: str) -> Iterator[str]:
    """Yield what is wrong with the shape of a Converse request."""
    found = _wrong({"modelId": model_id, **body}, _request(), "")
    yield from (why.removeprefix(".") for why in found)


@cache
def _request() -> Shape:
    # Read when it is first asked for: the service model is 400 KB of JSON.
    description = Loader().load_service_model("bedrock-runtime", "service-2")
    shape = ServiceModel(description, "bedrock-runtime").operation_model("Converse").input_shape
    if shape is None:
        raise LookupError("botocore describes no Converse request")
    return shape


def _wrong(value: Any, shape: Shape, at: str) -> Iterator[str]:
    if shape.metadata.get("document") or getattr(shape, "is_document_type", False):
        return
    if not _is_of(value, shape.type_name):
        yield f"{at}: expected {shape.type_name}, got {type(value).__name__}"
        return
    yield from _out_of_bounds(value, shape, at)
    if isinstance(shape, StructureShape):
        yield from _wrong_members(value, shape, at)
    elif isinstance(shape, ListShape):
        for number, item in enumerate(value, 1):
            yield from _wrong(item, shape.member, f"{at}.{number}.member")
    elif isinstance(shape, MapShape):
        for name, item in value.items():
            yield from _wrong(item, shape.value, f"{at}.{name}.member")


def _is_of(value: Any, kind: str) -> bool:
    return isinstance(value, _KINDS[kind]) and (kind == "boolean" or not isinstance(value, bool))


def _wrong_members(value: Mapping[str, Any], shape: StructureShape, at: str) -> Iterator[str]:
    for name in shape.required_members:
        if value.get(name) is None:
            yield _failed(None, f"{at}.{name}", "Member must not be null")
    for name in value.keys() - shape.members.keys():
        yield f"{at}.{name}: there is no such member"
    if shape.metadata.get("union") and len(value) != 1:
        yield _failed(sorted(value), at, "Member must have exactly one of its members set")
    for name, member in shape.members.items():
        if value.get(name) is not None:
            yield from _wrong(value[name], member, f"{at}.{name}")


def _out_of_bounds(value: Any, shape: Shape, at: str) -> Iterator[str]:
    limits, is_number = shape.metadata, isinstance(value, (int, float))
    size, what = (value, "value") if is_number else (len(value), "length")
    if "min" in limits and size < limits["min"]:
        yield _failed(value, at, f"Member must have {what} greater than or equal to {limits['min']}")
    if "max" in limits and size > limits["max"]:
        yield _failed(value, at, f"Member must have {what} less than or equal to {limits['max']}")
    if isinstance(value, str) and "pattern" in limits and not re.fullmatch(limits["pattern"], value):
        yield _failed(value, at, f"Member must satisfy regular expression pattern: {limits['pattern']}")
    if isinstance(shape, StringShape) and shape.enum and value not in shape.enum:
        yield _failed(value, at, f"Member must satisfy enum value set: [{', '.join(shape.enum)}]")


def _failed(value: Any, at: str, constraint: str) -> str:
    shown = "" if value is None else f"Value '{value}' at "
    return f"1 validation error detected: {shown}'{at.lstrip('.')}' failed to satisfy constraint: {constraint}"
