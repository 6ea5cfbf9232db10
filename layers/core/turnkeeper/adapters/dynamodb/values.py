"""Turns plain Python values into DynamoDB's attribute values and back: an int stays an int, a tuple becomes a list.

A float that is a whole number comes back as an int: DynamoDB has one type of number, and stores 1.0 as 1.
"""

from collections.abc import Mapping
from typing import Any

Wire = dict[str, Any]
"""An attribute value as DynamoDB's API has it, such as `{"S": "text"}` or `{"N": "1"}`, or an item of such values."""

_DEPTH = 32
_LARGEST, _SMALLEST = 10**38, 1e-130


def to_wire(value: Any, *, depth: int = 0) -> Wire:
    """Render one value; raises TypeError or ValueError for what DynamoDB, or JSON, cannot hold."""
    if depth > _DEPTH:
        raise ValueError(f"nested deeper than {_DEPTH} levels")
    match value:
        case str():
            return {"S": str.__str__(value)}
        case bool():
            return {"BOOL": value}
        case int() | float():
            return {"N": _number(value)}
        case None:
            return {"NULL": True}
        case dict() | Mapping():
            return {"M": {_name(name): to_wire(part, depth=depth + 1) for name, part in value.items()}}
        case list() | tuple():
            return {"L": [to_wire(part, depth=depth + 1) for part in value]}
        case _:
            raise TypeError(f"a table cannot hold a {type(value).__name__}")


def from_wire(wire: Wire) -> Any:
    """Read one attribute value; raises TypeError for a type that `to_wire` never writes."""
    ((kind, value),) = wire.items()
    match kind:
        case "S" | "BOOL":
            return value
        case "N":
            return _read_number(value)
        case "NULL":
            return None
        case "M":
            return {name: from_wire(part) for name, part in value.items()}
        case "L":
            return [from_wire(part) for part in value]
        case _:
            raise TypeError(f"an attribute of the type {kind}, which this table never writes")


def item_to_wire(item: Mapping[str, Any]) -> Wire:
    """Render all attributes of an item."""
    return {name: to_wire(value) for name, value in item.items()}


def item_from_wire(wire: Wire) -> dict[str, Any]:
    """Read all attributes of an item."""
    return {name: from_wire(value) for name, value in wire.items()}


def size(wire: Wire) -> int:
    """Return how many bytes an attribute value counts, by DynamoDB's documentation (a number within a byte or two)."""
    ((kind, value),) = wire.items()
    match kind:
        case "S":
            return len(value.encode())
        case "N":
            return len(value) // 2 + 2
        case "M":
            return 3 + sum(1 + len(name.encode()) + size(part) for name, part in value.items())
        case "L":
            return 3 + sum(1 + size(part) for part in value)
        case _:
            return 1


def _number(value: float) -> str:
    if not -_LARGEST < value < _LARGEST or 0 < abs(value) < _SMALLEST:  # NaN compares false
        raise ValueError(f"DynamoDB cannot hold the number {value}")
    if isinstance(value, float) and not value.is_integer():
        return float.__repr__(value)
    return int.__repr__(int(value))


def _read_number(text: str) -> int | float:
    try:
        return int(text)
    except ValueError:
        number = float(text)
        return int(number) if number.is_integer() else number


def _name(name: Any) -> str:
    if not isinstance(name, str):
        raise TypeError(f"the names in a map are text, not {type(name).__name__}")
    return str.__str__(name)
