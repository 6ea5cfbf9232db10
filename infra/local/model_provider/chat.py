"""What a model is asked and what it answers, whichever protocol carries it."""

import datetime as dt
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from infra.local.model_provider.prompt_cache import BYTES_PER_TOKEN, Caching

_CORRECTION = "Your last answer was not valid"
_NOTE = re.compile(r"(?:\A|\n\n)It is [A-Z][a-z]+day, \d{4}-\d\d-\d\d, \d\d:\d\d UTC\.")
_TODAY = re.compile(r"It is (?:\w+, )?(\d{4}-\d{2}-\d{2})")
_THINKING_TOKENS = {"none": 0, "minimal": 16, "low": 64, "medium": 256, "high": 1024, "xhigh": 4096, "max": 8192}


class BadRequestError(ValueError):
    """A request that the provider does not take; the message says why."""


@dataclass(frozen=True, slots=True)
class Call:
    """A tool call."""

    id: str
    name: str
    arguments: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Message:
    """One message: an assistant's may carry calls; a tool's answers `call_id`.

    `note` is what stands in a user's message, but was not said by the customer: the day, and what went before.
    """

    role: str
    text: str
    calls: tuple[Call, ...] = ()
    call_id: str = ""
    note: str = ""

    @classmethod
    def of_user(cls, parts: Sequence[str]) -> "Message":
        """Return a user's message of some text parts: the last part, or the end of it, may be a note to the model."""
        *before, last = parts or [""]
        found = list(_NOTE.finditer(last))
        at = found[-1].start() if found else len(last)
        return cls("user", "".join([*before, last[:at]]), note=last[at:].strip())


@dataclass(frozen=True)
class Asked:
    """One request. `tools` are the schemas of their arguments by name; `size` is the bytes that are billed.

    `thinking` is how many tokens the model thinks before it answers. `account` is whose key it is. `prompt` is what the
    model reads, in segments, in the order in which the provider caches it and binds thoughts to it; `tier` the service
    tier that serves it; `repeats` what the answer repeats of the request, in the wire's own words. `bound_to` is what a
    Claude's thought is bound to, and `shows_thinking` whether its text is to be seen.
    """

    model: str
    system: str
    messages: tuple[Message, ...]
    max_tokens: int | None
    size: int
    tools: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    declared_schema: Mapping[str, Any] | None = None
    thinking: int = 0
    account: str = ""
    prompt: tuple[bytes, ...] = ()
    caching: Caching | None = None
    tier: str = "default"
    repeats: Mapping[str, Any] = field(default_factory=dict)
    bound_to: str = ""
    shows_thinking: bool = True

    @cached_property
    def today(self) -> dt.date:
        """The day that the model is told: in a note, or in the system prompt; else the real one."""
        told = [*(m.note for m in reversed(self.messages)), self.system]
        found = next(filter(None, map(_TODAY.search, told)), None)
        return dt.date.fromisoformat(found[1]) if found else dt.datetime.now(dt.UTC).date()

    @cached_property
    def schema(self) -> Mapping[str, Any] | None:
        """The JSON Schema of the answer: declared, or written into the system prompt."""
        return self.declared_schema or _schema_in(self.system)

    @cached_property
    def talk(self) -> tuple[Message, ...]:
        """The messages without invalid answers and the re-asks for them."""
        kept: list[Message] = []
        for message in self.messages:
            if message.role == "user" and message.text.startswith(_CORRECTION):
                if kept and kept[-1].role == "assistant":
                    kept.pop()
                continue
            kept.append(message)
        return tuple(kept)

    @cached_property
    def said(self) -> tuple[str, ...]:
        """What the customer wrote, in order."""
        return tuple(m.text for m in self.talk if _is_said(m))

    @cached_property
    def results(self) -> tuple[tuple[Call, Any], ...]:
        """What tools returned since the customer last wrote."""
        last = max((n for n, m in enumerate(self.talk) if _is_said(m)), default=-1)
        since = self.talk[last + 1 :]
        calls = {call.id: call for m in since for call in m.calls}
        return tuple((calls[m.call_id], parsed(m.text)) for m in since if m.role == "tool" and m.call_id in calls)

    def result(self, tool: str) -> Any:
        """Return what a tool last returned since the customer last wrote; None where it was not called."""
        return next((result for call, result in reversed(self.results) if call.name == tool), None)


@dataclass(frozen=True, slots=True)
class Reply:
    """What a model makes of it: text, or calls of tools."""

    text: str = ""
    calls: tuple[tuple[str, Mapping[str, Any]], ...] = ()

    @classmethod
    def answer(cls, reply: str, confidence: float, output: Any = None) -> "Reply":
        """Return a structured answer."""
        data = {"reply": reply, "confidence": round(confidence, 2), "output": output}
        return cls(json.dumps(data, ensure_ascii=False))

    @classmethod
    def call(cls, tool: str, arguments: Mapping[str, Any]) -> "Reply":
        """Return the call of a tool."""
        return cls(calls=((tool, arguments),))


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens read and written, all of them; and how many of those were cached, or thought."""

    read: int
    written: int
    cache_read: int = 0
    cache_written: int = 0
    thinking: int = 0


@dataclass(frozen=True, slots=True)
class Completion:
    """A reply as it is sent.

    `finish` is stop, tools, length, refusal or filter; `usage` is None if none is reported; `thought` is what the model
    thought before, `model` the name that the answer gives, and `limit` how many tokens it might have had.
    """

    text: str
    calls: tuple[Call, ...]
    finish: str
    billed: Usage
    usage: Usage | None
    model: str
    limit: int
    thought: str = ""


def tokens(size: int) -> int:
    """Estimate the tokens of so many bytes; never more than there are bytes."""
    return -(-size // BYTES_PER_TOKEN)


def thinking_tokens(effort: str) -> int:
    """Return how many tokens a model thinks at an effort; one that has a name of its own is a medium one."""
    return _THINKING_TOKENS.get(effort, _THINKING_TOKENS["medium"])


def parsed(text: str) -> Any:
    """Return JSON text as data, and any other text as it is."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def _schema_in(text: str) -> Mapping[str, Any] | None:
    decoder = json.JSONDecoder()
    at = text.find("{")
    while at >= 0:
        try:
            found, _ = decoder.raw_decode(text, at)
        except ValueError:
            found = None
        if isinstance(found, dict) and "properties" in found:
            return found
        at = text.find("{", at + 1)
    return None


def _is_said(message: Message) -> bool:
    """Say whether the customer said something in a message: a note alone is no saying."""
    return message.role == "user" and bool(message.text or not message.note)
