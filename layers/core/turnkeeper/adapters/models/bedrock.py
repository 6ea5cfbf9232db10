"""Amazon Bedrock Converse. Source: https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html."""

import json
import re
from collections.abc import Mapping
from itertools import groupby
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import (
    CredentialRetrievalError,
    EndpointConnectionError,
    NoCredentialsError,
    ParamValidationError,
    PartialCredentialsError,
)
from botocore.parsers import ResponseParserError

from turnkeeper.adapters.aws_errors import AWS_ERRORS, as_dependency_error
from turnkeeper.adapters.models.deadline import call_within
from turnkeeper.adapters.models.error_shapes import json_or_text
from turnkeeper.adapters.models.errors import Asked, error_in, failed
from turnkeeper.adapters.models.reading import arguments, filtered, reply, shaped, text_of, usage
from turnkeeper.adapters.secrets import Secrets
from turnkeeper.agent import Endpoint
from turnkeeper.domain.chat import Finish, Message, ModelReply, ModelRequest, ToolCall, Usage
from turnkeeper.domain.failures import Failure
from turnkeeper.domain.schemas import strict
from turnkeeper.errors import DependencyError
from turnkeeper.ports import ModelClient

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
_MALFORMED = {"malformed_model_output", "malformed_tool_use"}
_NO_CREDENTIALS = (NoCredentialsError, PartialCredentialsError, CredentialRetrievalError)
_THOUGHT = re.compile(r"\A\s*<thinking>.*?</thinking>\s*", re.DOTALL)
"""Where tools are offered, Amazon's own models write their thoughts into the text, before the answer."""

_SUCCESS = range(200, 300)
_CONNECT_S = 1.0
_LONGEST_S = 30
_WITHOUT_STRUCTURED_OUTPUT = ("amazon.", "ai21.", "cohere.", "meta.")
"""Vendors whose models refuse `outputConfig`: they get the schema in the system prompt instead."""


def client(endpoint: Endpoint, _: Secrets) -> ModelClient:
    """Make the client of an endpoint, by default that of the function's own region."""
    return Bedrock(endpoint.url or None)


class Bedrock:
    """Asks models over the Converse API with the function's role; `endpoint` (a URL) replaces that of the region."""

    def __init__(self, endpoint: str | None = None) -> None:
        config = Config(
            connect_timeout=_CONNECT_S,
            read_timeout=_LONGEST_S,
            retries={"mode": "standard", "total_max_attempts": 1},
            tcp_keepalive=True,
        )
        self._client = boto3.client("bedrock-runtime", endpoint_url=endpoint, config=config)
        self._client.meta.events.register("before-parse.bedrock-runtime.Converse", _raise_error_answer)

    def complete(self, request: ModelRequest, *, timeout_s: float) -> ModelReply:
        """Ask the model once, within a hard total of `timeout_s`; raises DependencyError."""
        body = _body(request)
        return filtered(lambda: _reply(self._send(body, timeout_s)))

    def _send(self, body: dict[str, Any], timeout_s: float) -> dict[str, Any]:
        try:
            return call_within(timeout_s, lambda: self._converse(body))
        except _ErrorAnswer as answer:
            raise answer.read(Asked.by(body)) from answer
        except TimeoutError as error:
            raise DependencyError(Failure.TIMEOUT, str(error)) from error
        except AWS_ERRORS as error:
            raise _failed(error) from error

    def _converse(self, body: dict[str, Any]) -> dict[str, Any]:
        # The SDK's parser takes it for granted that a body is an object; what it raises otherwise is not documented.
        with shaped():
            try:
                return dict(self._client.converse(**body))
            except (ResponseParserError, RecursionError, ValueError) as error:
                raise DependencyError(Failure.GARBAGE, type(error).__name__) from error


def _failed(error: Exception) -> DependencyError:
    if isinstance(error, _NO_CREDENTIALS):
        return DependencyError(Failure.BAD_KEY, type(error).__name__, sent=False)
    if isinstance(error, ParamValidationError):
        return DependencyError(Failure.BAD_REQUEST, type(error).__name__, sent=False)
    if isinstance(error, EndpointConnectionError):
        return DependencyError(Failure.CONNECTION, type(error).__name__, sent=False)
    return as_dependency_error(error)


class _ErrorAnswer(Exception):  # noqa: N818 - an answer, which is read where the request is known
    """An answer that is an error, as it came: botocore's own reading of it loses a proxy's status and its words."""

    def __init__(self, status: int, headers: Mapping[str, str], data: Any) -> None:
        super().__init__(status)
        self._status, self._headers, self._data = status, headers, data

    def read(self, asked: Asked) -> DependencyError:
        inside = error_in(self._data, self._headers, asked) if self._status in _SUCCESS else None
        return inside or failed(self._status, self._data, self._headers, asked)


def _raise_error_answer(response_dict: Mapping[str, Any], **_: Any) -> None:
    """Handle an event of botocore's, before an answer is parsed: raise _ErrorAnswer if it is an error."""
    status, data = int(response_dict["status_code"]), json_or_text(response_dict["body"])
    if status not in _SUCCESS or error_in(data):
        headers = {str(name).lower(): str(value) for name, value in response_dict["headers"].items()}
        raise _ErrorAnswer(status, headers, data)


def _body(request: ModelRequest) -> dict[str, Any]:
    body: dict[str, Any] = {
        "modelId": request.model,
        "system": [{"text": request.system}],
        "messages": _messages(request.messages),
        "inferenceConfig": {"maxTokens": request.max_output_tokens},
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
    """Whether a model has structured output; its id may begin with an inference profile, such as `eu.`."""
    return not any(f".{vendor}" in f".{model}" for vendor in _WITHOUT_STRUCTURED_OUTPUT)


def _messages(messages: tuple[Message, ...]) -> list[dict[str, Any]]:
    """Alternate user and assistant, as Converse wants them; the results of tools are a user message."""

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
        text = _THOUGHT.sub("", "".join(text_of(b["text"]) for b in blocks if "text" in b))
        uses = [b["toolUse"] for b in blocks if "toolUse" in b]
        calls = [
            ToolCall(str(u["toolUseId"]), str(u["name"]), json.dumps(u["input"], ensure_ascii=False)) for u in uses
        ]
        stop = data.get("stopReason", "")
        if stop in _MALFORMED:
            raise DependencyError(Failure.GARBAGE, stop)
        return reply(text, calls, _FINISH.get(stop, Finish.STOP), _usage(data))


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
