"""Every agent's fixtures, with no network: a new agent is found by itself."""

from typing import Any

import pytest
from turnkeeper import Agent, Fixture
from turnkeeper.adapters.agents import agent, agent_names
from turnkeeper.export_prices import price_of
from turnkeeper.testing import play

AGENTS = [agent(name) for name in agent_names()]
FIXTURES = [pytest.param(a, f, id=f"{a.name}: {f}") for a in AGENTS for f in a.fixtures]


@pytest.mark.parametrize(("agent", "fixture"), FIXTURES)
def test_the_turn_ends_as_the_fixture_says(agent: Agent[Any], fixture: Fixture) -> None:
    play(agent, fixture)


@pytest.mark.parametrize("agent", AGENTS, ids=lambda a: a.name)
def test_every_agent_has_fixtures_and_models_with_a_price(agent: Agent[Any]) -> None:
    assert agent.fixtures
    assert all(price_of(model) for model in agent.models)


def test_the_three_agents_that_come_with_turnkeeper_are_there() -> None:
    assert {"booking", "support", "triage"} <= set(agent_names())
