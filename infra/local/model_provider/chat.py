"""What a model is asked and what it answers, whichever protocol carries it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

_CORRECTION = "Your last answer was not valid"


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
    """One message: an assistant's may carry calls; a tool's answers `call_id`."""

    role: str
    text: str
    calls: tuple[Call, ...] = ()
    call_id: str = ""


@dataclass(frozen=True)
class Asked:
    """One request. `tools` are the schemas of their arguments by name; `size` is the request's length in bytes."""

    model: str
    system: str
    messages: tuple[Message, ...]
    max_tokens: int | None
    size: int
    tools: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    declared_schema: Mapping[str, Any] | None = None

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
        return tuple(m.text for m in self.talk if m.role == "user")

    @cached_property
    def results(self) -> tuple[tuple[Call, Any], ...]:
        """What tools returned since the customer last wrote."""
        last = max((n for n, m in enumerate(self.talk) if m.role == "user"), default=-1)
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
    """Tokens read and written."""

    read: int
    written: int


@dataclass(frozen=True, slots=True)
class Completion:
    """A reply as it is sent: `finish` is stop, tools, length or refusal; `usage` is None if none is reported."""

    text: str
    calls: tuple[Call, ...]
    finish: str
    billed: Usage
    usage: Usage | None


def tokens(size: int) -> int:
    """Estimate the tokens of so many bytes; never more than there are bytes."""
    return -(-size // 4)


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
