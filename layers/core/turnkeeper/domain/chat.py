"""What is said to a model and what it answers, in the one form that every provider's adapter translates."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Literal


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A call of a tool that a model asks for: `arguments` is the JSON text exactly as the model wrote it.

    Once it is admitted (`domain/door.py`), `id` is ours, `native_id` the provider's where that can be sent back, and
    `arguments` an object; `problem` then says why the call cannot be made, or is empty.
    """

    id: str
    name: str
    arguments: str
    native_id: str = ""
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Native:
    """An answer in its provider's own form: what only the model that wrote it is sent again, such as its thinking.

    `model` is the id of that model. `content` is JSON data: the blocks or items of the answer in their order, or the
    fields that its server wants back.
    """

    content: Any
    model: str = ""


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a chat: an assistant's message may carry tool calls; a tool's message answers `tool_call_id`.

    `note` is what we add to a user's message, such as the time: it stands after the text, so that all before it can
    stay in a provider's cache.
    """

    role: Literal["user", "assistant", "tool"]
    text: str
    tool_calls: tuple[ToolCall, ...] = ()
    tool_call_id: str = ""
    native: Native | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class ToolSpec:
    """A tool as a model sees it: `schema` is the JSON Schema of its arguments (an object)."""

    name: str
    description: str
    schema: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ModelRequest:
    """One call of a model: `model` is the provider's own name for it, `schema` the JSON Schema its answer must have.

    `max_output_tokens` bounds thinking and answer together. `effort` is one of `domain/thinking.py`, empty for what the
    model does by itself. `options` are fields of the wire that the agent sets. `cache_key` is the same for requests
    that begin alike. `like` says which model it is, where its name does not.
    """

    model: str
    system: str
    messages: tuple[Message, ...]
    max_output_tokens: int
    tools: tuple[ToolSpec, ...] = ()
    schema: Mapping[str, Any] | None = None
    effort: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)
    cache_key: str = ""
    like: str = ""

    @property
    def known_as(self) -> str:
        """The name by which `domain/known_models.py` knows the model."""
        return self.like or self.model


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens as the provider billed them; `input_tokens` counts everything read, cached tokens included."""

    input_tokens: int
    output_tokens: int
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0


class Finish(StrEnum):
    """Why a model stopped."""

    STOP = "stop"
    TOOL_CALLS = "tool_calls"
    LENGTH = "length"
    REFUSAL = "refusal"
    CONTENT_FILTER = "content_filter"
    CONTEXT_FULL = "context_full"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class ModelReply:
    """What a model answered. `usage` is None where the provider reported none, or an absurd one.

    `model` is the model that answered, by its provider's name, and `service_tier` the one that served it; each is empty
    where the answer does not say. `native` is the answer in its provider's form, where that has to be sent back. `why`
    is what a provider said about a request that its filter rejected, redacted.
    """

    text: str
    tool_calls: tuple[ToolCall, ...]
    finish: Finish
    usage: Usage | None
    model: str = ""
    service_tier: str = ""
    native: Native | None = None
    why: str = ""
