"""The error of a wrong definition, and what definitions are held to."""

import inspect
import math
from collections.abc import Iterable, Sequence
from typing import Any


class AgentError(TypeError):
    """A definition of an agent is wrong; the message says what to write instead."""


def refuse(what: str, mistakes: Iterable[tuple[bool, str]]) -> None:
    """Raise AgentError for the first mistake that was made; each is (whether it was, what to write instead)."""
    for made, instead in mistakes:
        if made:
            raise AgentError(f"{what}: {instead}")


def is_text(value: Any) -> bool:
    """Whether a value is a text that says something."""
    return isinstance(value, str) and bool(value.strip())


def is_whole(value: Any, least: int) -> bool:
    """Whether a value is a whole number of at least `least`."""
    return isinstance(value, int) and not isinstance(value, bool) and value >= least


def is_number(value: Any) -> bool:
    """Whether a value is a number that can be compared."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def are_all(things: Any, kind: Any) -> bool:
    """Whether a value is a list of one kind."""
    return isinstance(things, Sequence) and all(isinstance(thing, kind) for thing in things)


def takes(function: Any, arguments: int) -> bool:
    """Whether a value can be called with so many arguments, as far as it says."""
    try:
        inspect.signature(function).bind(*[None] * arguments)
    except TypeError:  # it is not callable, or takes others
        return False
    except ValueError:  # it does not say what it takes
        return True
    return True
