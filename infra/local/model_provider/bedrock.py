"""Amazon Bedrock's Converse. Source: https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html."""

import json
import uuid
from collections.abc import Iterator, Mapping
from typing import Any

from infra.local.faults import RETRY_AFTER_S, STATUSES
from infra.local.http_service import Request, Response
from infra.local.model_provider.chat import Asked, BadRequestError, Call, Completion, Message
from infra.local.model_provider.wire import body_of, checked, limit, required, text_of

_ERRORS = {
    "error": ("InternalServerException", "The system encountered an unexpected error during processing."),
    "unavailable": ("ServiceUnavailableException", "Bedrock is unable to process your request."),
    "rate_limit": ("ThrottlingException", "Too many requests, please wait before trying again."),
    "no_credit": ("ServiceQuotaExceededException", "Your request exceeds the service quota for your account."),
    "bad_key": ("UnrecognizedClientException", "The security token included in the request is invalid."),
    "bad_request": ("ValidationException", "The request is not valid."),
}
_FINISH = {"stop": "end_turn", "tools": "tool_use", "length": "max_tokens", "refusal": "content_filtered"}
_LATENCY_MS = 12


def has_key(headers: Mapping[str, str]) -> bool:
    """Say whether the request is signed, or carries a bearer key."""
    return bool(headers.get("authorization"))


def read(request: Request, name: str) -> Asked:
    """Read a request."""
    body = body_of(request)
    form = (body.get("outputConfig") or {}).get("textFormat") or {}
    tools = [t["toolSpec"] for t in (body.get("toolConfig") or {}).get("tools") or () if "toolSpec" in t]
    return Asked(
        model=name,
        system="\n\n".join(block["text"] for block in body.get("system") or () if "text" in block),
        messages=tuple(m for wire in required(body, "messages", list) for m in _messages(wire)),
        max_tokens=limit((body.get("inferenceConfig") or {}).get("maxTokens"), "inferenceConfig.maxTokens"),
        size=len(request.body),
        tools={t["name"]: t["inputSchema"]["json"] for t in tools},
        declared_schema=json.loads(form["structure"]["jsonSchema"]["schema"])
        if form.get("type") == "json_schema"
        else None,
    )


def _messages(wire: Mapping[str, Any]) -> Iterator[Message]:
    role, blocks = wire["role"], checked(wire["content"], list, "content")
    if role not in ("user", "assistant"):
        raise BadRequestError(f"messages: {role!r} is not a role")
    for result in (b["toolResult"] for b in blocks if "toolResult" in b):
        parts = [p["text"] if "text" in p else json.dumps(p["json"]) for p in result["content"]]
        yield Message("tool", "".join(parts), call_id=result["toolUseId"])
    uses = [b["toolUse"] for b in blocks if "toolUse" in b]
    calls = tuple(Call(u["toolUseId"], u["name"], u["input"]) for u in uses)
    text = text_of(blocks)
    if text or calls:
        yield Message(role, text, calls)


def write(_: Asked, completion: Completion) -> dict[str, Any]:
    """Return the body of an answer."""
    text = [{"text": completion.text}] if completion.text else []
    uses = [{"toolUse": {"toolUseId": c.id, "name": c.name, "input": c.arguments}} for c in completion.calls]
    body: dict[str, Any] = {
        "output": {"message": {"role": "assistant", "content": [*text, *uses]}},
        "stopReason": _FINISH[completion.finish],
        "metrics": {"latencyMs": _LATENCY_MS},
    }
    if completion.usage:
        body["usage"] = {
            "inputTokens": completion.usage.read,
            "outputTokens": completion.usage.written,
            "totalTokens": completion.usage.read + completion.usage.written,
        }
    return body


def fail(mode: str, message: str = "") -> Response:
    """Return an error answer."""
    kind, words = _ERRORS[mode]
    headers = {"Retry-After": str(RETRY_AFTER_S)} if mode == "rate_limit" else {}
    about = {"x-amzn-errortype": kind, "x-amzn-requestid": str(uuid.uuid4())}
    return Response.of_json(STATUSES[mode], {"message": message or words}, {**about, **headers})
