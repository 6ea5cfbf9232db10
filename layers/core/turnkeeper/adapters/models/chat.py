"""Chat completions, which most servers and gateways speak; what each of them cannot do is said by its endpoint.

Source: https://platform.openai.com/docs/api-reference/chat.
"""

import json
from typing import Any

from turnkeeper.adapters.models.http import Answered, JsonPost, json_post
from turnkeeper.adapters.models.reading import filtered, finish_of, is_count, reply, shaped, text_of, usage, within
from turnkeeper.adapters.models.requests import Json, bearer, in_form, options_of, schema_in_words
from turnkeeper.adapters.secrets import Secrets
from turnkeeper.agent import Endpoint
from turnkeeper.domain.chat import Finish, Message, ModelReply, ModelRequest, Native, ToolCall, Usage
from turnkeeper.domain.schemas import loose, strict
from turnkeeper.ports import ModelClient

_OF_A_CALL = "extra_content"
"""The one field that a server wants back with each call, and not with the message."""

_FOREIGN: Json = {"google": {"thought_signature": "skip_thought_signature_validator"}}
"""What Gemini takes for a call that another model made: https://ai.google.dev/gemini-api/docs/thought-signatures."""


def client(endpoint: Endpoint, secrets: Secrets) -> ModelClient:
    """Make the client of an endpoint."""
    return Chat(endpoint, json_post(endpoint, secrets, bearer(endpoint)))


class Chat:
    """Asks models over chat completions, at a base URL that ends with the version: `https://api.groq.com/openai/v1`."""

    def __init__(self, endpoint: Endpoint, post: JsonPost) -> None:
        self._endpoint, self._post = endpoint, post

    def complete(self, request: ModelRequest, *, timeout_s: float) -> ModelReply:
        """Ask the model once, within a hard total of `timeout_s`; raises DependencyError."""
        body = self._body(request)
        return filtered(lambda: self._reply(self._post.send("/chat/completions", body, timeout_s=timeout_s)))

    def _body(self, request: ModelRequest) -> Json:
        at, system = self._endpoint, request.system
        is_said = request.schema and (at.schemas == "none" or (request.tools and not at.tools_with_schema))
        if request.schema and is_said:
            system = f"{system}\n\n{schema_in_words(request.schema)}"
        body: Json = {
            "model": request.model,
            "messages": [{"role": "system", "content": system}, *map(self._message, request.messages)],
            at.answer_limit: request.max_output_tokens,
            **options_of(request),
        }
        if request.effort and at.effort:
            body |= {at.effort: request.effort if at.effort == "reasoning_effort" else {"effort": request.effort}}
        if request.tools:
            body["tools"] = [
                {
                    "type": "function",
                    "function": {"name": t.name, "description": t.description, "parameters": in_form(loose, t.schema)},
                }
                for t in request.tools
            ]
        if request.schema and not is_said:
            form: Json = {"name": "answer", "schema": in_form(strict, request.schema)}
            form |= {"strict": True} if at.schemas == "strict" else {}
            body["response_format"] = {"type": "json_schema", "json_schema": form}
        return body

    def _message(self, message: Message) -> Json:
        if message.role == "tool":
            return {"role": "tool", "tool_call_id": message.tool_call_id, "content": message.text}
        if message.role == "user":
            return {"role": "user", "content": "\n\n".join(filter(None, [message.text, message.note]))}
        kept: Json = message.native.content if message.native else {}
        wire: Json = {"role": "assistant", "content": message.text or None, **kept.get("message", {})}
        if "reasoning_content" in self._endpoint.passes_back:
            wire.setdefault("reasoning_content", "")
        if message.tool_calls:
            of_calls = kept.get("calls", [{}] * len(message.tool_calls))
            wire["tool_calls"] = list(map(self._call, message.tool_calls, of_calls))
        return wire

    def _call(self, call: ToolCall, kept: Json) -> Json:
        wire = {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
        return {**wire, _OF_A_CALL: _FOREIGN, **kept} if _OF_A_CALL in self._endpoint.passes_back else wire

    def _reply(self, answered: Answered) -> ModelReply:
        data = answered.data
        with shaped():
            choice = data["choices"][0]
            message = choice.get("message") or {}
            wire_calls = message.get("tool_calls") or []
            calls = [
                ToolCall(str(c.get("id") or ""), str(c["function"]["name"]), _text(c["function"].get("arguments")))
                for c in wire_calls
            ]
            refusal = message.get("refusal")
            return reply(
                str(refusal) if refusal else _content(message.get("content")),
                calls,
                Finish.REFUSAL if refusal else finish_of(choice.get("finish_reason"), has_calls=bool(calls)),
                _usage(data),
                model=answered.model,
                service_tier=data.get("service_tier"),
                native=self._native(message, wire_calls),
            )

    def _native(self, message: Json, calls: list[Json]) -> Native | None:
        wanted = self._endpoint.passes_back
        of_message = {name: message[name] for name in wanted if message.get(name) and name != _OF_A_CALL}
        of_calls = [{name: call[name] for name in wanted if call.get(name) and name == _OF_A_CALL} for call in calls]
        return Native({"message": of_message, "calls": of_calls}) if of_message or any(of_calls) else None


def _content(content: Any) -> str:
    """Read the content: text, null, or, from some compatible servers, a list of parts."""
    if isinstance(content, list):
        return "".join(text_of(part["text"]) for part in content if part["type"] == "text")
    return text_of(content or "")


def _text(arguments: Any) -> str:
    return arguments if isinstance(arguments, str) else json.dumps(arguments)


def _usage(data: Json) -> Usage | None:
    used = data.get("usage")
    if not isinstance(used, dict):
        return None
    details = used.get("prompt_tokens_details")
    cached = details if isinstance(details, dict) else {}
    prompt, output, total = used.get("prompt_tokens"), used.get("completion_tokens"), used.get("total_tokens")
    read, written = cached.get("cached_tokens") or 0, cached.get("cache_write_tokens") or 0
    if not (is_count(prompt) and is_count(output) and is_count(read) and is_count(written)):
        return None
    thought = within(used, "completion_tokens_details", "reasoning_tokens")
    # Some servers count reasoning beside the completion, or in the total only.
    output += thought if is_count(thought) and thought > output else 0
    if is_count(total):
        output = max(output, total - prompt)
    written = max(0, min(written, prompt - read))
    return usage(plain=prompt - read - written, output=output, cache_read=read, cache_write=written)
