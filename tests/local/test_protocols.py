"""Each protocol as its own documentation shows it, and as the project's own clients read it."""

import json
from collections.abc import Mapping
from typing import Any

import httpx
import pytest
from turnkeeper.domain.chat import Finish, Message, ModelRequest, ToolSpec
from turnkeeper.domain.door import admitted

from tests.local.chats import MODELS, client

SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "reply": {"type": "string"},
        "confidence": {"type": "number"},
        "output": {
            "type": "object",
            "properties": {"topic": {"type": "string", "enum": ["billing", "technical"]}},
            "required": ["topic"],
        },
    },
    "required": ["reply", "confidence", "output"],
}
QUERY: dict[str, Any] = {"type": "object", "properties": {"query": {"type": "string"}}, "required": ["query"]}
SAYS = "My billing statement is wrong"

PATHS = {
    "responses": "/v1/responses",
    "chat": "/v1/chat/completions",
    "anthropic": "/v1/messages",
    "bedrock": "/model/global.amazon.nova-2-lite-v1%3A0/converse",
}
HEADERS = {
    "responses": {"Authorization": "Bearer k"},
    "chat": {"Authorization": "Bearer k"},
    "anthropic": {"x-api-key": "k", "anthropic-version": "2023-06-01"},
    "bedrock": {"Authorization": "AWS4-HMAC-SHA256 ..."},
}
BODIES: dict[str, dict[str, Any]] = {
    "responses": {"model": MODELS["responses"], "input": SAYS},
    "chat": {"model": MODELS["chat"], "messages": [{"role": "user", "content": SAYS}]},
    "anthropic": {
        "model": MODELS["anthropic"],
        "max_tokens": 1_000,
        "messages": [{"role": "user", "content": [{"type": "text", "text": SAYS}]}],
    },
    "bedrock": {"messages": [{"role": "user", "content": [{"text": SAYS}]}]},
}


def request(provider: str, **changes: Any) -> ModelRequest:
    asked: dict[str, Any] = {
        "model": MODELS[provider],
        "system": "Sort messages.",
        "messages": (Message("user", SAYS),),
        "max_output_tokens": 2_000,
    }
    return ModelRequest(**{**asked, **changes})


def post(http: httpx.Client, url: str, provider: str, body: Mapping[str, Any]) -> httpx.Response:
    return http.post(url + PATHS[provider], json=body, headers=HEADERS[provider])


@pytest.mark.parametrize("provider", MODELS)
def test_a_structured_answer_follows_the_schema_and_the_message(provider: str, provider_url: str) -> None:
    reply = client(provider, provider_url).complete(request(provider, schema=SCHEMA), timeout_s=5)

    assert json.loads(reply.text)["output"] == {"topic": "billing"}
    assert reply.finish is Finish.STOP
    assert reply.usage
    assert 0 < reply.usage.input_tokens < 1000


@pytest.mark.parametrize("provider", MODELS)
def test_a_tool_is_called_natively_and_its_result_is_used(provider: str, provider_url: str) -> None:
    model, tools = client(provider, provider_url), (ToolSpec("search_knowledge", "Search.", QUERY),)
    called = admitted(model.complete(request(provider, tools=tools, schema=SCHEMA), timeout_s=5), "mine:m", ())
    result = {"passages": ["Shipping takes two days.", "A wrong billing statement is corrected within a day."]}
    messages = (
        Message("user", SAYS),
        Message("assistant", called.text, called.tool_calls, native=called.native),
        Message("tool", json.dumps(result), tool_call_id=called.tool_calls[0].id),
    )
    answered = model.complete(request(provider, tools=tools, schema=SCHEMA, messages=messages), timeout_s=5)

    assert (called.tool_calls[0].name, called.finish) == ("search_knowledge", Finish.TOOL_CALLS)
    assert json.loads(called.tool_calls[0].arguments) == {"query": SAYS}
    assert json.loads(answered.text)["reply"] == result["passages"][1]


@pytest.mark.parametrize("provider", MODELS)
def test_an_answer_that_is_too_long_is_cut_off(provider: str, provider_url: str) -> None:
    asked = request(provider, schema=SCHEMA, max_output_tokens=16)
    reply = client(provider, provider_url).complete(asked, timeout_s=5)

    assert reply.finish is Finish.LENGTH
    assert reply.usage
    assert reply.usage.output_tokens == 16
    assert len(reply.text) <= 64


def test_openai_answers_as_documented(provider_url: str, http: httpx.Client) -> None:
    body = post(http, provider_url, "chat", BODIES["chat"]).json()

    assert body["object"] == "chat.completion"
    assert body["id"].startswith("chatcmpl-")
    assert body["choices"][0]["message"]["role"] == "assistant"
    assert body["choices"][0]["finish_reason"] == "stop"
    assert body["usage"]["total_tokens"] == body["usage"]["prompt_tokens"] + body["usage"]["completion_tokens"]
    assert body["usage"]["prompt_tokens_details"] == {"cached_tokens": 0, "cache_write_tokens": 0}


def test_anthropic_answers_as_documented(provider_url: str, http: httpx.Client) -> None:
    body = post(http, provider_url, "anthropic", BODIES["anthropic"]).json()

    assert (body["type"], body["role"], body["stop_reason"]) == ("message", "assistant", "end_turn")
    assert body["id"].startswith("msg_")
    assert [block["type"] for block in body["content"]] == ["thinking", "text"]
    assert body["usage"].keys() >= {"input_tokens", "output_tokens", "cache_read_input_tokens"}


def test_bedrock_answers_as_documented(provider_url: str, http: httpx.Client) -> None:
    body = post(http, provider_url, "bedrock", BODIES["bedrock"]).json()

    assert body["output"]["message"]["role"] == "assistant"
    assert body["stopReason"] == "end_turn"
    assert body["usage"]["totalTokens"] == body["usage"]["inputTokens"] + body["usage"]["outputTokens"]
    assert body["metrics"]["latencyMs"] > 0


@pytest.mark.parametrize(
    ("provider", "changes"),
    [
        ("chat", {"model": None}),
        ("chat", {"messages": []}),
        ("chat", {"messages": [{"role": "robot", "content": "x"}]}),
        ("chat", {"tools": [{"type": "function"}]}),
        ("anthropic", {"max_tokens": None}),
        ("anthropic", {"max_tokens": 0}),
        ("anthropic", {"messages": [{"role": "system", "content": "x"}]}),
        ("bedrock", {"messages": None}),
        ("bedrock", {"messages": [{"role": "user", "content": "not blocks"}]}),
    ],
)
def test_a_wrong_request_gets_the_protocols_own_400(
    provider: str, changes: dict[str, Any], provider_url: str, http: httpx.Client
) -> None:
    changed = {name: value for name, value in {**BODIES[provider], **changes}.items() if value is not None}

    answer = post(http, provider_url, provider, changed)

    assert answer.status_code == 400
    assert error_type(provider, answer) in {"invalid_request_error", "ValidationException"}


@pytest.mark.parametrize("provider", MODELS)
def test_without_a_key_nothing_is_answered(provider: str, provider_url: str, http: httpx.Client) -> None:
    answer = http.post(provider_url + PATHS[provider], json=BODIES[provider])

    assert answer.status_code == 401
    assert http.get(f"{provider_url}/_calls").json() == []


def test_calls_are_listed_with_what_they_used(provider_url: str, http: httpx.Client) -> None:
    for provider in MODELS:
        post(http, provider_url, provider, BODIES[provider])

    calls = http.get(f"{provider_url}/_calls").json()

    assert [(call["model"], call["mode"]) for call in calls] == [(name, "ok") for name in MODELS.values()]
    assert all(call["tokens_in"] > 0 and call["tokens_out"] > 0 and call["at"] > 0 for call in calls)
    assert http.delete(f"{provider_url}/_calls").json() == []


def error_type(provider: str, answer: httpx.Response) -> str:
    """Return the type of an error where its protocol has it."""
    kind = answer.headers["x-amzn-errortype"] if provider == "bedrock" else answer.json()["error"]["type"]
    return str(kind)
