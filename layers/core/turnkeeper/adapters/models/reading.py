"""Reads the answers of providers: what an answer lacks is a failure, and usage is either plausible or None."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeGuard

from turnkeeper.domain.chat import Finish, ModelReply, ToolCall, Usage
from turnkeeper.domain.failures import Failure
from turnkeeper.domain.text import storable
from turnkeeper.errors import DependencyError

_MOST_TOKENS = 1_000_000_000
"""No call reads or writes more: a larger count is absurd."""

_LONGEST_ANSWER_CHARACTERS = 1_000_000


@contextmanager
def shaped() -> Iterator[None]:
    """Turn a missing or mistyped field of an answer into DependencyError(GARBAGE)."""
    try:
        yield
    except (KeyError, IndexError, TypeError, AttributeError) as error:
        raise DependencyError(Failure.GARBAGE, f"a field of the answer is missing or mistyped: {error!r}") from error


def text_of(content: Any) -> str:
    """Return a value that must be text; raises TypeError, which `shaped` turns into a failure."""
    if not isinstance(content, str):
        raise TypeError(f"{type(content).__name__} where the API has text")
    return content


def is_count(value: Any) -> TypeGuard[int]:
    """Whether a value is a plausible number of tokens; some servers write whole ones as 100.0."""
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return is_number and 0 <= value <= _MOST_TOKENS and float(value).is_integer()


def usage(*, plain: Any, output: Any, cache_read: Any = 0, cache_write: Any = 0) -> Usage | None:
    """Return the usage that these counts of tokens make, or None where one is missing or absurd, or all are 0.

    `plain` counts the input tokens that were neither read from a cache nor written to one.
    """
    counts = (plain, output, *(0 if count is None else count for count in (cache_read, cache_write)))
    if not all(map(is_count, counts)):
        return None
    plain, output, cache_read, cache_write = map(int, counts)
    if not plain + output + cache_read + cache_write:
        return None
    return Usage(plain + cache_read + cache_write, output, cache_read, cache_write)


def reply(text: str, calls: list[ToolCall], finish: Finish, used: Usage | None) -> ModelReply:
    """Return a model's answer; raises DependencyError: EMPTY if it has no content, GARBAGE if it is absurdly long.

    The calls of an answer that was cut off or refused are left out, as their arguments may be incomplete.
    """
    whole = finish in (Finish.STOP, Finish.TOOL_CALLS)
    if whole and not text.strip() and not calls:
        raise DependencyError(Failure.EMPTY, "the answer has no content")
    if len(text) + sum(len(call.arguments) for call in calls) > _LONGEST_ANSWER_CHARACTERS:
        raise DependencyError(Failure.GARBAGE, f"the answer is longer than {_LONGEST_ANSWER_CHARACTERS} characters")
    return ModelReply(storable(text), tuple(map(_call, calls)) if whole else (), finish, used)


def filtered(call: Callable[[], ModelReply]) -> ModelReply:
    """Run a call, and return a request that the provider's filter rejected as an answer that is finished by its filter.

    Where the error says that it was not sent, the usage is 0 tokens, else it is unknown (None).
    """
    try:
        return call()
    except DependencyError as error:
        if error.failure is not Failure.CONTENT_FILTER:
            raise
        return ModelReply("", (), Finish.CONTENT_FILTER, None if error.sent else Usage(0, 0), error.said)


def arguments(text: str) -> Any:
    """Return the arguments of a tool call as an object, as some APIs have them; {} where the model wrote no object."""
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        data = None
    return data if isinstance(data, dict) else {}


def _call(call: ToolCall) -> ToolCall:
    return ToolCall(storable(call.id), storable(call.name), storable(call.arguments))
