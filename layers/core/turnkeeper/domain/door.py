"""The door for what a model says: behind it, a message is valid for every provider, whoever is asked next.

A model may call tools by ids and names that another provider refuses, or write arguments that are no object. That is
mended here once, and the model is told what was wrong with its call.
"""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from turnkeeper.domain.chat import Message, ModelReply, ToolCall
from turnkeeper.domain.finite import not_finite
from turnkeeper.domain.text import is_blank, storable

_ID = re.compile(r"[a-zA-Z0-9_-]{1,64}")
_NOT_IN_A_NAME = re.compile(r"[^a-zA-Z0-9_-]")
_LONGEST_NAME = 64
_DEEPEST = 60
_OUR_ID = "call{:05d}"
"""Nine letters and digits: what every provider takes."""

_LIKE_OURS = re.compile(r"call\d{5}")


def admitted(reply: ModelReply, model: str, before: Iterable[Message], *, has_tools: bool = True) -> ModelReply:
    """Return a reply of a model (its id) as it may follow the messages `before`: its calls have ids of ours.

    A call that cannot be made says so in its `problem`; unless the model `has_tools`, it has called none, as a provider
    may refuse a request that shows a call and offers no tool. Text of which nothing can be seen becomes empty. What
    cannot be written as UTF-8 is never sent back.
    """
    if reply.tool_calls and not has_tools:
        reply = replace(reply, tool_calls=(), native=None)
    messages = list(before)
    made = sum(len(message.tool_calls) for message in messages)
    taken = {call.native_id for message in messages for call in message.tool_calls}
    calls = []
    for number, call in enumerate(reply.tool_calls, made + 1):
        calls.append(_call(call, number, taken))
        taken.add(call.id)
    native = replace(reply.native, model=model) if reply.native and _can_be_sent(reply.native.content) else None
    return replace(reply, text="" if is_blank(reply.text) else reply.text, tool_calls=tuple(calls), native=native)


def only_own(messages: Iterable[Message], model: str) -> tuple[Message, ...]:
    """Return messages as one model may be sent them: of what was said in a provider's own form, only its own."""
    return tuple(replace(m, native=None) if m.native and m.native.model != model else m for m in messages)


def _call(call: ToolCall, number: int, taken: set[str]) -> ToolCall:
    name = _NOT_IN_A_NAME.sub("_", call.name)[:_LONGEST_NAME] or "unnamed"
    arguments, problem = _object(call.arguments)
    if name != call.name:
        problem = f"there is no tool {call.name[:_LONGEST_NAME]!r}"
    return ToolCall(
        id=_OUR_ID.format(number),
        name=name,
        arguments=arguments,
        native_id=call.id if _may_stay(call.id, taken) else "",
        problem=problem,
    )


def _may_stay(native_id: str, taken: set[str]) -> bool:
    """Whether an id can be sent back: a model that was shown ids of ours may make up the next one of them."""
    return bool(_ID.fullmatch(native_id)) and not _LIKE_OURS.fullmatch(native_id) and native_id not in taken


def _object(text: str) -> tuple[str, str]:
    """Return the arguments of a call, and what is wrong with them: an object as the model wrote it, or an empty one."""
    if not text.strip():
        return "{}", ""  # how some models call a tool without arguments
    try:
        wrong = _wrong(json.loads(text, parse_constant=_no_number))
    except (ValueError, RecursionError) as error:
        wrong = f"are not valid JSON: {storable(str(error))[:200]}"
    return ("{}", f"the arguments {wrong}") if wrong else (text, "")


def _wrong(data: Any) -> str:
    """Return what is wrong with the data of arguments, or nothing."""
    if not isinstance(data, Mapping):
        return "are not a JSON object: write one that fits the tool's schema"
    if _is_too_deep(data):
        return "are nested too deeply"
    if not_finite(data):
        return "hold a number that is too large"
    return "" if _can_be_sent(data) else "hold half a character, a lone surrogate"


def _no_number(word: str) -> Any:
    raise ValueError(f"{word} is not a number in JSON")


def _is_too_deep(data: Any) -> bool:
    """Whether data is nested more deeply than any tool's arguments, and than some servers can read."""
    level: list[Any] = [data]
    for _ in range(_DEEPEST):
        level = [part for one in level for part in _parts(one)]
        if not level:
            return False
    return True


def _parts(data: Any) -> Iterable[Any]:
    return data.values() if isinstance(data, Mapping) else data if isinstance(data, list) else ()


def _can_be_sent(data: Any) -> bool:
    """Whether JSON data can be written as UTF-8: JSON itself can carry half a character."""
    try:
        json.dumps(data, ensure_ascii=False).encode()
    except (UnicodeEncodeError, RecursionError):
        return False
    return True
