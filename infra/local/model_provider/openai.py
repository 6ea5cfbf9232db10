"""OpenAI's chat completions. Source: https://platform.openai.com/docs/api-reference/chat/create."""

import json
import time
import uuid
from collections.abc import Mapping
from typing import Any

from infra.local.faults import RETRY_AFTER_S, STATUSES
from infra.local.http_service import Request, Response
from infra.local.model_provider.chat import Asked, BadRequestError, Call, Completion, Message
from infra.local.model_provider.wire import body_of, limit, required, text_of

_ERRORS: Mapping[str, tuple[str, str | None, str]] = {
    "error": ("server_error", None, "The server had an error while processing your request."),
    "unavailable": ("server_error", "service_unavailable", "The engine is currently overloaded."),
    "rate_limit": ("requests", "rate_limit_exceeded", "Rate limit reached. Please try again in 1s."),
    "no_credit": ("insufficient_quota", "insufficient_quota", "You exceeded your current quota."),
    "bad_key": ("invalid_request_error", "invalid_api_key", "Incorrect API key provided."),
    "bad_request": ("invalid_request_error", None, "Invalid request."),
}
_FINISH = {"stop": "stop", "tools": "tool_calls", "length": "length", "refusal": "stop"}


def has_key(headers: Mapping[str, str]) -> bool:
    """Say whether there is a bearer key, or Azure's header."""
    return len(headers.get("authorization", "").removeprefix("Bearer").strip()) > 0 or bool(headers.get("api-key"))


def read(request: Request, _: str) -> Asked:
    """Read a request."""
    body = body_of(request)
    model, wire = required(body, "model", str), required(body, "messages", list)
    form = body.get("response_format") or {}
    declared = form["json_schema"] if form.get("type") == "json_schema" else {}
    if declared.get("strict"):
        _refuse_references(declared["schema"], declared["name"], ())
    return Asked(
        model=model,
        system="\n\n".join(text_of(m["content"]) for m in wire if m["role"] in ("system", "developer")),
        messages=tuple(_message(m) for m in wire if m["role"] not in ("system", "developer")),
        max_tokens=limit(body.get("max_completion_tokens", body.get("max_tokens")), "max_completion_tokens"),
        size=len(request.body),
        tools={t["function"]["name"]: t["function"].get("parameters") or {} for t in body.get("tools") or ()},
        declared_schema=declared.get("schema"),
    )


def _refuse_references(node: Any, name: str, context: tuple[str, ...]) -> None:
    """Refuse a `$ref` that has a keyword beside it: https://github.com/openai/openai-python/issues/1637."""
    if isinstance(node, list):
        for index, part in enumerate(node):
            _refuse_references(part, name, (*context, str(index)))
    elif isinstance(node, Mapping):
        beside = sorted(node.keys() - {"$ref"})
        if isinstance(node.get("$ref"), str) and beside:
            refused = f"context={context}, $ref cannot have keywords {{{', '.join(map(repr, beside))}}}"
            raise BadRequestError(f"Invalid schema for response_format {name!r}: {refused}")
        for key, part in node.items():
            _refuse_references(part, name, (*context, key))


def _message(wire: Mapping[str, Any]) -> Message:
    role = wire["role"]
    if role not in ("user", "assistant", "tool"):
        raise BadRequestError(f"messages: {role!r} is not a role")
    calls = [
        Call(c["id"], c["function"]["name"], json.loads(c["function"]["arguments"]))
        for c in wire.get("tool_calls") or ()
    ]
    call_id = wire["tool_call_id"] if role == "tool" else ""
    return Message(role, text_of(wire.get("content")), tuple(calls), call_id)


def write(asked: Asked, completion: Completion) -> dict[str, Any]:
    """Return the body of an answer."""
    refused = completion.finish == "refusal"
    message: dict[str, Any] = {
        "role": "assistant",
        "content": None if refused else completion.text or None,
        "refusal": completion.text if refused else None,
    }
    if completion.calls:
        message["tool_calls"] = [
            {"id": c.id, "type": "function", "function": {"name": c.name, "arguments": json.dumps(c.arguments)}}
            for c in completion.calls
        ]
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": _FINISH[completion.finish]}
    body = {
        "id": f"chatcmpl-{uuid.uuid4().hex}",
        "object": "chat.completion",
        "created": int(time.time()),
        "model": asked.model,
        "choices": [choice],
    }
    if completion.usage:
        body["usage"] = {
            "prompt_tokens": completion.usage.read,
            "completion_tokens": completion.usage.written,
            "total_tokens": completion.usage.read + completion.usage.written,
            "prompt_tokens_details": {"cached_tokens": 0},
            "completion_tokens_details": {"reasoning_tokens": 0},
        }
    return body


def fail(mode: str, message: str = "") -> Response:
    """Return an error answer."""
    kind, code, words = _ERRORS[mode]
    headers = {"Retry-After": str(RETRY_AFTER_S)} if mode == "rate_limit" else {}
    error = {"message": message or words, "type": kind, "param": None, "code": code}
    return Response.of_json(STATUSES[mode], {"error": error}, headers)
