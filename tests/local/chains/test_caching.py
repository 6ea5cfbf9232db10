"""What a provider keeps in its cache is read again: by the next step, the next turn, and the next customer."""

from dataclasses import replace
from typing import Any

import pytest
from turnkeeper import Agent, Model

from infra.local.model_provider.prompt_cache import BYTES_PER_TOKEN
from infra.local.tools_service.app import ToolsService
from tests.local.chains.chain import PRICE, Deployment, Double, Json
from tests.local.chains.conftest import Deploy
from tests.local.chains.shipped import AGENTS, TALKS, asking
from tests.support.world import customer

LEAST = {
    "openai:gpt-6-luna": 1_024,
    "azure:gpt-6-sol": 1_024,
    "openrouter:openai/gpt-6-sol": 1_024,
    "gemini:gemini-3-flash": 1_024,
    "anthropic:claude-haiku-5-5": 512,
    "anthropic:claude-opus-5-5": 512,
    "anthropic:claude-haiku-4-5": 4_096,
    "bedrock:global.anthropic.claude-haiku-5-5": 512,
    "bedrock:global.anthropic.claude-haiku-4-5-20251001-v1:0": 4_096,
    "bedrock:global.amazon.nova-2-lite-v1:0": 1_000,
}
"""The least tokens that each keeps. Sources: infra/local/model_provider/rules."""

TOO_SHORT = [
    name for name, least in LEAST.items() if least > 1_024 or name.startswith(("openai", "azure", "openrouter"))
]
"""Where `booking`, as it is shipped, is below that.

Its requests have about 900 tokens in common (tools, schema, instructions), and 1,000 where the schema is written into
the instructions, as on Nova and at Gemini.
"""

SAYS = TALKS["booking"].says
MINUTES = 60


def padded(name: str) -> Agent[Any]:
    """`booking`, with instructions that are long enough for the cache of a model."""
    agent = asking(AGENTS["booking"], Model(name, effort="low"))
    more = "." * (BYTES_PER_TOKEN * LEAST[name]) if name in TOO_SHORT else ""
    return replace(agent, instructions=agent.instructions + more)


def talk(world: Deployment, who: str) -> None:
    """Have a conversation of two turns, with minutes between them."""
    first = world.says(SAYS[0], who=customer(who))
    world.later(3 * MINUTES)
    last = world.says(SAYS[1], who=customer(who), conversation_id=first["conversation_id"])
    assert "completed" == last["status"]


def cost(call: Json) -> float:
    """What a call would cost without a cache, in micro-dollars."""
    return float(call["tokens_in"]) * float(PRICE["input"]) + float(call["tokens_out"]) * float(PRICE["output"])


@pytest.mark.parametrize("name", LEAST)
def test_steps_turns_and_customers_read_what_they_have_in_common(name: str, double: Double, deploy: Deploy) -> None:
    world = deploy(padded(name), tools=ToolsService([]))

    talk(world, "ann")
    world.later(MINUTES)
    talk(world, "bob")

    calls = double.calls()
    steps = [call["cache_read"] / call["tokens_in"] for call in calls]
    assert 10 == len(calls)
    assert 0 == steps[0]
    assert min(steps[1:]) > 0.6
    assert sum(map(cost, calls)) > sum(world.spent(who).posted_micro_usd for who in ("ann", "bob"))


@pytest.mark.parametrize("name", LEAST)
def test_the_agent_as_it_is_shipped_is_long_enough_for_some(name: str, double: Double, deploy: Deploy) -> None:
    world = deploy(asking(AGENTS["booking"], Model(name, effort="low")), tools=ToolsService([]))

    world.says(SAYS[0], who=customer("ann"))
    world.later(3 * MINUTES)
    world.says(SAYS[0], who=customer("bob"))

    *_, first_of_bob, _ = double.calls()
    assert (name not in TOO_SHORT) == (first_of_bob["cache_read"] >= LEAST[name])
