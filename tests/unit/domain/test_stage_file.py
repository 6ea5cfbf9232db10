"""The shape of a stage's file: what it may say, and what is told about what it may not."""

import json
from typing import Any

import pytest
from turnkeeper.domain.rate_limit import ModelRate, RateLimit
from turnkeeper.domain.stage import EndpointSettings, StageSettings
from turnkeeper.domain.stage_file import WrongSettings, settings_from_json


def read(**data: Any) -> StageSettings:
    return settings_from_json(json.dumps(data))


def mistakes(**data: Any) -> list[str]:
    with pytest.raises(WrongSettings) as caught:
        read(**data)
    return [str(mistake) for mistake in caught.value.mistakes]


def test_an_empty_file_has_the_defaults() -> None:
    assert StageSettings() == read()


@pytest.mark.parametrize("amount", ["0.25", 0.25])
def test_dollars_are_text_or_a_number(amount: object) -> None:
    assert 250_000 == read(limits={"task_usd": amount}).limits.task_micro_usd


def test_every_section_is_read() -> None:
    found = read(
        limits={"customer_day_usd": "7", "tenant_day_usd": 200},
        turns={"per_minute": 5, "burst": 2},
        prices={"openai:x": {"input": "0.40", "output": "1.60"}},
        rates={"openai:*": {"requests": 500}},
        endpoints={"openai": {"url": "https://openrouter.ai/api/v1/", "secret": "ssm:/team/key"}},
        dependencies={"orders": {"url": "https://orders.example.com"}},
        agents={"booking": {"first": ["openai:x"]}},
        hosts={"private": ["Orders.Internal"], "callbacks": {"*": ["hooks.example.com"]}},
    )

    assert (500_000, 7_000_000, 200_000_000) == (
        found.limits.task_micro_usd,
        found.limits.customer_day_micro_usd,
        found.limits.tenant_day_micro_usd,
    )
    assert (RateLimit(5, 2), {"openai:*": ModelRate(requests=500)}) == (found.rate, found.model_rates)
    assert {"openai": EndpointSettings("https://openrouter.ai/api/v1", "ssm:/team/key")} == found.endpoints
    assert {"orders": "https://orders.example.com"} == found.dependency_urls
    assert ({"booking": ("openai:x",)}, ("orders.internal",)) == (found.first, found.private_hosts)
    assert found.callback_hosts.refusal("acme", "https://hooks.example.com/x") is None
    assert "1.60" == str(found.prices["openai:x"].output.base)


@pytest.mark.parametrize(
    ("data", "mistake"),
    [
        (
            {"limits": {"taks_usd": 1}},
            "limits.taks_usd: there is no such setting; there are: task_usd, ",
        ),
        ({"limit": {}}, "limit: there is no such setting; there are: limits, turns"),
        ({"limits": {"task_usd": "x"}}, "limits.task_usd: not an amount of dollars: 'x'"),
        ({"limits": {"task_usd": True}}, "limits.task_usd: is no amount of dollars"),
        ({"limits": {"task_usd": "1000000"}}, "limits.task_usd: is more than 999999 dollars"),
        ({"limits": {"task_usd": "-1"}}, "limits.task_usd: not an amount of dollars"),
        ({"limits": 3}, "limits: should be a table"),
        ({"turns": {"burst": 0}}, "turns.burst: should be greater than or equal to 1; write it like burst = 20"),
        ({"turns": {"burst": "5"}}, "turns.burst: should be a valid integer"),
        ({"turns": {"burst": 10**10}}, "turns.burst: should be less than or equal to"),
        ({"prices": {"my-model": {"input": "1", "output": "1"}}}, "prices.my-model: is no model: write provider:name"),
        ({"prices": {"a:b": {"input": "1"}}}, "prices.a:b: is no price in dollars per million tokens; write it like"),
        ({"rates": {"a:b": {}}}, "rates.a:b: give requests, tokens or both"),
        ({"endpoints": {"openai": {"url": "ftp://x"}}}, "endpoints.openai.url: is no base URL"),
        ({"endpoints": {"openai": {"url": "https://me:secret@x"}}}, "endpoints.openai.url: is no base URL"),
        ({"endpoints": {"openai": {"url": "http://models.example"}}}, "endpoints.openai.url: is not https: a key goes"),
        ({"endpoints": {"openai": {"url": "HTTP://models.example"}}}, "endpoints.openai.url: is not https: a key goes"),
        ({"endpoints": {"openai": {"secret": "a b"}}}, "endpoints.openai.secret: "),
        (
            {"endpoints": {"openai": {"secret": "arn:aws:x"}}},
            "endpoints.openai.secret: is no name of a secret",
        ),
        (
            {"dependencies": {"orders": {"uri": "x"}}},
            "dependencies.orders.uri: there is no such setting; there are: url",
        ),
        ({"hosts": {"private": ["http://x"]}}, "hosts.private.0: is no host"),
        ({"hosts": {"callbacks": {"*": "x"}}}, "hosts.callbacks.*: should be a valid array"),
        ({"agents": {"b": {"first": ["x"]}}}, "agents.b.first.0: is no model"),
    ],
)
def test_a_mistake_names_its_place_and_says_what_to_write(data: dict[str, Any], mistake: str) -> None:
    (found, *_) = mistakes(**data)

    assert found.startswith(mistake)


def test_every_mistake_is_told() -> None:
    assert 2 == len(mistakes(limits={"task_usd": "x"}, turns={"burst": 0}))


@pytest.mark.parametrize("text", ["", "[]", "nonsense", "null"])
def test_what_is_no_table_at_all_is_refused(text: str) -> None:
    with pytest.raises(WrongSettings):
        settings_from_json(text)


@pytest.mark.parametrize(("endpoint", "wire"), [("openai", "anthropic"), ("anthropic", "chat"), ("bedrock", "chat")])
def test_a_providers_endpoint_keeps_to_its_wires(endpoint: str, wire: str) -> None:
    with pytest.raises(WrongSettings, match=f"endpoints.{endpoint}.wire: of {endpoint} is"):
        settings_from_json(json.dumps({"endpoints": {endpoint: {"wire": wire}}}))


def test_a_wire_that_nobody_speaks_is_refused() -> None:
    with pytest.raises(WrongSettings, match="is no wire: there are responses, chat, anthropic, bedrock"):
        settings_from_json(json.dumps({"endpoints": {"groq": {"wire": "grpc"}}}))


def test_a_stage_may_ask_openais_endpoint_over_chat_completions() -> None:
    found = settings_from_json(json.dumps({"endpoints": {"openai": {"wire": "chat"}}}))

    assert EndpointSettings(wire="chat") == found.endpoints["openai"]
