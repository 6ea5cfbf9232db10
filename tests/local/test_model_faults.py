"""Every way in which the models can be made to fail, as the project's own clients see it."""

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
from turnkeeper.domain.chat import Finish, ModelReply
from turnkeeper.domain.failures import Failure
from turnkeeper.domain.text import is_blank
from turnkeeper.errors import DependencyError

from infra.local.model_provider.modes import MODES
from tests.local.chats import MODELS, client
from tests.local.test_protocols import BODIES, SCHEMA, post, request

SHORT_S = 0.3
FAILS = {
    "error": Failure.SERVER_ERROR,
    "unavailable": Failure.SERVER_ERROR,
    "rate_limit": Failure.RATE_LIMITED,
    "no_credit": Failure.NO_CREDIT,
    "bad_key": Failure.BAD_KEY,
    "bad_request": Failure.BAD_REQUEST,
    "hang": Failure.TIMEOUT,
    "drip": Failure.TIMEOUT,
    "slow": Failure.TIMEOUT,
    "reset": Failure.CONNECTION,
    "garbage": Failure.GARBAGE,
    "empty": Failure.EMPTY,
    "model_gone": Failure.MODEL_GONE,
    "error_in_200": Failure.RATE_LIMITED,
}
ANSWERS = {"prose", "invalid", "refusal", "low_confidence", "no_usage", "absurd_usage"}
ODD_ANSWERS = {"truncated", "blank", "other_model", "filter"}


def fault(http: httpx.Client, url: str, *rules: dict[str, Any]) -> None:
    answer = http.put(f"{url}/_faults", json=rules)
    assert answer.status_code == 200, answer.text


def ask(provider: str, url: str) -> ModelReply:
    return client(provider, url).complete(request(provider, schema=SCHEMA), timeout_s=SHORT_S)


def test_every_mode_is_tried_here() -> None:
    assert {*FAILS, *ANSWERS, *ODD_ANSWERS} == MODES


@pytest.mark.parametrize("mode", FAILS)
@pytest.mark.parametrize("provider", MODELS)
def test_a_failure_is_understood(provider: str, mode: str, provider_url: str, http: httpx.Client) -> None:
    fault(http, provider_url, {"model": MODELS[provider], "mode": mode, "seconds": 60})

    with pytest.raises(DependencyError) as caught:
        ask(provider, provider_url)

    assert caught.value.failure is FAILS[mode]
    assert http.get(f"{provider_url}/_calls").json()[0]["mode"] == mode


@pytest.mark.parametrize("provider", MODELS)
def test_wrong_answers_arrive_as_answers(provider: str, provider_url: str, http: httpx.Client) -> None:
    modes = ["prose", "invalid", "refusal", "low_confidence", "no_usage", "absurd_usage"]
    fault(http, provider_url, *({"model": "*", "mode": mode, "times": 1} for mode in modes))

    prose, invalid, refusal, low, untold, absurd = (ask(provider, provider_url) for _ in modes)

    with pytest.raises(ValueError, match="Expecting value"):
        json.loads(prose.text)
    assert json.loads(invalid.text).keys().isdisjoint(SCHEMA["required"])
    assert refusal.finish in (Finish.REFUSAL, Finish.CONTENT_FILTER)
    assert json.loads(low.text)["confidence"] == 0.40
    assert (untold.usage, absurd.usage) == (None, None)


@pytest.mark.parametrize("provider", MODELS)
def test_odd_answers_arrive_as_what_they_are(provider: str, provider_url: str, http: httpx.Client) -> None:
    modes = ["truncated", "blank", "other_model", "filter"]
    fault(http, provider_url, *({"model": "*", "mode": mode, "times": 1} for mode in modes))

    truncated, blank, other, filtered = (ask(provider, provider_url) for _ in modes)

    assert ("", Finish.LENGTH) == (truncated.text, truncated.finish)
    assert is_blank(json.loads(blank.text)["reply"])
    assert provider == "bedrock" or (other.model and other.model != MODELS[provider])
    assert filtered.finish in (Finish.REFUSAL, Finish.CONTENT_FILTER)


@pytest.mark.parametrize(
    ("provider", "mode", "status", "kind"),
    [
        ("chat", "rate_limit", 429, "requests"),
        ("chat", "no_credit", 402, "insufficient_quota"),
        ("anthropic", "unavailable", 503, "overloaded_error"),
        ("anthropic", "bad_key", 401, "authentication_error"),
        ("anthropic", "no_credit", 402, "billing_error"),
        ("bedrock", "rate_limit", 429, "ThrottlingException"),
        ("bedrock", "error", 500, "InternalServerException"),
    ],
)
def test_an_error_has_its_protocols_shape(
    provider: str, mode: str, status: int, kind: str, provider_url: str, http: httpx.Client
) -> None:
    fault(http, provider_url, {"model": "*", "mode": mode})

    answer = post(http, provider_url, provider, BODIES[provider])

    told = answer.headers["x-amzn-errortype"] if provider == "bedrock" else answer.json()["error"]["type"]
    assert (answer.status_code, told) == (status, kind)
    assert ("retry-after" in answer.headers) == (mode == "rate_limit")


def test_slow_answers_in_the_end(provider_url: str, http: httpx.Client) -> None:
    fault(http, provider_url, {"model": "*", "mode": "slow", "seconds": 0.05})

    answer = post(http, provider_url, "chat", BODIES["chat"])

    assert answer.elapsed.total_seconds() >= 0.05
    assert answer.json()["choices"]


def test_a_low_confidence_waits_for_an_answer(provider_url: str, http: httpx.Client) -> None:
    fault(http, provider_url, {"model": "*", "mode": "low_confidence", "times": 1})
    tool = {"type": "function", "function": {"name": "find", "parameters": {"required": ["query"]}}}

    post(http, provider_url, "chat", {**BODIES["chat"], "tools": [tool]})

    assert http.get(f"{provider_url}/_faults").json()[0]["times"] == 1


def test_an_error_costs_nothing(provider_url: str, http: httpx.Client) -> None:
    fault(http, provider_url, {"model": "*", "mode": "error"})

    post(http, provider_url, "chat", BODIES["chat"])

    (call,) = http.get(f"{provider_url}/_calls").json()
    assert (call["tokens_in"], call["tokens_out"]) == (0, 0)


def test_other_models_answer_while_one_hangs(provider_url: str, http: httpx.Client) -> None:
    fault(http, provider_url, {"model": "gpt-*", "mode": "hang"})
    with ThreadPoolExecutor() as threads:
        hung = threads.submit(ask, "chat", provider_url)

        assert ask("anthropic", provider_url).finish is Finish.STOP
        assert isinstance(hung.exception(), DependencyError)
