"""The error of a wrong definition, and the checks that definitions share."""

import inspect
import math
from collections.abc import Iterable, Sequence
from typing import Any

from turnkeeper.domain.text import is_blank


class AgentError(TypeError):
    """A definition of an agent is wrong; the message says what to write instead."""


def refuse(subject: str, mistakes: Iterable[tuple[bool, str]]) -> None:
    """Raise AgentError for the first mistake that was made; each is (whether it was made, what to write instead).

    `subject` names what is defined, and begins the message.
    """
    for made, instead in mistakes:
        if made:
            raise AgentError(f"{subject}: {instead}")


def is_text(value: Any) -> bool:
    """Whether a value is text that is not blank."""
    return isinstance(value, str) and not is_blank(value)


def is_whole(value: Any, least: int) -> bool:
    """Whether a value is a whole number of at least `least`."""
    return isinstance(value, int) and not isinstance(value, bool) and value >= least


def is_number(value: Any) -> bool:
    """Whether a value is a finite number."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def are_all(things: Any, kind: Any) -> bool:
    """Whether a value is a sequence whose members are all of one kind."""
    return isinstance(things, Sequence) and all(isinstance(thing, kind) for thing in things)


def takes(function: Any, count: int) -> bool:
    """Whether a value can be called with `count` positional arguments; a callable without a signature counts as one."""
    try:
        inspect.signature(function).bind(*[None] * count)
    except TypeError:  # it is not callable, or takes other arguments
        return False
    except ValueError:  # it is callable, and has no signature
        return True
    return True
