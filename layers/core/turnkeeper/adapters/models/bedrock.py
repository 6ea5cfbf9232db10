"""Amazon Bedrock Converse. Source: https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html."""

import json
import re
from base64 import b64decode, b64encode
from collections.abc import Iterator, Mapping
from typing import Any

import boto3
import botocore
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
from turnkeeper.adapters.models.claude import thinking
from turnkeeper.adapters.models.deadline import call_within
from turnkeeper.adapters.models.error_shapes import json_or_text
from turnkeeper.adapters.models.errors import Asked, error_in, failed
from turnkeeper.adapters.models.reading import filtered, finish_of, reply, shaped, text_of, usage
from turnkeeper.adapters.models.requests import (
    Json,
    alternating,
    arguments,
    in_form,
    schema_in_words,
    sent_id,
    sent_ids,
)
from turnkeeper.adapters.secrets import Secrets
from turnkeeper.agent import Endpoint
from turnkeeper.domain.chat import Message, ModelReply, ModelRequest, Native, ToolCall, ToolSpec, Usage
from turnkeeper.domain.failures import Failure
from turnkeeper.domain.known_models import Thinks, known_model
from turnkeeper.domain.schemas import for_anthropic
from turnkeeper.domain.text import is_blank
from turnkeeper.errors import DependencyError
from turnkeeper.ports import ModelClient

_MALFORMED = {"malformed_model_output", "malformed_tool_use"}
_NO_CREDENTIALS = (NoCredentialsError, PartialCredentialsError, CredentialRetrievalError)
_THOUGHT = re.compile(r"\A\s*<thinking>.*?</thinking>\s*", re.DOTALL)
"""Where tools are offered, Amazon's own models write their thoughts into the text, before the answer."""

_TOO_OLD = (
    f"botocore {botocore.__version__} of this runtime knows no structured output on Bedrock: run "
    "`uv add --group agents 'boto3>=1.42.42'`, then `make layers`, so that a newer one ships with the agents"
)
_SUCCESS = range(200, 300)
_CONNECT_S = 1.0
_LONGEST_S = 30
_CACHE_HERE: Json = {"cachePoint": {"type": "default"}}
_FIELDS = "additionalModelRequestFields"
_OF_INFERENCE = ("temperature", "topP", "stopSequences")
_REDACTED = "redactedContent"


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
        shape = self._client.meta.service_model.operation_model("Converse").input_shape
        self._knows_schemas = shape is not None and "outputConfig" in shape.members

    def complete(self, request: ModelRequest, *, timeout_s: float) -> ModelReply:
        """Ask the model once, within a hard total of `timeout_s`; raises DependencyError."""
        body = _body(request)
        if "outputConfig" in body and not self._knows_schemas:
            raise DependencyError(Failure.BAD_REQUEST, _TOO_OLD, sent=False)
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

    def _converse(self, body: Json) -> dict[str, Any]:
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


# --- the request ------------------------------------------------------------------------------------------------------


def _body(request: ModelRequest) -> Json:
    known, options = known_model(request.known_as), dict(request.options)
    cached = [_CACHE_HERE] if known and known.caches_on_bedrock else []
    inference = {name: options.pop(name) for name in _OF_INFERENCE if name in options}
    fields = {**_thinking(request), **options.pop(_FIELDS, {})}
    body: Json = {
        "modelId": request.model,
        "system": [{"text": request.system}],
        "messages": _messages(request.messages, cached),
        "inferenceConfig": {"maxTokens": request.max_output_tokens, **inference},
        **({_FIELDS: fields} if fields else {}),
        **options,
    }
    if request.tools:
        body["toolConfig"] = {"tools": [{"toolSpec": _spec(t)} for t in request.tools]}
    if request.schema and known and known.takes_schema_on_bedrock:
        structure = {"jsonSchema": {"name": "answer", "schema": json.dumps(in_form(for_anthropic, request.schema))}}
        body["outputConfig"] = {"textFormat": {"type": "json_schema", "structure": structure}}
    elif request.schema:
        body["system"].append({"text": schema_in_words(request.schema)})
    body["system"] += cached
    return body


def _spec(tool: ToolSpec) -> Json:
    return {"name": tool.name, "description": tool.description, "inputSchema": {"json": dict(tool.schema)}}


def _thinking(request: ModelRequest) -> Json:
    """Return the fields with which each family is told how much to think."""
    known, effort = known_model(request.known_as), request.effort
    if known and known.thinks is Thinks.BY_EFFORT:
        is_open = "gpt-oss" in request.known_as
        return ({"reasoning_effort": effort} if is_open else {"reasoning": {"effort": effort}}) if effort else {}
    if known and known.thinks is Thinks.AS_NOVA:
        is_on = effort not in ("", "none")
        return {"reasoningConfig": {"type": "enabled", "maxReasoningEffort": effort}} if is_on else {}
    return thinking(request)


def _messages(messages: tuple[Message, ...], cached: list[Json]) -> list[Json]:
    ids = sent_ids(messages)
    wire: list[Json] = [
        {"role": who, "content": [block for m in group for block in _blocks(m, ids)]}
        for who, group in alternating(messages)
    ]
    if cached:
        _mark(wire[-1]["content"], has_note=bool(messages[-1].note))
    return wire


def _mark(last: list[Json], *, has_note: bool) -> None:
    """Put a cache point after what the customer said, and one at the end: later requests go on from there."""
    if has_note:
        last.insert(1, _CACHE_HERE)
    last.append(_CACHE_HERE)


def _blocks(message: Message, ids: Mapping[str, str]) -> Iterator[Json]:
    if message.role == "tool":
        call_id = ids.get(message.tool_call_id, message.tool_call_id)
        yield {"toolResult": {"toolUseId": call_id, "content": [{"text": message.text}]}}
    elif message.native:
        calls = iter(message.tool_calls)
        for block in message.native.content:
            yield _use(message, next(calls)) if "toolUse" in block else _unpacked(block)
    else:
        yield from ({"text": text} for text in (message.text, message.note) if text)
        yield from (_use(message, call) for call in message.tool_calls)


def _use(message: Message, call: ToolCall) -> Json:
    return {"toolUse": {"toolUseId": sent_id(message, call), "name": call.name, "input": arguments(call)}}


def _packed(block: Json) -> Json:
    """Return a block of an answer as JSON data: redacted thinking is bytes."""
    redacted = block.get("reasoningContent", {}).get("redactedContent")
    return block if redacted is None else {_REDACTED: b64encode(redacted).decode()}


def _unpacked(block: Json) -> Json:
    return {"reasoningContent": {"redactedContent": b64decode(block[_REDACTED])}} if _REDACTED in block else block


# --- the answer -------------------------------------------------------------------------------------------------------


def _reply(data: Json) -> ModelReply:
    with shaped():
        blocks = data["output"]["message"]["content"]
        text = "".join(text_of(b["text"]) for b in blocks if "text" in b)
        uses = [b["toolUse"] for b in blocks if "toolUse" in b]
        calls = [
            ToolCall(str(u["toolUseId"]), str(u["name"]), json.dumps(u["input"], ensure_ascii=False)) for u in uses
        ]
        stop = data.get("stopReason", "")
        if stop in _MALFORMED:
            raise DependencyError(Failure.INVALID_OUTPUT, stop)
        return reply(
            _THOUGHT.sub("", text),
            calls,
            finish_of(stop, has_calls=bool(calls)),
            _usage(data),
            service_tier=(data.get("serviceTier") or {}).get("type"),
            native=Native([_packed(b) for b in blocks if "text" not in b or not is_blank(b["text"])]),
        )


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
