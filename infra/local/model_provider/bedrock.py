"""Amazon Bedrock's Converse. Source: https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html."""

import json
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from infra.local.faults import RETRY_AFTER_S, STATUSES
from infra.local.http_service import Response
from infra.local.model_provider.chat import (
    Asked,
    BadRequestError,
    Call,
    Completion,
    Message,
    Usage,
    thinking_tokens,
)
from infra.local.model_provider.claude import call_id, thought, thoughtful
from infra.local.model_provider.prompt_cache import Caching
from infra.local.model_provider.rules.bedrock import no_model
from infra.local.model_provider.rules.bedrock_models import BedrockModel, Named, named
from infra.local.model_provider.rules.claude import cached_for_s, prompt
from infra.local.model_provider.rules.converse import as_messages, schema_in
from infra.local.model_provider.rules.rule import Refusal, Sent
from infra.local.model_provider.rules.shapes import within
from infra.local.model_provider.signing import account
from infra.local.model_provider.wire import checked, limit, required, texts_of

_ERRORS = {
    "error": ("InternalServerException", "The system encountered an unexpected error during processing."),
    "unavailable": ("ServiceUnavailableException", "Bedrock is unable to process your request."),
    "rate_limit": ("ThrottlingException", "Too many requests, please wait before trying again."),
    "no_credit": ("ServiceQuotaExceededException", "Your request exceeds the service quota for your account."),
    "bad_key": ("UnrecognizedClientException", "The security token included in the request is invalid."),
    "bad_request": ("ValidationException", "The request is not valid."),
}
_FINISH = {
    "stop": "end_turn",
    "tools": "tool_use",
    "length": "max_tokens",
    "refusal": "content_filtered",
    "filter": "content_filtered",
}
_LATENCY_MS = 12
_REDACTED = "[REDACTED]"
_SHORT_S = 300
_EFFORT: Mapping[str, Callable[[Mapping[str, Any]], str]] = {
    "nova": lambda extra: within(extra, "reasoningConfig", "maxReasoningEffort") or "none",
    "gpt-oss": lambda extra: within(extra, "reasoning_effort") or "medium",
    "openai": lambda extra: within(extra, "reasoning", "effort") or "medium",
}
"""How hard each family thinks, by what `additionalModelRequestFields` says."""


def has_key(headers: Mapping[str, str]) -> bool:
    """Say whether the request is signed, or carries a bearer key."""
    return bool(headers.get("authorization"))


def read(sent: Sent, size: int) -> Asked:
    """Read a request."""
    body = sent.body
    form = (body.get("outputConfig") or {}).get("textFormat") or {}
    tools = [t["toolSpec"] for t in (body.get("toolConfig") or {}).get("tools") or () if "toolSpec" in t]
    asked = Asked(
        model=sent.model,
        system="\n\n".join(block["text"] for block in body.get("system") or () if "text" in block),
        messages=tuple(m for wire in required(body, "messages", list) for m in _messages(wire)),
        max_tokens=limit((body.get("inferenceConfig") or {}).get("maxTokens"), "inferenceConfig.maxTokens"),
        size=size,
        tools={t["name"]: t["inputSchema"]["json"] for t in tools},
        declared_schema=schema_in(form) if form else None,
        tier=(body.get("serviceTier") or {}).get("type", "default"),
    )
    found = named(sent.model)
    if found.claude:
        return thoughtful(asked, as_messages(sent, found.claude.name))
    return _of_other_vendors(asked, sent, found.model or BedrockModel())


def _of_other_vendors(asked: Asked, sent: Sent, model: BedrockModel) -> Asked:
    messages, whose = as_messages(sent, sent.model).body, account(sent.headers)
    segments, ends = prompt(messages)
    caching = None
    if model.least_cached_tokens is not None:
        caching = Caching(f"{whose} {sent.model}", model.least_cached_tokens, cached_for_s(messages), ends)
    effort_in = _EFFORT.get(model.thinks)
    effort = effort_in(sent.body.get("additionalModelRequestFields") or {}) if effort_in else "none"
    size = max(asked.size, sum(map(len, segments)))
    return replace(asked, size=size, thinking=thinking_tokens(effort), account=whose, prompt=segments, caching=caching)


def _messages(wire: Mapping[str, Any]) -> Iterator[Message]:
    role, blocks = wire["role"], checked(wire["content"], list, "content")
    if role not in ("user", "assistant"):
        raise BadRequestError(f"messages: {role!r} is not a role")
    for result in (b["toolResult"] for b in blocks if "toolResult" in b):
        parts = [p["text"] if "text" in p else json.dumps(p["json"]) for p in result["content"]]
        yield Message("tool", "".join(parts), call_id=result["toolUseId"])
    uses = [b["toolUse"] for b in blocks if "toolUse" in b]
    calls = tuple(Call(u["toolUseId"], u["name"], u["input"]) for u in uses)
    texts = texts_of(blocks)
    if texts or calls:
        yield Message.of_user(texts) if role == "user" else Message(role, "".join(texts), calls)


def refuse(refusal: Refusal) -> Response:
    """Return the answer to a request that a rule refuses."""
    return _error(refusal.status, refusal.code or "ValidationException", refusal.message)


def play(mode: str, asked: Asked) -> Response | None:
    """Return an error that is Bedrock's own."""
    if mode == "model_gone":
        return refuse(no_model(asked.model, "over"))
    if mode == "error_in_200":
        return Response.of_json(200, {"__type": "ThrottlingException", "message": _ERRORS["rate_limit"][1]})
    return None


def other_model(asked: Asked) -> str:
    """Return the same name: a Converse answer names no model."""
    return asked.model


def write(asked: Asked, completion: Completion) -> dict[str, Any]:
    """Return the body of an answer."""
    found, content = named(asked.model), list[dict[str, Any]]()
    if completion.thought:
        content.append({"reasoningContent": {"reasoningText": _reasoning(asked, completion, found)}})
    if completion.text:
        content.append({"text": completion.text})
    for call in completion.calls:
        after_thought = bool(completion.thought and found.claude)
        name = found.claude.name if found.claude else ""
        given = call_id(call.id, name, after_thought=after_thought, prefix="tooluse")
        content.append({"toolUse": {"toolUseId": given, "name": call.name, "input": call.arguments}})
    body: dict[str, Any] = {
        "output": {"message": {"role": "assistant", "content": content}},
        "stopReason": _FINISH[completion.finish],
        "metrics": {"latencyMs": _LATENCY_MS},
        "serviceTier": {"type": asked.tier},
    }
    if completion.usage:
        body["usage"] = _usage(asked, completion.usage)
    return body


def _reasoning(asked: Asked, completion: Completion, found: Named) -> dict[str, str]:
    """Return a thought: Claude signs it, Nova hides it, and all others show it."""
    if found.claude:
        text, signature = thought(asked, completion, found.claude.name)
        return {"text": text, "signature": signature}
    return {"text": _REDACTED if found.model and found.model.thinks == "nova" else completion.thought}


def _usage(asked: Asked, used: Usage) -> dict[str, Any]:
    ttl = "1h" if asked.caching and asked.caching.life_s > _SHORT_S else "5m"
    return {
        "inputTokens": used.read - used.cache_read - used.cache_written,
        "outputTokens": used.written,
        "totalTokens": used.read + used.written,
        "cacheReadInputTokens": used.cache_read,
        "cacheWriteInputTokens": used.cache_written,
        "cacheDetails": [{"ttl": ttl, "inputTokens": used.cache_written}] if used.cache_written else [],
    }


def fail(mode: str, message: str = "") -> Response:
    """Return an error answer."""
    kind, words = _ERRORS[mode]
    headers = {"Retry-After": str(RETRY_AFTER_S)} if mode == "rate_limit" else {}
    return _error(STATUSES[mode], kind, message or words, headers)


def _error(status: int, kind: str, message: str, headers: Mapping[str, str] | None = None) -> Response:
    about = {"x-amzn-errortype": kind, "x-amzn-requestid": str(uuid.uuid4())}
    return Response.of_json(status, {"message": message}, {**about, **(headers or {})})
