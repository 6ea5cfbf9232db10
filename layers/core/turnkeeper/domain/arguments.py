"""Writes a tool call's arguments in one canonical form, so that the same call has the same key in every process."""

import json
from collections.abc import Mapping
from decimal import MAX_EMAX, MIN_EMIN, Context, Decimal
from typing import Any

from pydantic import BaseModel, TypeAdapter

_ANY: TypeAdapter[Any] = TypeAdapter(Any)
_LONGEST_EXPONENT = 100
"""Amounts beyond it stay in scientific notation: written out, `1E+999999` would be a million digits."""


def canonical(arguments: BaseModel) -> str:
    """Return arguments as JSON text: equal amounts are written alike, and the items of a set are sorted."""
    return json.dumps(_plain(arguments.model_dump()), sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def _plain(value: Any) -> Any:
    match value:
        case Decimal():
            return _amount(value)
        case Mapping():
            return {str(_plain(key)): _plain(item) for key, item in value.items()}
        case set() | frozenset():
            return sorted((_plain(item) for item in value), key=lambda item: json.dumps(item, sort_keys=True))
        case list() | tuple():
            return [_plain(item) for item in value]
        case _:
            return _ANY.dump_python(value, mode="json")


def _amount(amount: Decimal) -> str:
    if not amount:
        return "0"
    # A context of the amount's own size: `normalize` only drops zeros at the end, and never rounds.
    exact = Context(prec=max(1, len(amount.as_tuple().digits)), Emax=MAX_EMAX, Emin=MIN_EMIN)
    short = amount.normalize(exact)
    return f"{short:f}" if abs(short.adjusted()) <= _LONGEST_EXPONENT else str(short)
