"""A model of a chain: what it may be told is checked when its agent is imported."""

from dataclasses import replace
from typing import Any

import pytest
from turnkeeper import AgentError, Endpoint, Model
from turnkeeper.authoring.presets import PRESETS

MINE = Endpoint("mine", "chat", "https://models.example/v1")


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_needs_no_definition(name: str) -> None:
    model = Model(f"{name}:some-model")

    assert (PRESETS[name], "some-model") == (model.asked_at, model.name)


def test_the_eight_of_the_documentation_are_there() -> None:
    assert {"openai", "azure", "gemini", "groq", "openrouter", "vllm", "ollama", "litellm"} <= PRESETS.keys()


@pytest.mark.parametrize(
    ("model", "effort", "message"),
    [
        ("openai:gpt-6.1-sol", "none", "effort of gpt-6.1-sol is one of low, medium, high, xhigh, max"),
        ("openai:gpt-6-luna", "minimal", "effort of gpt-6-luna is one of none, low"),
        ("openai:gpt-6-luna", "very", "is one of"),
        ("openai:gpt-4.1", "low", "gpt-4.1 cannot be told how much to think: leave effort out"),
        ("anthropic:claude-opus-5-5", "none", "effort of claude-opus-5-5 is one of low, medium"),
        ("anthropic:claude-haiku-5-5", "minimal", "is one of"),
        ("bedrock:eu.amazon.nova-2-lite-v1:0", "high", "is one of none, low, medium"),
        ("bedrock:eu.amazon.nova-lite-v1:0", "low", "cannot be told how much to think"),
        ("vllm:qwen3", "low", "cannot be told how much to think"),
        ("groq:llama-3.3", "very", "effort of llama-3.3 is one of none, minimal, low"),
        ("openai:gpt-6-luna", 3, "is one of"),
    ],
)
def test_an_effort_that_the_model_does_not_take_is_refused(model: str, effort: Any, message: str) -> None:
    with pytest.raises(AgentError) as caught:
        Model(model, effort=effort)

    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("model", "limit", "message"),
    [
        ("openai:gpt-6-luna", 15, "max_output_tokens is a whole number, at least 16"),
        ("openai:gpt-6-luna", "800", "max_output_tokens is a whole number, at least 16"),
        ("openai:gpt-6-luna", True, "max_output_tokens is a whole number, at least 16"),
        ("openai:gpt-6-luna", 128_001, "max_output_tokens of gpt-6-luna is at most 128000"),
        ("anthropic:claude-haiku-4-5", 64_001, "max_output_tokens of claude-haiku-4-5 is at most 64000"),
    ],
)
def test_a_limit_that_the_model_does_not_take_is_refused(model: str, limit: Any, message: str) -> None:
    with pytest.raises(AgentError, match=message):
        Model(model, max_output_tokens=limit)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"max_tokens": 3}, "options cannot set max_tokens"),
        ({"tools": [], "store": True}, "options cannot set store, tools"),
        ({"reasoning": {"effort": "low"}}, "options cannot set reasoning"),
        ({"stream": True}, "options cannot set stream"),
        ({"x": {1}}, "options are JSON by name"),
        ({"x": float("nan")}, "options are JSON by name"),
        ({3: "x"}, "options are JSON by name"),
        ("flex", "options are JSON by name"),
        ({"temperature": 0.2}, "takes no temperature and the like while it thinks"),
        ({"tool_choice": "required"}, "options cannot set tool_choice"),
        ({"service_tier": "auto"}, "service_tier auto may cost anything: name the tier"),
        ({"brand_new": 1}, "options cannot set brand_new"),
    ],
)
def test_options_that_cannot_be_sent_are_refused(options: Any, message: str) -> None:
    with pytest.raises(AgentError, match=message):
        Model("openai:gpt-6-luna", options=options)


@pytest.mark.parametrize(
    "model",
    [
        Model("openai:gpt-6-luna", effort="none", options={"temperature": 0.2}),
        Model("openai:gpt-4.1", options={"top_p": 0.9}),
        Model("anthropic:claude-haiku-4-5", options={"temperature": 0}),
        Model("groq:llama-3.3", options={"temperature": 0}),
    ],
    ids=lambda model: model.id,
)
def test_a_temperature_may_be_set_where_a_model_does_not_think(model: Model) -> None:
    assert model.options


@pytest.mark.parametrize("model", ["anthropic:claude-sonnet-4-7", "anthropic:claude-haiku-5-5", "openai:gpt-5"])
def test_models_that_take_no_temperature_at_all_take_none(model: str) -> None:
    with pytest.raises(AgentError, match="takes no temperature"):
        Model(model, options={"temperature": 0.2})


@pytest.mark.parametrize(
    ("model", "tokens"),
    [
        (Model("openai:gpt-6-luna"), 800 + 8_192),
        (Model("openai:gpt-6-luna", effort="low"), 800 + 2_048),
        (Model("openai:gpt-6-luna", effort="none"), 800),
        (Model("openai:gpt-5.4-mini"), 800),
        (Model("anthropic:claude-sonnet-5-5"), 800 + 16_384),
        (Model("groq:llama-3.3"), 800 + 2_048),
        (Model("groq:llama-3.3", effort="high"), 800 + 16_384),
        (Model("openai:gpt-6-luna", max_output_tokens=5_000), 5_000),
    ],
    ids=lambda value: str(getattr(value, "id", value)),
)
def test_an_answer_has_its_own_room_beside_the_thinking(model: Model, tokens: int) -> None:
    assert tokens == model.output_tokens(800)


def test_no_limit_is_smaller_than_what_an_api_takes_or_larger_than_what_the_model_writes() -> None:
    assert 16 == Model("openai:gpt-5.4-mini").output_tokens(1)
    assert 128_000 == Model("openai:gpt-6-luna", effort="max").output_tokens(60_000, times=4)


@pytest.mark.parametrize(
    ("given", "tier"),
    [({}, ""), ({"service_tier": "flex"}, "flex"), ({"serviceTier": {"type": "priority"}}, "priority")],
)
def test_the_service_tier_is_read_out_of_the_options(given: dict[str, Any], tier: str) -> None:
    assert tier == Model("groq:llama-3.3", options=given).service_tier


@pytest.mark.parametrize(
    ("traits", "message"),
    [
        ({"headers": {"bad name": "x"}}, "headers are text by name"),
        ({"headers": {"x": "a\r\nb: c"}}, "headers are text by name"),
        ({"headers": {"x": 3}}, "headers are text by name"),
        ({"answer_limit": "limit"}, "answer_limit is one of max_tokens, max_completion_tokens"),
        ({"schemas": "loose"}, "schemas is one of strict, plain, none"),
        ({"effort": "thinking"}, "effort is reasoning_effort, reasoning or empty"),
        ({"passes_back": ("content",)}, "passes_back holds some of"),
    ],
)
def test_what_an_endpoint_cannot_be_is_refused(traits: dict[str, Any], message: str) -> None:
    with pytest.raises(AgentError, match=message):
        replace(MINE, **traits)


def test_openai_is_the_older_name_of_chat() -> None:
    assert MINE == Endpoint("mine", "openai", "https://models.example/v1")


@pytest.mark.parametrize("host", ["api.openai.com", "eu.api.openai.com"])
def test_openais_own_hosts_are_asked_over_responses(host: str) -> None:
    assert "responses" == Endpoint("mine", "chat", f"https://{host}/v1").wire
    assert "chat" == Endpoint("mine", "chat", f"https://{host}.example/v1").wire


def test_endpoints_with_headers_are_values() -> None:
    assert 1 == len({replace(MINE, headers={"x": "1"}), replace(MINE, headers={"x": "1"})})


@pytest.mark.parametrize(
    ("model", "options"),
    [
        ("anthropic:claude-sonnet-5-5", {"tool_choice": {"type": "any"}}),
        ("anthropic:claude-haiku-5-5", {"speed": "fast"}),
        ("bedrock:eu.amazon.nova-2-lite-v1:0", {"toolConfig": {}}),
        ("openrouter:openai/gpt-6-luna", {"models": ["openai/gpt-6-sol"]}),
        ("groq:x", {"web_search_options": {}}),
    ],
)
def test_options_that_change_the_model_the_tools_or_the_price_are_refused(model: str, options: Any) -> None:
    with pytest.raises(AgentError, match=f"options cannot set {next(iter(options))}"):
        Model(model, options=options)


def test_servers_of_chat_completions_have_options_of_their_own() -> None:
    own = {"provider": {"order": ["groq"]}, "chat_template_kwargs": {"enable_thinking": False}, "seed": 3}

    assert own == Model("openrouter:qwen/qwen3-32b", options=own).options


def test_a_deployment_is_like_the_model_that_it_is() -> None:
    deployed = Model("azure:our-chat", like="gpt-6-luna")

    assert (800 + 8_192, "our-chat", "gpt-6-luna") == (deployed.output_tokens(800), deployed.name, deployed.known_as)
    with pytest.raises(AgentError, match="effort of our-chat is one of"):
        Model("azure:our-chat", like="gpt-6-luna", effort="minimal")


def test_a_budget_that_leaves_no_room_is_refused() -> None:
    with pytest.raises(AgentError, match="leaves no room to think"):
        Model("anthropic:claude-haiku-4-5", effort="low", max_output_tokens=1_300)


def test_a_setting_that_nobody_uses_changes_no_version() -> None:
    assert "openai:gpt-6-luna/8000" == Model("openai:gpt-6-luna").settings
    assert 'openai:gpt-6-luna/8000{"effort": "low"}' == Model("openai:gpt-6-luna", effort="low").settings
