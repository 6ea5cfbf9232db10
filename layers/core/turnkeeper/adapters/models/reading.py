"""Reads providers' answers: usage that can be trusted or none, and shapes that are held to what was promised."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeGuard

from turnkeeper.domain.chat import Finish, ModelReply, ToolCall, Usage
from turnkeeper.domain.failures import Failure
from turnkeeper.domain.text import storable
from turnkeeper.errors import DependencyError

_MOST_TOKENS = 1_000_000_000
"""No call reads or writes so many: a count above it is absurd."""

_LONGEST_ANSWER = 1_000_000


@contextmanager
def shaped() -> Iterator[None]:
    """Turn a missing or mistyped field of an answer into DependencyError(GARBAGE)."""
    try:
        yield
    except (KeyError, IndexError, TypeError, AttributeError) as error:
        raise DependencyError(Failure.GARBAGE, f"the answer lacks what was promised: {error!r}") from error


def text_of(content: Any) -> str:
    """Return what must be a text; raises TypeError, which `shaped` turns into a failure."""
    if not isinstance(content, str):
        raise TypeError(f"{type(content).__name__} where a text was promised")
    return content


def is_count(value: Any) -> TypeGuard[int]:
    """Say whether a value can be a number of tokens."""
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _MOST_TOKENS


def usage(*, plain: Any, output: Any, cache_read: Any = 0, cache_write: Any = 0) -> Usage | None:
    """Return a usage of counts, or None where any is missing or absurd; `plain` are the tokens that no cache served."""
    cache_read, cache_write = (0 if count is None else count for count in (cache_read, cache_write))
    if not all(map(is_count, (plain, output, cache_read, cache_write))):
        return None
    if not plain + output + cache_read + cache_write:
        return None
    return Usage(plain + cache_read + cache_write, output, cache_read, cache_write)


def reply(text: str, calls: list[ToolCall], finish: Finish, used: Usage | None) -> ModelReply:
    """Return an answer; raises DependencyError(EMPTY) when there is nothing in it, GARBAGE when there is far too much.

    The calls of an answer that was cut off or turned away are left out: their arguments may be half of what was meant.
    """
    whole = finish in (Finish.STOP, Finish.TOOL_CALLS)
    if whole and not text.strip() and not calls:
        raise DependencyError(Failure.EMPTY, "the answer has no content")
    if len(text) + sum(len(call.arguments) for call in calls) > _LONGEST_ANSWER:
        raise DependencyError(Failure.GARBAGE, f"the answer is longer than {_LONGEST_ANSWER} characters")
    return ModelReply(storable(text), tuple(map(_call, calls)) if whole else (), finish, used)


def filtered(call: Callable[[], ModelReply]) -> ModelReply:
    """Run a call; a request that the provider's filter turned away is an answer: a refusal, unbilled if it says so."""
    try:
        return call()
    except DependencyError as error:
        if error.failure is not Failure.CONTENT_FILTER:
            raise
        return ModelReply("", (), Finish.CONTENT_FILTER, None if error.sent else Usage(0, 0))


def arguments(text: str) -> Any:
    """Return a tool call's arguments as the object that some providers want to see again."""
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        data = None
    return data if isinstance(data, dict) else {}


def _call(call: ToolCall) -> ToolCall:
    return ToolCall(storable(call.id), storable(call.name), storable(call.arguments))
