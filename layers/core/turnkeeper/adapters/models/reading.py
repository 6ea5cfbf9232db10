"""Reads the answers of providers: what an answer lacks is a failure, and usage is either plausible or None."""

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeGuard

from turnkeeper.domain.chat import Finish, ModelReply, Native, ToolCall, Usage
from turnkeeper.domain.failures import Failure
from turnkeeper.domain.text import storable
from turnkeeper.errors import DependencyError

_MOST_TOKENS = 1_000_000_000
"""No call reads or writes more: a larger count is absurd."""

_LONGEST_ANSWER_CHARACTERS = 1_000_000
_LONGEST_WORD = 200

_FINISH: Mapping[str, Finish] = {
    **dict.fromkeys(["stop", "end_turn", "stop_sequence", "eos", "complete", "completed", "end"], Finish.STOP),
    **dict.fromkeys(["tool_calls", "tool_use", "function_call", "tool_call"], Finish.TOOL_CALLS),
    **dict.fromkeys(["length", "max_tokens", "max_output_tokens"], Finish.LENGTH),
    **dict.fromkeys(["model_length", "model_context_window_exceeded", "context_length"], Finish.CONTEXT_FULL),
    **dict.fromkeys(["refusal", "refused"], Finish.REFUSAL),
    **dict.fromkeys(
        ["content_filter", "content_filtered", "guardrail_intervened", "safety", "recitation", "blocklist", "spii"],
        Finish.CONTENT_FILTER,
    ),
}
"""The words that servers have for the end of an answer, in lower case."""

_FILTER_WORDS = re.compile(
    "safety|filter|prohibit|block|moderat|polic|harm|toxic|sensitive|guardrail|armor|recitation|refus|censor|violat"
)
"""Parts of the words that filters have for an end: whatever else they say, no other model is asked then."""


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


def within(data: Any, *names: str) -> Any:
    """Return what stands in JSON objects under these names, each inside the one before; None where it does not."""
    for name in names:
        data = data.get(name) if isinstance(data, dict) else None
    return data


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


def finish_of(said: Any, *, has_calls: bool) -> Finish:
    """Return why a model stopped, from the word that a server has for it; OTHER where nobody knows the word."""
    word = str(said or "").lower()
    finish = Finish.TOOL_CALLS if has_calls and not word else _FINISH.get(word)
    if finish in (Finish.STOP, Finish.TOOL_CALLS):  # some servers end an answer with calls as any other
        return Finish.TOOL_CALLS if has_calls else Finish.STOP
    if finish is None and _FILTER_WORDS.search(word):
        return Finish.CONTENT_FILTER
    return finish or Finish.OTHER


def reply(
    text: str,
    calls: list[ToolCall],
    finish: Finish,
    used: Usage | None,
    *,
    model: Any = None,
    service_tier: Any = None,
    native: Native | None = None,
) -> ModelReply:
    """Return a model's answer; raises DependencyError: EMPTY if it has no content, GARBAGE if it is absurdly long.

    The calls of an answer that was cut off or refused are left out, as their arguments may be incomplete; so are those
    of an answer that ended for a reason that nobody knows.
    """
    whole = finish in (Finish.STOP, Finish.TOOL_CALLS)
    if (whole or finish is Finish.OTHER) and not text and not calls:
        raise DependencyError(Failure.EMPTY, "the answer has no content")
    if len(text) + sum(len(call.arguments) for call in calls) > _LONGEST_ANSWER_CHARACTERS:
        raise DependencyError(Failure.GARBAGE, f"the answer is longer than {_LONGEST_ANSWER_CHARACTERS} characters")
    return ModelReply(
        storable(text),
        tuple(map(_call, calls)) if whole else (),
        finish,
        used,
        model=_word(model),
        service_tier=_word(service_tier),
        native=native if whole else None,
    )


def filtered(call: Callable[[], ModelReply]) -> ModelReply:
    """Run a call, and return a request that the provider's filter rejected as an answer that is finished by its filter.

    Where the error says that it was not sent, the usage is 0 tokens, else it is unknown (None).
    """
    try:
        return call()
    except DependencyError as error:
        if error.failure is not Failure.CONTENT_FILTER:
            raise
        return ModelReply("", (), Finish.CONTENT_FILTER, None if error.sent else Usage(0, 0), why=error.said)


def _call(call: ToolCall) -> ToolCall:
    return ToolCall(storable(call.id), storable(call.name), storable(call.arguments))


def _word(said: Any) -> str:
    return storable(said[:_LONGEST_WORD]) if isinstance(said, str) else ""
