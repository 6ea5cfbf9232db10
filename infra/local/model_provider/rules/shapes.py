"""Reads requests that may have any shape: what is not there, or is something else, is left out."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from infra.local.model_provider.rules.rule import Refusal, Sent


def objects(value: Any) -> list[Mapping[str, Any]]:
    """Return the objects in a list; nothing for anything else."""
    return [item for item in value if isinstance(item, Mapping)] if isinstance(value, list) else []


def within(value: Any, *names: str) -> Any:
    """Return what stands below some names in an object of objects; None where one is missing."""
    for name in names:
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


def first(*checks: Callable[[Sent], Iterable[str]]) -> Callable[[Sent], Refusal | None]:
    """Refuse a request for the first thing that any of the checks finds wrong with it."""

    def refuses(sent: Sent) -> Refusal | None:
        return next((Refusal(message) for check in checks for message in check(sent)), None)

    return refuses


def is_blank(text: Any) -> bool:
    """Say whether a text has nothing but whitespace, or is none."""
    return not isinstance(text, str) or not text.strip()
