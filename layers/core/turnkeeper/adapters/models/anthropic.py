"""Anthropic Messages. Source: https://platform.claude.com/docs/en/api/messages."""

import json
from collections.abc import Iterator
from typing import Any

from turnkeeper.adapters.models.claude import thinking
from turnkeeper.adapters.models.http import Answered, JsonPost, json_post
from turnkeeper.adapters.models.reading import filtered, finish_of, reply, shaped, text_of, usage, within
from turnkeeper.adapters.models.requests import Json, alternating, arguments, in_form, sent_id, sent_ids
from turnkeeper.adapters.secrets import Secrets
from turnkeeper.agent import Endpoint
from turnkeeper.domain.chat import Message, ModelReply, ModelRequest, Native, ToolCall, Usage
from turnkeeper.domain.schemas import for_anthropic
from turnkeeper.domain.text import is_blank
from turnkeeper.ports import ModelClient

_VERSION = "2023-06-01"
_USUAL = (None, "standard", "global", "not_available")
"""What an answer says of its service where nothing of it changes the price."""

_CACHE_HERE: Json = {"cache_control": {"type": "ephemeral"}}
"""Marks the end of what is read from a cache for five minutes; a request may have four such marks."""


def client(endpoint: Endpoint, secrets: Secrets) -> ModelClient:
    """Make the client of an endpoint."""
    fixed = {**dict(endpoint.headers), "anthropic-version": _VERSION}
    return Anthropic(json_post(endpoint, secrets, lambda key: {**fixed, **({"x-api-key": key} if key else {})}))


class Anthropic:
    """Asks models over the Messages API, at a base URL that has no version at its end."""

    def __init__(self, post: JsonPost) -> None:
        self._post = post

    def complete(self, request: ModelRequest, *, timeout_s: float) -> ModelReply:
        """Ask the model once, within a hard total of `timeout_s`; raises DependencyError."""
        body = _body(request)
        return filtered(lambda: _reply(self._post.send("/v1/messages", body, timeout_s=timeout_s)))


# --- the request ------------------------------------------------------------------------------------------------------


def _body(request: ModelRequest) -> Json:
    body: Json = {
        "model": request.model,
        "system": [{"type": "text", "text": request.system, **_CACHE_HERE}],
        "messages": _messages(request.messages),
        "max_tokens": request.max_output_tokens,
        "service_tier": "standard_only",  # by itself it may use capacity that has a price of its own
        **request.options,
        **thinking(request),
    }
    if request.tools:
        body["tools"] = [
            {"name": t.name, "description": t.description, "input_schema": t.schema} for t in request.tools
        ]
    if request.schema:
        form = {"format": {"type": "json_schema", "schema": in_form(for_anthropic, request.schema)}}
        body["output_config"] = {**body.get("output_config", {}), **form}
    return body


def _messages(messages: tuple[Message, ...]) -> list[Json]:
    ids = sent_ids(messages)
    wire: list[Json] = [
        {"role": who, "content": [block for m in group for block in _blocks(m, ids)]}
        for who, group in alternating(messages)
    ]
    for place in _cached(messages, wire):
        place.update(_CACHE_HERE)
    return wire


def _cached(messages: tuple[Message, ...], wire: list[Json]) -> Iterator[Json]:
    """Find the blocks after which a later request may go on: what the customer said, and the end.

    The next turn of the conversation has the customer's words without our note, and the next step of a loop has both.
    """
    said, last = wire[-1]["content"][0], wire[-1]["content"][-1]
    if messages[-1].role == "user" and said is not last:
        yield said
    if last["type"] in ("text", "tool_result"):
        yield last


def _blocks(message: Message, ids: Any) -> Iterator[Json]:
    if message.role == "tool":
        call_id = ids.get(message.tool_call_id, message.tool_call_id)
        yield {"type": "tool_result", "tool_use_id": call_id, "content": message.text}
        return
    if message.native:
        calls = iter(message.tool_calls)
        for block in message.native.content:
            yield {**block, **_use(message, next(calls))} if block["type"] == "tool_use" else dict(block)
        return
    yield from ({"type": "text", "text": text} for text in (message.text, message.note) if text)
    yield from (_use(message, call) for call in message.tool_calls)


def _use(message: Message, call: ToolCall) -> Json:
    return {"type": "tool_use", "id": sent_id(message, call), "name": call.name, "input": arguments(call)}


# --- the answer -------------------------------------------------------------------------------------------------------


def _reply(answered: Answered) -> ModelReply:
    data = answered.data
    with shaped():
        blocks = data["content"]
        text = "".join(text_of(b["text"]) for b in blocks if b["type"] == "text")
        calls = [
            ToolCall(str(b["id"]), str(b["name"]), json.dumps(b["input"], ensure_ascii=False))
            for b in blocks
            if b["type"] == "tool_use"
        ]
        return reply(
            text,
            calls,
            finish_of(data.get("stop_reason"), has_calls=bool(calls)),
            _usage(data),
            model=answered.model,
            service_tier=_tier(data),
            native=Native([b for b in blocks if b["type"] != "text" or not is_blank(b["text"])]),
        )


def _tier(data: Json) -> Any:
    """Return what changes the price of an answer: the service tier, a faster speed, or a place where it must be."""
    said = (within(data, "usage", name) for name in ("service_tier", "speed", "inference_geo"))
    return next((tier for tier in said if tier not in _USUAL), None)


def _usage(data: Json) -> Usage | None:
    used = data.get("usage")
    if not isinstance(used, dict):
        return None
    return usage(
        plain=used.get("input_tokens"),
        output=used.get("output_tokens"),
        cache_read=used.get("cache_read_input_tokens"),
        cache_write=used.get("cache_creation_input_tokens"),
    )
