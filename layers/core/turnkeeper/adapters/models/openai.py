"""OpenAI chat completions, which other endpoints speak too (Azure, OpenRouter, vLLM, Ollama).

Source: https://platform.openai.com/docs/api-reference/chat
"""

import json
from typing import Any
from urllib.parse import urlsplit

from turnkeeper.adapters.models.http import JsonPost
from turnkeeper.adapters.models.reading import filtered, is_count, reply, shaped, text_of, usage
from turnkeeper.adapters.secrets import Secret, Secrets
from turnkeeper.agent import Endpoint
from turnkeeper.domain.chat import Finish, Message, ModelReply, ModelRequest, ToolCall, Usage
from turnkeeper.domain.failures import Failure
from turnkeeper.domain.schemas import strict
from turnkeeper.errors import DependencyError
from turnkeeper.ports import ModelClient

_FINISH = {
    "stop": Finish.STOP,
    "tool_calls": Finish.TOOL_CALLS,
    "length": Finish.LENGTH,
    "content_filter": Finish.CONTENT_FILTER,
}
_BROKE_OFF = "error"
"""The finish reason with which OpenRouter ends an answer whose provider failed halfway."""


def client(endpoint: Endpoint, secrets: Secrets) -> ModelClient:
    """Make the client of an endpoint, by default OpenAI's own."""
    return OpenAI(endpoint.url or "https://api.openai.com/v1", secrets.secret(endpoint.key_secret))


class OpenAI:
    """Asks models over chat completions, at `base_url`, which ends with the version: `https://api.openai.com/v1`."""

    def __init__(self, base_url: str, key: Secret) -> None:
        host = urlsplit(base_url).hostname or ""
        azure = host.endswith(".azure.com")
        # Only these two take the newer name of the limit; compatible servers limit an answer by the older one.
        self._limit = "max_completion_tokens" if azure or host == "api.openai.com" else "max_tokens"
        self._post = JsonPost(base_url, key, lambda k: {"api-key": k} if azure else {"Authorization": f"Bearer {k}"})

    def complete(self, request: ModelRequest, *, timeout_s: float) -> ModelReply:
        """Ask the model once, within a hard total of `timeout_s`; raises DependencyError."""
        body = self._body(request)
        return filtered(lambda: _reply(self._post.send("/chat/completions", body, timeout_s=timeout_s).data))

    def _body(self, request: ModelRequest) -> dict[str, Any]:
        body: dict[str, Any] = {
            "model": request.model,
            "messages": [{"role": "system", "content": request.system}, *map(_message, request.messages)],
            self._limit: request.max_output_tokens,
        }
        if request.tools:
            body["tools"] = [
                {"type": "function", "function": {"name": t.name, "description": t.description, "parameters": t.schema}}
                for t in request.tools
            ]
        if request.schema:
            schema = {"name": "answer", "strict": True, "schema": strict(request.schema)}
            body["response_format"] = {"type": "json_schema", "json_schema": schema}
        return body


def _message(message: Message) -> dict[str, Any]:
    if message.role == "tool":
        return {"role": "tool", "tool_call_id": message.tool_call_id, "content": message.text}
    wire: dict[str, Any] = {"role": message.role, "content": message.text}
    if message.tool_calls:
        wire["content"] = message.text or None
        wire["tool_calls"] = [
            {"id": c.id, "type": "function", "function": {"name": c.name, "arguments": c.arguments}}
            for c in message.tool_calls
        ]
    return wire


def _reply(data: dict[str, Any]) -> ModelReply:
    with shaped():
        choice = data["choices"][0]
        message = choice["message"]
        calls = [
            ToolCall(str(c["id"]), str(c["function"]["name"]), _text(c["function"]["arguments"]))
            for c in message.get("tool_calls") or ()
        ]
        if choice.get("finish_reason") == _BROKE_OFF:
            raise DependencyError(Failure.CONNECTION, "the provider failed halfway through its answer")
        finish = _FINISH.get(choice.get("finish_reason"), Finish.STOP)
        refusal = message.get("refusal")
        if refusal:
            return reply(str(refusal), [], Finish.REFUSAL, _usage(data))
        return reply(_content(message.get("content")), calls, finish, _usage(data))


def _content(content: Any) -> str:
    """Read the content: text, null, or, from some compatible servers, a list of parts."""
    if isinstance(content, list):
        return "".join(text_of(part["text"]) for part in content if part["type"] == "text")
    return text_of(content or "")


def _text(arguments: Any) -> str:
    return arguments if isinstance(arguments, str) else json.dumps(arguments)


def _usage(data: dict[str, Any]) -> Usage | None:
    used = data.get("usage")
    if not isinstance(used, dict):
        return None
    details = used.get("prompt_tokens_details")
    cached = details if isinstance(details, dict) else {}
    prompt, output, total = used.get("prompt_tokens"), used.get("completion_tokens"), used.get("total_tokens")
    read, written = cached.get("cached_tokens") or 0, cached.get("cache_write_tokens") or 0
    if not (is_count(prompt) and is_count(output) and is_count(read) and is_count(written)):
        return None
    # Some compatible servers count reasoning tokens in the total only, and not in the completion.
    if is_count(total):
        output = max(output, total - prompt)
    written = max(0, min(written, prompt - read))
    return usage(plain=prompt - read - written, output=output, cache_read=read, cache_write=written)
