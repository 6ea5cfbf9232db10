"""Anthropic Messages. Source: https://platform.claude.com/docs/en/api/messages."""

import json
from itertools import groupby
from typing import Any

from turnkeeper.adapters.models.http import JsonPost
from turnkeeper.adapters.models.reading import arguments, filtered, reply, shaped, text_of, usage
from turnkeeper.adapters.secrets import Secret, Secrets
from turnkeeper.agent import Endpoint
from turnkeeper.domain.chat import Finish, Message, ModelReply, ModelRequest, ToolCall, Usage
from turnkeeper.domain.schemas import strict
from turnkeeper.ports import ModelClient

_FINISH = {
    "end_turn": Finish.STOP,
    "stop_sequence": Finish.STOP,
    "tool_use": Finish.TOOL_CALLS,
    "max_tokens": Finish.LENGTH,
    "model_context_window_exceeded": Finish.LENGTH,
    "refusal": Finish.REFUSAL,
}


def client(endpoint: Endpoint, secrets: Secrets) -> ModelClient:
    """Make the client of an endpoint, by default Anthropic's own."""
    return Anthropic(endpoint.url or "https://api.anthropic.com", secrets.secret(endpoint.key_secret))


class Anthropic:
    """Asks models over the Messages API, at `base_url`, which has no version at its end."""

    def __init__(self, base_url: str, key: Secret) -> None:
        self._post = JsonPost(base_url, key, lambda k: {"x-api-key": k, "anthropic-version": "2023-06-01"})

    def complete(self, request: ModelRequest, *, timeout_s: float) -> ModelReply:
        """Ask the model once, within a hard total of `timeout_s`; raises DependencyError."""
        body = _body(request)
        return filtered(lambda: _reply(self._post.send("/v1/messages", body, timeout_s=timeout_s).data))


def _body(request: ModelRequest) -> dict[str, Any]:
    body: dict[str, Any] = {
        "model": request.model,
        "system": request.system,
        "messages": _messages(request.messages),
        "max_tokens": request.max_output_tokens,
    }
    if request.tools:
        body["tools"] = [
            {"name": t.name, "description": t.description, "input_schema": t.schema} for t in request.tools
        ]
    if request.schema:
        body["output_config"] = {"format": {"type": "json_schema", "schema": strict(request.schema)}}
    return body


def _messages(messages: tuple[Message, ...]) -> list[dict[str, Any]]:
    """Alternate user and assistant: the API takes the results of parallel calls of tools in one user message."""

    def role(message: Message) -> str:
        return "assistant" if message.role == "assistant" else "user"

    return [
        {"role": who, "content": [block for m in group for block in _blocks(m)]}
        for who, group in groupby(messages, role)
    ]


def _blocks(message: Message) -> list[dict[str, Any]]:
    if message.role == "tool":
        return [{"type": "tool_result", "tool_use_id": message.tool_call_id, "content": message.text}]
    text = [{"type": "text", "text": message.text}] if message.text else []
    calls = [
        {"type": "tool_use", "id": c.id, "name": c.name, "input": arguments(c.arguments)} for c in message.tool_calls
    ]
    return [*text, *calls]


def _reply(data: dict[str, Any]) -> ModelReply:
    with shaped():
        blocks = data["content"]
        text = "".join(text_of(b["text"]) for b in blocks if b["type"] == "text")
        calls = [
            ToolCall(str(b["id"]), str(b["name"]), json.dumps(b["input"], ensure_ascii=False))
            for b in blocks
            if b["type"] == "tool_use"
        ]
        return reply(text, calls, _FINISH.get(data.get("stop_reason") or "", Finish.STOP), _usage(data))


def _usage(data: dict[str, Any]) -> Usage | None:
    used = data.get("usage")
    if not isinstance(used, dict):
        return None
    return usage(
        plain=used.get("input_tokens"),
        output=used.get("output_tokens"),
        cache_read=used.get("cache_read_input_tokens"),
        cache_write=used.get("cache_creation_input_tokens"),
    )
