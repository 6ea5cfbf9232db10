"""The providers' own types: what their SDKs take for a request, and what they promise of an answer."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from typing import Any

import boto3
from anthropic.types import Message as AnthropicMessage
from anthropic.types.message_create_params import MessageCreateParamsNonStreaming
from botocore.model import OperationModel, StringShape
from botocore.validate import ParamValidator
from openai.types.chat import ChatCompletion
from openai.types.chat.completion_create_params import CompletionCreateParamsNonStreaming
from openai.types.responses import Response
from openai.types.responses.response_create_params import ResponseCreateParamsNonStreaming
from pydantic import BaseModel, TypeAdapter

Json = dict[str, Any]


def _typed(request_type: Any) -> Callable[[Json], None]:
    @cache
    def adapter() -> TypeAdapter[Any]:
        return TypeAdapter(request_type)

    def check(body: Json) -> None:
        # Reading it to the end validates what is validated lazily, and shows the fields that the type does not know.
        assert _read(adapter().validate_python(body)) == body

    return check


def _read(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _read(member) for name, member in value.items()}
    if isinstance(value, Iterable) and not isinstance(value, str):
        return [_read(member) for member in value]
    return value


def _modelled(answer_type: type[BaseModel]) -> Callable[[Json], None]:
    def check(body: Json) -> None:
        answer = answer_type.model_validate_json(json.dumps(body), strict=True)
        assert list(_unknown(answer)) == []

    return check


def _unknown(value: Any, at: str = "") -> Iterator[str]:
    if isinstance(value, list):
        for item in value:
            yield from _unknown(item, at)
    if isinstance(value, BaseModel):
        yield from (f"{at}.{name}" for name in value.model_extra or {})
        for name in type(value).model_fields:
            yield from _unknown(getattr(value, name), f"{at}.{name}")


@cache
def _converse() -> OperationModel:
    client = boto3.client(
        "bedrock-runtime", region_name="eu-central-1", aws_access_key_id="testing", aws_secret_access_key="testing"
    )
    model: OperationModel = client.meta.service_model.operation_model("Converse")
    return model


def _converse_request(body: Json) -> None:
    shape = _converse().input_shape
    assert shape is not None
    report = ParamValidator().validate({"modelId": "model", **body}, shape)
    assert not report.has_errors(), report.generate_report()


def _converse_answer(body: Json) -> None:
    shape = _converse().output_shape
    assert shape is not None
    report = ParamValidator().validate(body, shape)
    assert not report.has_errors(), report.generate_report()
    reasons = shape.members["stopReason"]
    assert isinstance(reasons, StringShape)
    assert body["stopReason"] in reasons.enum


CHECK_REQUEST: Mapping[str, Callable[[Json], None]] = {
    "responses": _typed(ResponseCreateParamsNonStreaming),
    "chat": _typed(CompletionCreateParamsNonStreaming),
    "anthropic": _typed(MessageCreateParamsNonStreaming),
    "bedrock": _converse_request,
}
CHECK_ANSWER: Mapping[str, Callable[[Json], None]] = {
    "responses": _modelled(Response),
    "chat": _modelled(ChatCompletion),
    "anthropic": _modelled(AnthropicMessage),
    "bedrock": _converse_answer,
}
