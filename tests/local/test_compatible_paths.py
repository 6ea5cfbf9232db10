"""Where each server is found, and how each fails in its own words."""

from typing import Any

import pytest

from infra.local.model_provider.rules.servers import SERVERS
from tests.local.asking import BEARER, CHAT_FORM, CHAT_TOOL, PATHS, Double, chat

HEADERS = {**BEARER, "x-portkey-provider": "openai"}
LOOP: list[dict[str, Any]] = [
    {"role": "user", "content": "Hello"},
    {
        "role": "assistant",
        "content": None,
        "tool_calls": [
            {
                "id": "call12345",
                "type": "function",
                "function": {"name": "search", "arguments": "{}"},
                "extra_content": {"google": {"thought_signature": "skip_thought_signature_validator"}},
            }
        ],
        "reasoning_content": "",
        "reasoning_details": [],
    },
    {"role": "tool", "tool_call_id": "call12345", "content": "[]"},
]
GONE: dict[str, tuple[int, Any]] = {
    "openai": (404, "model_not_found"),
    "azure": (404, "DeploymentNotFound"),
    "gemini": (404, "NOT_FOUND"),
    "groq": (400, "model_decommissioned"),
    "mistral": (400, "1500"),
    "deepseek": (400, "Model Not Exist"),
    "xai": (404, "The requested resource was not found"),
    "openrouter": (404, "No endpoints found for m."),
    "together": (404, "model_not_available"),
    "vllm": (404, "NotFoundError"),
    "ollama": (404, "try pulling it first"),
    "litellm": (404, "litellm.NotFoundError"),
    "portkey": (404, "model_not_found"),
}
FILTERS: dict[str, tuple[int, str]] = {
    "openai": (200, "'finish_reason': 'content_filter'"),
    "azure": (400, "ResponsibleAIPolicyViolation"),
    "gemini": (200, "'finish_reason': 'SAFETY'"),
    "openrouter": (403, "'reasons': ['violence']"),
    "litellm": (400, "litellm.BadRequestError: litellm.ContentPolicyViolationError"),
    "deepseek": (200, "'finish_reason': 'content_filter'"),
}


def failing(server: str, mode: str) -> tuple[int, Any]:
    double = Double()
    double.plays(mode)
    return double.post(PATHS[server], chat(model="m"), HEADERS)


@pytest.mark.parametrize("server", PATHS)
def test_a_server_is_found_by_its_path(server: str) -> None:
    double = Double()

    double.ok(PATHS[server], chat(model="m"), HEADERS)

    assert [server] == [call["server"] for call in double.calls()]
    assert PATHS.keys() == SERVERS.keys() == GONE.keys()


@pytest.mark.parametrize("server", PATHS)
def test_a_model_that_is_gone_is_told_in_the_servers_words(server: str) -> None:
    status, answer = failing(server, "model_gone")

    assert GONE[server][0] == status
    assert GONE[server][1] in str(answer)


@pytest.mark.parametrize("server", FILTERS)
def test_a_filter_is_told_in_the_servers_words(server: str) -> None:
    status, answer = failing(server, "filter")

    assert FILTERS[server][0] == status
    assert FILTERS[server][1] in str(answer)


@pytest.mark.parametrize("path", PATHS.values(), ids=PATHS)
@pytest.mark.parametrize("odd", [None, 3, "x", [], {}, [3], [None], {"a": 1}], ids=str)
def test_no_request_breaks_a_server(path: str, odd: Any) -> None:
    double, whole = Double(), chat(model="m", tools=[CHAT_TOOL], response_format=CHAT_FORM, messages=LOOP)

    statuses = {double.post(path, {**whole, name: odd}, HEADERS)[0] for name in (*whole, "reasoning", "thinking")}
    messages = [[*LOOP[:n], {**message, name: odd}] for n, message in enumerate(LOOP) for name in message]
    statuses |= {double.post(path, {**whole, "messages": sent}, HEADERS)[0] for sent in messages}

    assert statuses <= {200, 400, 404}


def test_a_rate_limit_may_stand_in_a_200() -> None:
    assert (200, {"error": {"message": "Rate limit exceeded", "code": 429}, "choices": []}) == failing(
        "openrouter", "error_in_200"
    )


def test_errors_have_their_servers_shape() -> None:
    shapes = {server: failing(server, "rate_limit")[1] for server in PATHS}

    assert "rate_limit_exceeded" == shapes["openai"]["error"]["code"]
    assert "RESOURCE_EXHAUSTED" == shapes["gemini"][0]["error"]["status"]
    assert 429 == shapes["openrouter"]["error"]["code"] == shapes["vllm"]["error"]["code"]
    assert "error" == shapes["mistral"]["object"]
    assert shapes["xai"]["error"].startswith("Rate limit")
    assert "429" == shapes["litellm"]["error"]["code"]
    assert "openai" == shapes["portkey"]["provider"]
