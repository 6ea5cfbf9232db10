"""The providers' wire formats as their documentation shows them: how each says what all of them can say."""

import dataclasses
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from turnkeeper.domain.chat import Finish, Message, ModelRequest, ToolCall, ToolSpec

from infra.local.http_service import Response

Json = dict[str, Any]
USAGE = object()
"""Stands for the usage that an answer has where a test does not care."""


@dataclasses.dataclass(frozen=True)
class Wire:
    """One provider's format, which is that of the `protocol` of the same or another provider.

    `answer(text, calls, stop, usage)` is an answer's body, `usage(plain, output, read, written)` is its usage.
    """

    name: str
    protocol: str
    model: str
    path: str
    answer: Callable[[str, Sequence[ToolCall], str, Any], Json]
    usage: Callable[[Any, Any, Any, Any], Json]
    stops: Mapping[Finish, Sequence[str]]

    def ok(self, text: str = "Hello.", calls: Sequence[ToolCall] = (), stop: str = "", usage: Any = USAGE) -> Response:
        """Return an answer; `usage=None` leaves it out."""
        stop = stop or self.stops[Finish.TOOL_CALLS if calls else Finish.STOP][0]
        used = self.usage(10, 5, 0, 0) if usage is USAGE else usage
        return Response.of_json(200, self.answer(text, calls, stop, used))


def _responses(text: str, calls: Sequence[ToolCall], stop: str, usage: Any) -> Json:
    said: Json = {"type": "output_text", "text": text, "annotations": [], "logprobs": []}
    items: list[Json] = []
    if text:
        message = {"id": "msg_1", "type": "message", "role": "assistant", "status": "completed", "content": [said]}
        items.append({**message, "phase": "final_answer"})
    items += [
        {
            "id": f"fc_{number}",
            "type": "function_call",
            "status": "completed",
            "call_id": c.id,
            "name": c.name,
            "arguments": c.arguments,
        }
        for number, c in enumerate(calls)
    ]
    body = {
        "id": "resp_68a5",
        "object": "response",
        "created_at": 1796083200,
        "status": "completed" if stop == "completed" else "incomplete",
        "error": None,
        "incomplete_details": None if stop == "completed" else {"reason": stop},
        "instructions": "You help.",
        "metadata": {},
        "model": "gpt-6-luna",
        "output": items,
        "parallel_tool_calls": True,
        "service_tier": "default",
        "temperature": 1.0,
        "tool_choice": "auto",
        "tools": [],
        "top_p": 1.0,
    }
    return body if usage is None else {**body, "usage": usage}


def _responses_usage(plain: Any, output: Any, read: Any, written: Any) -> Json:
    used = _chat_usage(plain, output, read, written)
    return {
        "input_tokens": used["prompt_tokens"],
        "input_tokens_details": {"cached_tokens": read, "cache_write_tokens": written},
        "output_tokens": output,
        "output_tokens_details": {"reasoning_tokens": 3 if output == 5 else 0},
        "total_tokens": used["total_tokens"],
    }


def _chat(text: str, calls: Sequence[ToolCall], stop: str, usage: Any) -> Json:
    message: Json = {"role": "assistant", "content": text or None, "refusal": None, "annotations": []}
    if calls:
        message["tool_calls"] = [
            {"id": c.id, "type": "function", "function": {"name": c.name, "arguments": c.arguments}} for c in calls
        ]
    body = {
        "id": "chatcmpl-AbMH70fQA9lMPIClvBPyBSjqJBm9F",
        "object": "chat.completion",
        "created": 1733467125,
        "model": "gpt-5.4-mini-2026-03-17",
        "choices": [{"index": 0, "message": message, "logprobs": None, "finish_reason": stop}],
    }
    return body if usage is None else {**body, "usage": usage}


def _chat_usage(plain: Any, output: Any, read: Any, written: Any) -> Json:
    prompt = plain + read + written if all(type(n) is int for n in (plain, read, written)) else plain
    return {
        "prompt_tokens": prompt,
        "completion_tokens": output,
        "total_tokens": prompt + output if type(prompt) is int and type(output) is int else None,
        "prompt_tokens_details": {"cached_tokens": read, "cache_write_tokens": written, "audio_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": 3 if output == 5 else 0},
    }


def _anthropic(text: str, calls: Sequence[ToolCall], stop: str, usage: Any) -> Json:
    blocks: list[Json] = [{"type": "text", "text": text}] if text else []
    blocks += [{"type": "tool_use", "id": c.id, "name": c.name, "input": json.loads(c.arguments)} for c in calls]
    body = {
        "id": "msg_01Ctc62hUPvikvYASXZqTo9q",
        "type": "message",
        "role": "assistant",
        "model": "claude-haiku-5-5",
        "content": blocks,
        "stop_reason": stop,
        "stop_sequence": None,
    }
    return body if usage is None else {**body, "usage": usage}


def _anthropic_usage(plain: Any, output: Any, read: Any, written: Any) -> Json:
    return {
        "input_tokens": plain,
        "output_tokens": output,
        "cache_read_input_tokens": read,
        "cache_creation_input_tokens": written,
    }


def _bedrock(text: str, calls: Sequence[ToolCall], stop: str, usage: Any) -> Json:
    blocks: list[Json] = [{"text": text}] if text else []
    blocks += [{"toolUse": {"toolUseId": c.id, "name": c.name, "input": json.loads(c.arguments)}} for c in calls]
    body = {
        "output": {"message": {"role": "assistant", "content": blocks}},
        "stopReason": stop,
        "metrics": {"latencyMs": 419},
    }
    return body if usage is None else {**body, "usage": usage}


def _bedrock_usage(plain: Any, output: Any, read: Any, written: Any) -> Json:
    return {
        "inputTokens": plain,
        "outputTokens": output,
        "totalTokens": plain + output if type(plain) is int and type(output) is int else 0,
        "cacheReadInputTokens": read,
        "cacheWriteInputTokens": written,
    }


WIRES = {
    wire.name: wire
    for wire in (
        Wire(
            "responses",
            "responses",
            "gpt-6-luna",
            "/v1/responses",
            _responses,
            _responses_usage,
            {
                Finish.STOP: ["completed"],
                Finish.TOOL_CALLS: ["completed"],
                Finish.LENGTH: ["max_output_tokens"],
                Finish.CONTENT_FILTER: ["content_filter"],
            },
        ),
        Wire(
            "chat",
            "chat",
            "gpt-5.4-mini",
            "/v1/chat/completions",
            _chat,
            _chat_usage,
            {
                Finish.STOP: ["stop"],
                Finish.TOOL_CALLS: ["tool_calls"],
                Finish.LENGTH: ["length"],
                Finish.CONTENT_FILTER: ["content_filter"],
            },
        ),
        Wire(
            "anthropic",
            "anthropic",
            "claude-haiku-5-5",
            "/v1/messages",
            _anthropic,
            _anthropic_usage,
            {
                Finish.STOP: ["end_turn", "stop_sequence"],
                Finish.TOOL_CALLS: ["tool_use"],
                Finish.LENGTH: ["max_tokens"],
                Finish.CONTEXT_FULL: ["model_context_window_exceeded"],
                Finish.REFUSAL: ["refusal"],
            },
        ),
        Wire(
            "bedrock",
            "bedrock",
            "eu.anthropic.claude-haiku-4-5-20251001-v1:0",
            "/model/eu.anthropic.claude-haiku-4-5-20251001-v1%3A0/converse",
            _bedrock,
            _bedrock_usage,
            {
                Finish.STOP: ["end_turn", "stop_sequence"],
                Finish.TOOL_CALLS: ["tool_use"],
                Finish.LENGTH: ["max_tokens"],
                Finish.CONTEXT_FULL: ["model_context_window_exceeded"],
                Finish.CONTENT_FILTER: ["guardrail_intervened", "content_filtered"],
            },
        ),
    )
}

CALLS = (ToolCall("call_1", "find", '{"city": "Zürich"}'), ToolCall("call_2", "find", '{"city": "Bern", "n": 2}'))
TOOL = ToolSpec(
    "find", "Find a place.", {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
)
SCHEMA: Json = {
    "type": "object",
    "properties": {"reply": {"type": "string", "minLength": 1}, "sure": {"type": "number", "maximum": 1}},
    "required": ["reply"],
}
TALK = (
    Message("user", "Where is a dentist?"),
    Message("assistant", "Let me see.", CALLS),
    Message("tool", '{"places": ["Langstraße 1"]}', tool_call_id="call_1"),
    Message("tool", '{"places": []}', tool_call_id="call_2"),
)


def ask(wire: Wire, **changes: Any) -> ModelRequest:
    """Return a request, changed as told."""
    request: Json = {
        "model": wire.model,
        "system": "You help.",
        "messages": (Message("user", "Hello?"),),
        "max_output_tokens": 300,
    }
    return ModelRequest(**{**request, **changes})
