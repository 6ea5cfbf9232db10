"""Whatever an agent may say of a model, and a customer or a tool may say, makes a request that its provider takes."""

import json
from typing import Any

import pytest
from turnkeeper import Model, ToolContext, tool
from turnkeeper.agent import Endpoint
from turnkeeper.authoring.errors import AgentError
from turnkeeper.domain.thinking import EFFORTS

from tests.local.chains.chain import PATHS, PRICE, Double, Script, desk
from tests.local.chains.conftest import Deploy
from tests.local.chains.lineup import FAILS, check, model
from tests.local.chains.test_fallbacks import LOOP, SAID_BY

FAMILIES = [
    "openai:gpt-6-luna",
    "openai:gpt-6.1-sol",
    "openai:gpt-5.4-mini",
    "openai:gpt-5.1",
    "gemini:gemini-3-flash",
    "gemini:gemini-2.5-flash",
    "groq:openai/gpt-oss-120b",
    "xai:grok-4.5",
    "deepseek:deepseek-chat",
    "openrouter:anthropic/claude-haiku-5-5",
    "anthropic:claude-haiku-5-5",
    "anthropic:claude-sonnet-5-5",
    "anthropic:claude-opus-5",
    "anthropic:claude-opus-4-8",
    "anthropic:claude-sonnet-4-6",
    "anthropic:claude-haiku-4-5",
    "bedrock:eu.anthropic.claude-opus-5-5",
    "bedrock:global.amazon.nova-2-lite-v1:0",
    "bedrock:openai.gpt-oss-120b-1:0",
    "bedrock:global.openai.gpt-5.6-luna",
]
"""A model of each family that is told in its own way how much to think."""


def takes(name: str, effort: str) -> bool:
    """Whether an agent can be defined so."""
    try:
        Model(name, effort=effort)
    except AgentError:
        return False
    return True


@pytest.mark.parametrize(("name", "effort"), [(n, effort) for n in FAMILIES for effort in EFFORTS if takes(n, effort)])
def test_every_effort_that_a_model_may_have_is_taken(name: str, effort: str, double: Double, deploy: Deploy) -> None:
    turn = deploy(desk(Model(name, effort=effort))).says("Where are your maps?")

    check(double)
    assert ("completed", "first_attempt") == (turn["status"], turn["tier"])


LIMITS = [(name, limit) for name in SAID_BY for limit in (16, 1_200, 1_500, 30_000)]
"""A Claude with a budget of thinking needs room for it."""


@pytest.mark.parametrize(("name", "limit"), [*LIMITS, *(("anthropic:claude-haiku-4-5", n) for n in (1_366, 30_000))])
def test_every_limit_is_taken(name: str, limit: int, double: Double, deploy: Deploy) -> None:
    deploy(desk(model(name, max_output_tokens=limit))).says("Where are your maps?")

    check(double)


@pytest.mark.parametrize("name", ["gpt-5.4-mini", "gpt-6-luna"])
@pytest.mark.parametrize("endpoint", ["openai", "azure"])
def test_a_stage_may_ask_openais_models_over_chat_completions(
    endpoint: str, name: str, double: Double, deploy: Deploy, url: str
) -> None:
    double.reset(LOOP)
    stage = {f"endpoints.{endpoint}": {"url": url + PATHS[endpoint], "wire": "chat"}}
    turn = deploy(desk(Model(f"{endpoint}:{name}", effort="none")), **stage).says("Where are your maps?")

    check(double)
    assert ("completed", "first_attempt") == (turn["status"], turn["tier"])
    assert {"chat"} == {exchange.wire for exchange in double.exchanges}


OWN: dict[str, dict[str, Any]] = {
    "portkey": {"answer_limit": "max_completion_tokens", "headers": {"x-portkey-provider": "openai"}},
    "deepseek": {"schemas": "none", "passes_back": ("reasoning_content",)},
    "gemini": {"schemas": "plain", "tools_with_schema": False, "passes_back": ("extra_content",)},
    "groq": {"tools_with_schema": False},
}
"""Servers of the double, each as an endpoint of one's own would say what it is."""

_NAMES = {"portkey": "gpt-6-luna", "deepseek": "deepseek-chat", "gemini": "gemini-3-flash", "groq": "llama-4"}


@pytest.mark.parametrize("server", OWN)
def test_an_endpoint_of_ones_own_takes_its_place_in_a_chain(
    server: str, double: Double, deploy: Deploy, url: str
) -> None:
    path = {**PATHS, "portkey": "/portkey/v1"}[server]
    mine = Endpoint("mine", wire="chat", url=url + path, secret="openai-api-key", **OWN[server])
    own = Model(f"mine:{_NAMES[server]}", endpoint=mine, effort="none" if server == "portkey" else None)
    for first, second in ((own, model("openai:gpt-6-luna")), (model("anthropic:claude-haiku-5-5"), own)):
        double.reset(LOOP)
        double.after[first.name] = (1, [FAILS])
        world = deploy(desk(first, second), prices={first.id: PRICE, second.id: PRICE})

        turn = world.says("Where are your maps?")

        check(double)
        assert ("completed", second.id) == (turn["status"], turn["model"])


@pytest.mark.parametrize("says", ["\u200b", " ", "\u0000", "Hi\u0000", "Half a \ud83d", "\ud83d"])
@pytest.mark.parametrize("name", SAID_BY)
def test_what_a_customer_says_is_refused_by_us_or_taken(name: str, says: str, double: Double, deploy: Deploy) -> None:
    world = deploy(desk(model(name)))
    sent = world.request(
        "POST", "/v1/agents/desk/turns", body=json.dumps({"message": says}), headers={"Idempotency-Key": "one"}
    )
    if sent.status == 200:
        world.says("And your atlases?", conversation_id=sent.json["conversation_id"])

    check(double)
    assert (sent.status == 200) == bool(double.calls())
    assert all(call["mode"] == "ok" for call in double.calls())


@tool
def odd(context: ToolContext, query: str) -> Any:
    """Return something odd."""
    return {"half": {"a": "\ud83d", "b": "\u0000", "c": float("nan")}, "empty": "", "nothing": None}[query]


@pytest.mark.parametrize("query", ["half", "empty", "nothing"])
@pytest.mark.parametrize("name", SAID_BY)
def test_what_a_tool_returns_is_taken(name: str, query: str, double: Double, deploy: Deploy) -> None:
    double.reset(Script([[("odd", {"query": query})]]))
    turn = deploy(desk(model(name), tools=[odd])).says("Where are your maps?")

    check(double)
    assert ("completed", 2) == (turn["status"], len(double.exchanges))
