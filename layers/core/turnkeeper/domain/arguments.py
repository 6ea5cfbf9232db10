"""Reads a tool call's arguments, and writes them in one canonical form, which has the same key in every process."""

import json
from collections.abc import Mapping
from decimal import MAX_EMAX, MIN_EMIN, Context, Decimal
from typing import Any

from pydantic import BaseModel, TypeAdapter, ValidationError

from turnkeeper.domain.answers import MAX_ERRORS, error_lines
from turnkeeper.domain.finite import not_finite

_ANY: TypeAdapter[Any] = TypeAdapter(Any)
_LONGEST_EXPONENT = 100
"""Amounts beyond it stay in scientific notation: written out, `1E+999999` would be a million digits."""


def read_arguments(text: str, model: type[BaseModel]) -> BaseModel | list[str]:
    """Validate arguments (JSON text): return them, or what is wrong with them. Every number in them is finite.

    A null for an argument that has a default and takes no null counts as left out: models write one for each argument
    that they have nothing to say about.
    """
    try:
        read = _read(text, model)
    except ValidationError as error:
        return error_lines(error)
    return not_finite(read)[:MAX_ERRORS] or read


def _read(text: str, model: type[BaseModel]) -> BaseModel:
    try:
        return model.model_validate_json(text)
    except ValidationError as error:
        nulls = [e["loc"] for e in error.errors() if e["input"] is None and e["type"] != "extra_forbidden"]
        given = json.loads(text) if nulls else None
        if not sum(_drop_null(given, place) for place in nulls):
            raise
        try:
            return model.model_validate_json(json.dumps(given))
        except ValidationError as without:
            needed_one = any(e["type"] == "missing" for e in without.errors())
            raise (error if needed_one else without) from None


def _drop_null(given: Any, place: tuple[int | str, ...]) -> bool:
    """Remove the null at a place in JSON data from the object that holds it; returns whether there was one."""
    *path, last = place or ("",)
    for step in path:
        try:
            given = given[step]
        except (KeyError, IndexError, TypeError):  # unions name their options in places, and these are not in the data
            return False
    if not isinstance(given, dict) or last not in given or given[last] is not None:
        return False
    del given[last]
    return True


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
