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

_OURS = re.compile(r"call\d{5,}")
_ID = re.compile(r"[a-zA-Z0-9_-]{1,64}")
_NOT_IN_A_NAME = re.compile(r"[^a-zA-Z0-9_-]")
_LONGEST_NAME = 64


def admitted(reply: ModelReply, model: str, before: Iterable[Message]) -> ModelReply:
    """Return a reply of a model (its id) as it may follow the messages `before`: its calls have ids of ours.

    A call that cannot be made says so in its `problem`. Text of which nothing can be seen becomes empty.
    """
    messages = list(before)
    made = sum(len(message.tool_calls) for message in messages)
    taken = {call.native_id for message in messages for call in message.tool_calls}
    calls = []
    for number, call in enumerate(reply.tool_calls, made + 1):
        calls.append(_call(call, number, taken))
        taken.add(call.id)
    native = replace(reply.native, model=model) if reply.native else None
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
        id=f"call{number:05d}",  # nine letters and digits: what every provider takes
        name=name,
        arguments=arguments,
        native_id="" if call.id in taken or _OURS.fullmatch(call.id) or not _ID.fullmatch(call.id) else call.id,
        problem=problem,
    )


def _object(text: str) -> tuple[str, str]:
    """Return the arguments of a call, and what is wrong with them: an object as the model wrote it, or an empty one."""
    if not text.strip():
        return "{}", ""  # how some models call a tool without arguments
    try:
        data = json.loads(text, parse_constant=_no_number)
        if not isinstance(data, Mapping):
            return "{}", "the arguments are not a JSON object: write one that fits the tool's schema"
        if not_finite(data):
            return "{}", "the arguments hold a number that is too large"
    except (ValueError, RecursionError) as error:
        return "{}", f"the arguments are not valid JSON: {storable(str(error))[:200]}"
    return text, ""


def _no_number(word: str) -> Any:
    raise ValueError(f"{word} is not a number in JSON")
