"""Anthropic's messages. Source: https://platform.claude.com/docs/en/api/messages."""

import uuid
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from infra.local.faults import RETRY_AFTER_S, STATUSES
from infra.local.http_service import Response
from infra.local.model_provider.chat import Asked, BadRequestError, Call, Completion, Message, Usage
from infra.local.model_provider.claude import call_id, thought, thoughtful
from infra.local.model_provider.rules.anthropic_models import claude_or_stranger
from infra.local.model_provider.rules.claude import turns
from infra.local.model_provider.rules.rule import Refusal, Sent
from infra.local.model_provider.rules.shapes import objects
from infra.local.model_provider.wire import limit, required, text_of, texts_of

_ERRORS = {
    "error": ("api_error", "Internal server error"),
    "unavailable": ("overloaded_error", "Overloaded"),
    "rate_limit": ("rate_limit_error", "This request would exceed your organization's rate limit."),
    "no_credit": ("billing_error", "Your credit balance is too low to access the API."),
    "bad_key": ("authentication_error", "invalid x-api-key"),
    "bad_request": ("invalid_request_error", "Invalid request."),
}
_FINISH = {"stop": "end_turn", "tools": "tool_use", "length": "max_tokens", "refusal": "refusal", "filter": "refusal"}

_REFUSED = {
    "type": "refusal",
    "category": "general_harms",
    "explanation": "This request was declined because it may be harmful.",
}
_SHORT_S = 300
_ON_BLOCKS = frozenset({"type", "cache_control"})
_FIELDS: Mapping[str, frozenset[str]] = {
    "request": frozenset(
        {
            "model",
            "messages",
            "max_tokens",
            "system",
            "tools",
            "tool_choice",
            "thinking",
            "output_config",
            "stop_sequences",
            "temperature",
            "top_p",
            "top_k",
            "cache_control",
            "container",
            "diagnostics",
            "inference_geo",
            "metadata",
            "service_tier",
            "speed",
            "stream",
            "user_profile_id",
            "workspace_id",
        }
    ),
    "message": frozenset({"role", "content"}),
    "text": _ON_BLOCKS | {"text", "citations"},
    "tool_use": _ON_BLOCKS | {"id", "name", "input", "caller", "toolset_name"},
    "tool_result": _ON_BLOCKS | {"tool_use_id", "content", "is_error", "toolset_name"},
    "thinking": frozenset({"type", "thinking", "signature"}),
    "redacted_thinking": frozenset({"type", "data"}),
}
"""The fields of a request and its parts. Source: anthropic/types/message_create_params.py."""


_BEFORE = "structured-outputs-2025-11-13"
"""The beta in which the schema of an answer was `output_format`: with this header it is still taken.

Source: https://platform.claude.com/docs/en/build-with-claude/structured-outputs.
"""


def current(sent: Sent) -> Sent:
    """Return a request of the beta as it is written today."""
    if "output_format" not in sent.body or _BEFORE not in sent.headers.get("anthropic-beta", ""):
        return sent
    body = dict(sent.body)
    output = body.get("output_config")
    form = {"format": body.pop("output_format")}
    return replace(sent, body={**body, "output_config": {**(output if isinstance(output, dict) else {}), **form}})


def has_key(headers: Mapping[str, str]) -> bool:
    """Say whether there is a key."""
    return bool(headers.get("x-api-key") or headers.get("authorization"))


def read(sent: Sent, size: int) -> Asked:
    """Read a request."""
    body = sent.body
    _refuse_extras(body)
    form = (body.get("output_config") or {}).get("format") or {}
    asked = Asked(
        model=sent.model,
        system=text_of(body.get("system")),
        messages=tuple(m for wire in required(body, "messages", list) for m in _messages(wire)),
        max_tokens=limit(required(body, "max_tokens", int), "max_tokens"),
        size=size,
        tools={t["name"]: t.get("input_schema") or {} for t in body.get("tools") or ()},
        declared_schema=form["schema"] if form.get("type") == "json_schema" else None,
    )
    return thoughtful(asked, sent)


def _refuse_extras(body: Mapping[str, Any]) -> None:
    """Refuse fields that the API does not know: it leaves none out silently."""
    parts = [
        ("", "request", body),
        *((f"messages.{n}.", "message", m) for n, m in enumerate(objects(body.get("messages")))),
    ]
    parts += [(f"{block.at}.{block.kind}.", block.kind, block.data) for turn in turns(body) for block in turn.blocks]
    for at, kind, part in parts:
        extra = sorted(part.keys() - _FIELDS.get(kind, part.keys()))
        if extra:
            raise BadRequestError(f"{at}{extra[0]}: Extra inputs are not permitted")


def _messages(wire: Mapping[str, Any]) -> Iterator[Message]:
    role, content = wire["role"], wire["content"]
    if role not in ("user", "assistant"):
        raise BadRequestError(f"messages: Unexpected role {role!r}")
    blocks: list[dict[str, Any]] = [{"type": "text", "text": content}] if isinstance(content, str) else content
    for block in blocks:
        if block["type"] == "tool_result":
            yield Message("tool", text_of(block.get("content")), call_id=block["tool_use_id"])
    calls = tuple(Call(b["id"], b["name"], b["input"]) for b in blocks if b["type"] == "tool_use")
    texts = texts_of([b for b in blocks if b["type"] == "text"])
    if texts or calls:
        yield Message.of_user(texts) if role == "user" else Message(role, "".join(texts), calls)


def refuse(refusal: Refusal) -> Response:
    """Return the answer to a request that a rule refuses."""
    return _error(refusal.status, refusal.code or "invalid_request_error", refusal.message)


def play(mode: str, asked: Asked) -> Response | None:
    """Return an error that is Anthropic's own."""
    if mode == "model_gone":
        return _error(404, "not_found_error", f"model: {asked.model}")
    return _error(200, "rate_limit_error", _ERRORS["rate_limit"][1]) if mode == "error_in_200" else None


def other_model(asked: Asked) -> str:
    """Return the name of another model."""
    return next(name for name in ("claude-sonnet-5-5", "claude-haiku-5-5") if name != asked.model)


def write(asked: Asked, completion: Completion) -> dict[str, Any]:
    """Return the body of an answer."""
    name, content = claude_or_stranger(asked.model).name, list[dict[str, Any]]()
    if completion.thought:
        text, signature = thought(asked, completion, name)
        content.append({"type": "thinking", "thinking": text, "signature": signature})
    if completion.text:
        content.append({"type": "text", "text": completion.text})
    for call in completion.calls:
        given = call_id(call.id, name, after_thought=bool(completion.thought))
        content.append({"type": "tool_use", "id": given, "name": call.name, "input": call.arguments})
    stop = _FINISH[completion.finish]
    body: dict[str, Any] = {
        "id": f"msg_{uuid.uuid4().hex[:24]}",
        "type": "message",
        "role": "assistant",
        "model": completion.model,
        "content": content,
        "stop_reason": stop,
        "stop_sequence": None,
        "stop_details": _REFUSED if stop == "refusal" else None,
    }
    if completion.usage:
        body["usage"] = _usage(asked, completion.usage)
    return body


def _usage(asked: Asked, used: Usage) -> dict[str, Any]:
    is_long = asked.caching is not None and asked.caching.life_s > _SHORT_S
    return {
        "input_tokens": used.read - used.cache_read - used.cache_written,
        "output_tokens": used.written,
        "cache_read_input_tokens": used.cache_read,
        "cache_creation_input_tokens": used.cache_written,
        "cache_creation": {
            "ephemeral_5m_input_tokens": 0 if is_long else used.cache_written,
            "ephemeral_1h_input_tokens": used.cache_written if is_long else 0,
        },
        "output_tokens_details": {"thinking_tokens": used.thinking},
        "service_tier": "standard",
    }


def fail(mode: str, message: str = "") -> Response:
    """Return an error answer."""
    kind, words = _ERRORS[mode]
    headers = {"retry-after": str(RETRY_AFTER_S)} if mode == "rate_limit" else {}
    return _error(STATUSES[mode], kind, message or words, headers)


def _error(status: int, kind: str, message: str, headers: Mapping[str, str] | None = None) -> Response:
    request_id = f"req_{uuid.uuid4().hex[:24]}"
    error = {"type": "error", "error": {"type": kind, "message": message}, "request_id": request_id}
    return Response.of_json(status, error, {"request-id": request_id, **(headers or {})})
