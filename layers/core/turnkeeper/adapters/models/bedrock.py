"""Amazon Bedrock Converse. Source: https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html."""

import json
from itertools import groupby
from typing import Any

import boto3
from botocore.config import Config

from turnkeeper.adapters.aws_errors import AWS_ERRORS, as_dependency_error
from turnkeeper.adapters.models.deadline import call_within
from turnkeeper.adapters.models.reading import arguments, reply, shaped, usage
from turnkeeper.adapters.models.schemas import strict
from turnkeeper.domain.failures import Failure
from turnkeeper.errors import DependencyError
from turnkeeper.ports import Finish, Message, ModelReply, ModelRequest, ToolCall, Usage

_FINISH = {
    "end_turn": Finish.STOP,
    "stop_sequence": Finish.STOP,
    "tool_use": Finish.TOOL_CALLS,
    "max_tokens": Finish.LENGTH,
    "model_context_window_exceeded": Finish.LENGTH,
    "guardrail_intervened": Finish.CONTENT_FILTER,
    "content_filtered": Finish.CONTENT_FILTER,
    "refusal": Finish.REFUSAL,
}
_CONNECT_S = 1.0
_LONGEST_S = 30
_WITHOUT_STRUCTURED_OUTPUT = ("amazon.", "ai21.", "cohere.", "meta.")
"""Families whose models do not take `outputConfig`: they read the schema in the system prompt instead."""


class Bedrock:
    """Asks models over the Converse API, with the function's own role; `endpoint` replaces the region's."""

    def __init__(self, endpoint: str | None = None) -> None:
        config = Config(
            connect_timeout=_CONNECT_S,
            read_timeout=_LONGEST_S,
            retries={"mode": "standard", "total_max_attempts": 1},
            tcp_keepalive=True,
        )
        self._client = boto3.client("bedrock-runtime", endpoint_url=endpoint, config=config)

    def complete(self, request: ModelRequest, *, timeout_s: float) -> ModelReply:
        """Ask the model once."""
        try:
            return _reply(call_within(timeout_s, lambda: dict(self._client.converse(**_body(request)))))
        except TimeoutError as error:
            raise DependencyError(Failure.TIMEOUT, str(error)) from error
        except AWS_ERRORS as error:
            raise as_dependency_error(error) from error


def _body(request: ModelRequest) -> dict[str, Any]:
    inference: dict[str, Any] = {"maxTokens": request.max_output_tokens}
    if request.temperature is not None:
        inference["temperature"] = request.temperature
    body: dict[str, Any] = {
        "modelId": request.model,
        "system": [{"text": request.system}],
        "messages": _messages(request.messages),
        "inferenceConfig": inference,
    }
    if request.tools:
        specs = [
            {"name": t.name, "description": t.description, "inputSchema": {"json": dict(t.schema)}}
            for t in request.tools
        ]
        body["toolConfig"] = {"tools": [{"toolSpec": spec} for spec in specs]}
    if request.schema:
        schema = json.dumps(strict(request.schema))
        if _takes_schema(request.model):
            structure = {"jsonSchema": {"name": "answer", "schema": schema}}
            body["outputConfig"] = {"textFormat": {"type": "json_schema", "structure": structure}}
        else:
            body["system"].append({"text": f"Answer with nothing but JSON of this schema, without a fence:\n{schema}"})
    return body


def _takes_schema(model: str) -> bool:
    """Say whether a model has structured output; an id may begin with the region group of an inference profile."""
    return not any(f".{model}".find(f".{family}") >= 0 for family in _WITHOUT_STRUCTURED_OUTPUT)


def _messages(messages: tuple[Message, ...]) -> list[dict[str, Any]]:
    """Alternate user and assistant, tools' results in the user's, as Converse wants them."""

    def role(message: Message) -> str:
        return "assistant" if message.role == "assistant" else "user"

    return [
        {"role": who, "content": [block for m in group for block in _blocks(m)]}
        for who, group in groupby(messages, role)
    ]


def _blocks(message: Message) -> list[dict[str, Any]]:
    if message.role == "tool":
        return [{"toolResult": {"toolUseId": message.tool_call_id, "content": [{"text": message.text}]}}]
    text = [{"text": message.text}] if message.text else []
    calls = [
        {"toolUse": {"toolUseId": c.id, "name": c.name, "input": arguments(c.arguments)}} for c in message.tool_calls
    ]
    return [*text, *calls]


def _reply(data: dict[str, Any]) -> ModelReply:
    with shaped():
        blocks = data["output"]["message"]["content"]
        text = "".join(str(b["text"]) for b in blocks if "text" in b)
        uses = [b["toolUse"] for b in blocks if "toolUse" in b]
        calls = [
            ToolCall(str(u["toolUseId"]), str(u["name"]), json.dumps(u["input"], ensure_ascii=False)) for u in uses
        ]
        return reply(text, calls, _FINISH.get(data.get("stopReason", ""), Finish.STOP), _usage(data))


def _usage(data: dict[str, Any]) -> Usage | None:
    used = data.get("usage")
    if not isinstance(used, dict):
        return None
    return usage(
        plain=used.get("inputTokens"),
        output=used.get("outputTokens"),
        cache_read=used.get("cacheReadInputTokens"),
        cache_write=used.get("cacheWriteInputTokens"),
    )
