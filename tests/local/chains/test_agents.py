"""Every shipped agent, and a written one, over every wire: thinking, tools, and structured output in one request."""

from typing import Any

import pytest
from turnkeeper import Model

from infra.local.tools_service.app import ToolsService
from tests.local.chains.chain import Double, thoughts
from tests.local.chains.conftest import Deploy
from tests.local.chains.lineup import check
from tests.local.chains.shipped import AGENTS, TALKS, asking

LOW_AND_MEDIUM = [
    "openai:gpt-6-luna",
    "gemini:gemini-3-flash",
    "anthropic:claude-haiku-5-5",
    "anthropic:claude-haiku-4-5",
    "bedrock:global.anthropic.claude-haiku-5-5",
    "bedrock:global.amazon.nova-2-lite-v1:0",
    "bedrock:openai.gpt-oss-120b-1:0",
]
LOW = [
    "azure:gpt-6-sol",
    "groq:openai/gpt-oss-120b",
    "openrouter:openai/gpt-6-sol",
    "deepseek:deepseek-chat",
    "xai:grok-4.5",
    "litellm:gpt-5.6-luna",
    "anthropic:claude-sonnet-5-5",
    "bedrock:global.anthropic.claude-haiku-4-5-20251001-v1:0",
    "bedrock:global.openai.gpt-6-luna",
]
OTHERS = ["mistral:mistral-large-latest", "together:openai/gpt-oss-20b", "vllm:qwen3-32b", "ollama:gemma4"]
"""Servers whose models are not told how much to think."""

CASES = [
    *((name, {"effort": "low"}) for name in (*LOW_AND_MEDIUM, *LOW)),
    *((name, {"effort": "medium"}) for name in LOW_AND_MEDIUM),
    *((name, dict[str, Any]()) for name in OTHERS),
]


@pytest.mark.parametrize("agent", AGENTS)
@pytest.mark.parametrize(("name", "how"), CASES, ids=[f"{n}-{how.get('effort')}" for n, how in CASES])
def test_a_conversation_comes_to_its_end(
    agent: str, name: str, how: dict[str, Any], double: Double, deploy: Deploy
) -> None:
    talk, body = TALKS[agent], dict[str, Any]()
    tools = ToolsService([])
    world = deploy(asking(AGENTS[agent], Model(name, **how)), tools=tools)

    for says in talk.says:
        turn = world.says(says, **body)
        assert ("completed", "first_attempt") == (turn["status"], turn["tier"]), turn
        body = {"conversation_id": turn["conversation_id"]}

    check(double)
    assert talk.output.items() <= turn["output"].items()
    assert len(talk.says) + talk.calls == len(double.exchanges)
    assert bool(how) == any(call["thinking"] for call in double.calls())


def test_thoughts_go_back_within_a_turn(double: Double, deploy: Deploy) -> None:
    for name in ("openai:gpt-6-luna", "gemini:gemini-3-flash", "deepseek:deepseek-chat", "anthropic:claude-haiku-5-5"):
        double.reset()
        deploy(asking(AGENTS["order_desk"], Model(name, effort="low"))).says(TALKS["order_desk"].says[0])
        called, answered = double.exchanges

        assert set() < thoughts(called.answer) <= thoughts(answered.body), name
