"""Chat completions of OpenAI and of the servers that speak the same protocol.

Source: https://platform.openai.com/docs/api-reference/chat/create.
"""

import json
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from infra.local.http_service import Response
from infra.local.model_provider import errors
from infra.local.model_provider.chat import (
    Asked,
    BadRequestError,
    Call,
    Completion,
    Message,
    Usage,
    parsed,
    thinking_tokens,
)
from infra.local.model_provider.rules.openai_prompts import caching, chat_prompt
from infra.local.model_provider.rules.openai_requests import chat_effort
from infra.local.model_provider.rules.rule import Refusal, Sent
from infra.local.model_provider.rules.servers import Server
from infra.local.model_provider.signing import Thought, account, digest
from infra.local.model_provider.wire import checked, limit, required, text_of, texts_of

_FINISH = {"stop": "stop", "tools": "tool_calls", "length": "length", "refusal": "stop", "filter": "content_filter"}
_OTHERS = ("gpt-6.1-sol", "gpt-6-sol")
_SERVED_BY = {"auto": "default", "fast": "priority"}


def has_bearer(headers: Mapping[str, str]) -> bool:
    """Say whether there is a bearer key, or Azure's header."""
    return len(headers.get("authorization", "").removeprefix("Bearer").strip()) > 0 or bool(headers.get("api-key"))


def served_by(body: Mapping[str, Any]) -> str:
    """Return the service tier that serves a request: the one that it asks for, or its newer name."""
    asked = str(body.get("service_tier") or "auto")
    return _SERVED_BY.get(asked, asked)


def callable_tools(body: Mapping[str, Any], functions: Sequence[Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    """Return the functions that the model may call, and the schemas of their arguments."""
    schemas = {f["name"]: checked(f.get("parameters") or {}, dict, "parameters") for f in functions}
    return {} if body.get("tool_choice") == "none" else schemas


def refuse_what_is_not_played(body: Mapping[str, Any]) -> None:
    """Refuse what the real services take, and which is not played here; raises BadRequestError."""
    for name in ("stream", "background", "previous_response_id", "conversation"):
        if body.get(name):
            raise BadRequestError(f"{name} is not played here")


def other_than(name: str) -> str:
    """Return the name of another of OpenAI's models."""
    return next(other for other in _OTHERS if other != name)


@dataclass(frozen=True, slots=True)
class ChatCompletions:
    """The protocol as one server speaks it."""

    server: Server

    def has_key(self, headers: Mapping[str, str]) -> bool:
        """Say whether a request carries a key, where the server wants one."""
        return has_bearer(headers) or not self.server.needs_key

    def read(self, sent: Sent, size: int) -> Asked:
        """Read a request."""
        body, prompt = sent.body, chat_prompt(sent.body)
        refuse_what_is_not_played(body)
        messages, form = required(body, "messages", list), body.get("response_format") or {}
        effort = chat_effort(sent)
        limits = [body[name] for name in ("max_completion_tokens", "max_tokens") if body.get(name) is not None]
        return Asked(
            model=sent.model,
            system="\n\n".join(text_of(m["content"]) for m in messages if m["role"] in ("system", "developer")),
            messages=tuple(_message(m) for m in messages if m["role"] not in ("system", "developer")),
            max_tokens=limit(limits[0] if limits else None, "max_completion_tokens"),
            size=size,
            tools=callable_tools(body, [t["function"] for t in body.get("tools") or ()]),
            declared_schema=form["json_schema"]["schema"] if form.get("type") == "json_schema" else None,
            thinking=thinking_tokens(effort),
            account=account(sent.headers),
            prompt=prompt,
            caching=caching(sent, effort, form, prompt),
            tier=served_by(body),
        )

    def write(self, asked: Asked, completion: Completion) -> dict[str, Any]:
        """Return the body of an answer."""
        finish = {**_FINISH, **self.server.finish}[completion.finish]
        choice = {"index": 0, "message": self._message(asked, completion), "logprobs": None, "finish_reason": finish}
        body = {
            "id": f"chatcmpl-{uuid.uuid4().hex}",
            "object": "chat.completion",
            "created": int(time.time()),
            "model": completion.model,
            "choices": [choice],
            "service_tier": asked.tier,
        }
        return body | ({"usage": _usage(completion.usage)} if completion.usage else {})

    def _message(self, asked: Asked, completion: Completion) -> dict[str, Any]:
        is_refusal = completion.finish == "refusal"
        message: dict[str, Any] = {
            "role": "assistant",
            "content": None if is_refusal else completion.text or None,
            "refusal": completion.text if is_refusal else None,
        }
        if completion.calls:
            message["tool_calls"] = [self._call(call) for call in completion.calls]
        if completion.thought:
            self._tell(message, completion.thought, _sealed(asked, completion))
        return message

    def _call(self, call: Call) -> dict[str, Any]:
        length = self.server.call_id_length
        function = {"name": call.name, "arguments": json.dumps(call.arguments)}
        return {"id": call.id[-length:] if length else call.id, "type": "function", "function": function}

    def _tell(self, message: dict[str, Any], thought: str, sealed: str) -> None:
        """Add what was thought, in the field in which the server returns it."""
        match self.server.thought:
            case "extra_content":
                for call in message.get("tool_calls", ())[:1]:
                    call["extra_content"] = {"google": {"thought_signature": sealed}}
            case "reasoning_details":
                message["reasoning"] = thought
                message["reasoning_details"] = [
                    {"type": "reasoning.text", "text": thought, "format": "unknown", "index": 0},
                    {"type": "reasoning.encrypted", "data": sealed, "format": "unknown", "index": 1},
                ]
            case "reasoning" | "reasoning_content" as name:
                message[name] = thought

    def fail(self, mode: str, message: str = "") -> Response:
        """Return an error answer."""
        return errors.failed(self.server.name, mode, message=message)

    def refuse(self, refusal: Refusal) -> Response:
        """Return the answer to a request that a rule refuses."""
        return errors.refused(self.server.name, refusal)

    def play(self, mode: str, asked: Asked) -> Response | None:
        """Return an error that is the server's own."""
        if mode == "error_in_200":
            return Response.of_json(200, errors.IN_200)
        return errors.own(self.server.name, mode, asked.model)

    def other_model(self, asked: Asked) -> str:
        """Return the name of another model."""
        return other_than(asked.model)


def _message(wire: Mapping[str, Any]) -> Message:
    role, content = wire["role"], wire.get("content")
    if role not in ("user", "assistant", "tool"):
        raise BadRequestError(f"messages: {role!r} is not a role")
    calls = tuple(_call(c) for c in wire.get("tool_calls") or ())
    if content is None and not calls:
        raise BadRequestError("Invalid value for 'content': expected a string, got null.")
    if role == "user":
        return Message.of_user(texts_of(content))
    return Message(role, text_of(content), calls, wire["tool_call_id"] if role == "tool" else "")


def _call(wire: Mapping[str, Any]) -> Call:
    arguments = parsed(wire["function"]["arguments"])
    return Call(wire["id"], wire["function"]["name"], arguments if isinstance(arguments, dict) else {})


def _sealed(asked: Asked, completion: Completion) -> str:
    return Thought(completion.model, asked.account, completion.thought, digest(asked.prompt)).sealed()


def _usage(used: Usage) -> dict[str, Any]:
    return {
        "prompt_tokens": used.read,
        "completion_tokens": used.written,
        "total_tokens": used.read + used.written,
        "prompt_tokens_details": {"cached_tokens": used.cache_read, "cache_write_tokens": used.cache_written},
        "completion_tokens_details": {"reasoning_tokens": used.thinking},
    }
