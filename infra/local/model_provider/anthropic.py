"""Anthropic's messages. Source: https://platform.claude.com/docs/en/api/messages."""

import uuid
from collections.abc import Iterator, Mapping
from typing import Any

from infra.local.faults import RETRY_AFTER_S, STATUSES
from infra.local.http_service import Request, Response
from infra.local.model_provider.chat import Asked, BadRequestError, Call, Completion, Message
from infra.local.model_provider.wire import body_of, limit, required, text_of

_ERRORS = {
    "error": ("api_error", "Internal server error"),
    "unavailable": ("overloaded_error", "Overloaded"),
    "rate_limit": ("rate_limit_error", "This request would exceed your organization's rate limit."),
    "no_credit": ("billing_error", "Your credit balance is too low to access the API."),
    "bad_key": ("authentication_error", "invalid x-api-key"),
    "bad_request": ("invalid_request_error", "Invalid request."),
}
_FINISH = {"stop": "end_turn", "tools": "tool_use", "length": "max_tokens", "refusal": "refusal"}


def has_key(headers: Mapping[str, str]) -> bool:
    """Say whether there is a key."""
    return bool(headers.get("x-api-key") or headers.get("authorization"))


def read(request: Request, _: str) -> Asked:
    """Read a request."""
    body = body_of(request)
    form = (body.get("output_config") or {}).get("format") or {}
    return Asked(
        model=required(body, "model", str),
        system=text_of(body.get("system")),
        messages=tuple(m for wire in required(body, "messages", list) for m in _messages(wire)),
        max_tokens=limit(required(body, "max_tokens", int), "max_tokens"),
        size=len(request.body),
        tools={t["name"]: t.get("input_schema") or {} for t in body.get("tools") or ()},
        declared_schema=form["schema"] if form.get("type") == "json_schema" else None,
    )


def _messages(wire: Mapping[str, Any]) -> Iterator[Message]:
    role, content = wire["role"], wire["content"]
    if role not in ("user", "assistant"):
        raise BadRequestError(f"messages: Unexpected role {role!r}")
    blocks: list[dict[str, Any]] = [{"type": "text", "text": content}] if isinstance(content, str) else content
    for block in blocks:
        if block["type"] == "tool_result":
            yield Message("tool", text_of(block.get("content")), call_id=block["tool_use_id"])
    calls = tuple(Call(b["id"], b["name"], b["input"]) for b in blocks if b["type"] == "tool_use")
    text = text_of([b for b in blocks if b["type"] == "text"])
    if text or calls:
        yield Message(role, text, calls)


def write(asked: Asked, completion: Completion) -> dict[str, Any]:
    """Return the body of an answer."""
    text = [{"type": "text", "text": completion.text}] if completion.text else []
    uses = [{"type": "tool_use", "id": c.id, "name": c.name, "input": c.arguments} for c in completion.calls]
    body: dict[str, Any] = {
        "id": f"msg_{uuid.uuid4().hex[:24]}",
        "type": "message",
        "role": "assistant",
        "model": asked.model,
        "content": [*text, *uses],
        "stop_reason": _FINISH[completion.finish],
        "stop_sequence": None,
    }
    if completion.usage:
        body["usage"] = {
            "input_tokens": completion.usage.read,
            "output_tokens": completion.usage.written,
            "cache_creation_input_tokens": 0,
            "cache_read_input_tokens": 0,
        }
    return body


def fail(mode: str, message: str = "") -> Response:
    """Return an error answer."""
    kind, words = _ERRORS[mode]
    headers = {"retry-after": str(RETRY_AFTER_S)} if mode == "rate_limit" else {}
    request_id = f"req_{uuid.uuid4().hex[:24]}"
    error = {"type": "error", "error": {"type": kind, "message": message or words}, "request_id": request_id}
    return Response.of_json(STATUSES[mode], error, {"request-id": request_id, **headers})
