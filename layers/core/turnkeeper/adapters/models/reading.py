"""Reads providers' answers: usage that can be trusted or none, and shapes that are held to what was promised."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from turnkeeper.domain.failures import Failure
from turnkeeper.errors import DependencyError
from turnkeeper.ports import Finish, ModelReply, ToolCall, Usage


@contextmanager
def shaped() -> Iterator[None]:
    """Turn a missing or mistyped field of an answer into DependencyError(GARBAGE)."""
    try:
        yield
    except (KeyError, IndexError, TypeError, AttributeError) as error:
        raise DependencyError(Failure.GARBAGE, f"the answer lacks what was promised: {error!r}") from error


def usage(*, plain: Any, output: Any, cache_read: Any = 0, cache_write: Any = 0) -> Usage | None:
    """Return a usage of counts, or None where any is missing or absurd; `plain` are the tokens that no cache served."""
    counts = [
        0 if count is None and n > 1 else count for n, count in enumerate((plain, output, cache_read, cache_write))
    ]
    if not all(isinstance(count, int) and not isinstance(count, bool) and count >= 0 for count in counts):
        return None
    plain, output, cache_read, cache_write = counts
    if not plain + output + cache_read + cache_write:
        return None
    return Usage(plain + cache_read + cache_write, output, cache_read, cache_write)


def reply(text: str, calls: list[ToolCall], finish: Finish, used: Usage | None) -> ModelReply:
    """Return an answer; raises DependencyError(EMPTY) when there is nothing in it."""
    if not text and not calls and finish in (Finish.STOP, Finish.TOOL_CALLS):
        raise DependencyError(Failure.EMPTY, "the answer has no content")
    return ModelReply(text, tuple(calls), finish, used)


def filtered(call: Callable[[], ModelReply]) -> ModelReply:
    """Run a call; a request that the provider's filter turned away, unbilled, is an answer: a refusal."""
    try:
        return call()
    except DependencyError as error:
        if error.failure is not Failure.CONTENT_FILTER:
            raise
        return ModelReply("", (), Finish.CONTENT_FILTER, Usage(0, 0))


def arguments(text: str) -> Any:
    """Return a tool call's arguments as the object that some providers want to see again."""
    try:
        data = json.loads(text)
    except ValueError:
        data = None
    return data if isinstance(data, dict) else {}
