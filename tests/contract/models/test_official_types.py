"""Our requests, and our double's answers, held to the types of the providers' own SDKs."""

import json
from typing import Any

import pytest
from agents.booking import agent as booking
from turnkeeper.domain.chat import ModelRequest, ToolSpec
from turnkeeper.domain.failures import Failure
from turnkeeper.errors import DependencyError

from infra.local.http_service import Request
from infra.local.model_provider.annotated import Annotations
from infra.local.model_provider.app import Provider as Double
from infra.local.model_provider.brain import Brain
from tests.contract.models.conftest import Provider
from tests.contract.models.official import CHECK_ANSWER, CHECK_REQUEST
from tests.contract.models.wires import CALLS, SCHEMA, TALK, TOOL, WIRES, ask

BOOKING = {
    "tools": tuple(ToolSpec(t.name, t.description, t.schema) for t in booking.tools),
    "schema": booking.answer_schema,
}
REQUESTS: dict[str, dict[str, Any]] = {
    "plain": {},
    "schema": {"schema": SCHEMA},
    "tools": {"tools": (TOOL,)},
    "results of tools": {"tools": (TOOL,), "messages": TALK, "schema": SCHEMA},
    "the booking agent": BOOKING,
}


def sent(provider: Provider, request: ModelRequest) -> dict[str, Any]:
    provider.replies(provider.wire.ok(), request)
    body: dict[str, Any] = provider.service.requests[-1].json()
    return body


@pytest.mark.parametrize("changes", REQUESTS.values(), ids=REQUESTS)
def test_a_request_is_one_that_the_official_sdk_would_send(provider: Provider, changes: dict[str, Any]) -> None:
    CHECK_REQUEST[provider.wire.protocol](sent(provider, ask(provider.wire, **changes)))


def test_the_check_of_requests_can_fail(provider: Provider) -> None:
    body = sent(provider, ask(provider.wire, tools=(TOOL,), messages=TALK))
    said = "messages" if "messages" in body else "input"
    nameless = json.loads(json.dumps(body))
    nameless[said][0].pop("role")
    wrong = [{**body, said: 3}, {**body, "brand_new": 3}, nameless]

    for request in wrong:
        with pytest.raises((ValueError, AssertionError)):
            CHECK_REQUEST[provider.wire.protocol](request)


def test_the_key_or_the_signature_goes_along(provider: Provider) -> None:
    provider.replies(provider.wire.ok())
    headers = provider.service.requests[-1].headers
    expected = {
        "responses": ("authorization", "Bearer local"),
        "chat": ("authorization", "Bearer local"),
        "anthropic": ("x-api-key", "local"),
        "bedrock": ("authorization", "AWS4-HMAC-SHA256 Credential="),
    }
    name, begins = expected[provider.wire.protocol]

    assert headers[name].startswith(begins)
    assert headers["content-type"] == "application/json"
    assert provider.wire.protocol != "anthropic" or headers["anthropic-version"] == "2023-06-01"


def test_the_schema_goes_into_the_native_field_closed_and_complete(provider: Provider) -> None:
    body = sent(provider, ask(provider.wire, schema=SCHEMA))
    native: dict[str, Any] = {
        "responses": lambda: body["text"]["format"]["schema"],
        "chat": lambda: body["response_format"]["json_schema"]["schema"],
        "anthropic": lambda: body["output_config"]["format"]["schema"],
        "bedrock": lambda: json.loads(body["outputConfig"]["textFormat"]["structure"]["jsonSchema"]["schema"]),
    }[provider.wire.protocol]()

    assert native["additionalProperties"] is False
    assert native["required"] == ["reply", "sure"] if provider.wire.name in ("responses", "chat") else ["reply"]
    assert "minLength" not in json.dumps(native)


@pytest.mark.parametrize("provider", ["bedrock"], indirect=True)
@pytest.mark.parametrize("model", ["eu.amazon.nova-lite-v1:0", "eu.amazon.nova-2-lite-v1:0", "meta.llama3-1-8b-v1:0"])
def test_a_model_without_structured_output_reads_the_schema_in_its_instructions(provider: Provider, model: str) -> None:
    body = sent(provider, ask(provider.wire, schema=SCHEMA, model=model))

    assert "outputConfig" not in body
    assert "additionalProperties" in body["system"][1]["text"]


@pytest.mark.parametrize("provider", ["bedrock"], indirect=True)
def test_a_botocore_without_structured_output_says_what_to_install_and_sends_nothing(
    provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(provider.client, "_knows_schemas", False)
    with pytest.raises(DependencyError, match=r"run `uv add --group agents 'boto3>=1.42.42'`") as caught:
        provider.client.complete(ask(provider.wire, schema=SCHEMA), timeout_s=5)

    assert (Failure.BAD_REQUEST, False, []) == (caught.value.failure, caught.value.sent, provider.service.requests)


def test_results_of_tools_answer_the_calls_that_asked_for_them(provider: Provider) -> None:
    body = sent(provider, ask(provider.wire, tools=(TOOL,), messages=TALK))
    messages = body["messages"] if "messages" in body else body["input"]
    said = json.dumps(messages, ensure_ascii=False)

    assert [said.count(f'"{call.id}"') for call in CALLS] == [2, 2]
    assert "Langstraße 1" in said
    roles = [m.get("role") or m["type"] for m in messages]
    assert (
        roles
        == {
            "responses": ["user", "assistant", *["function_call"] * 2, *["function_call_output"] * 2],
            "chat": ["system", "user", "assistant", "tool", "tool"],
            "anthropic": ["user", "assistant", "user"],
            "bedrock": ["user", "assistant", "user"],
        }[provider.wire.protocol]
    )


def test_a_limit_of_tokens_always_goes_along(provider: Provider) -> None:
    body = sent(provider, ask(provider.wire, max_output_tokens=123))
    limits = {**body, **body.get("inferenceConfig", {})}

    assert 123 in [
        limits.get(name) for name in ("max_tokens", "max_completion_tokens", "max_output_tokens", "maxTokens")
    ]


DOUBLES = {
    "an answer": ({"schema": booking.answer_schema}, {}),
    "calls of tools": (BOOKING, {}),
    "a cut answer": ({"max_output_tokens": 16, "schema": booking.answer_schema}, {}),
    "a refusal": ({}, {"model": "*", "mode": "refusal", "times": None}),
}


@pytest.mark.parametrize(("changes", "fault"), DOUBLES.values(), ids=DOUBLES)
def test_our_double_answers_as_the_official_sdk_expects(
    provider: Provider, changes: dict[str, Any], fault: dict[str, Any]
) -> None:
    wire = WIRES[provider.wire.name]
    asked = ask(wire, **{"messages": ask(wire).messages, **changes})
    sent(provider, asked)
    double = Double(Brain(Annotations()))
    if fault:
        rule = json.dumps([fault]).encode()
        assert double(Request("PUT", "/_faults", {}, {}, rule)).status < 300

    answer = double(provider.service.requests[-1])

    assert answer.status == 200
    CHECK_ANSWER[provider.wire.protocol](json.loads(answer.body))
