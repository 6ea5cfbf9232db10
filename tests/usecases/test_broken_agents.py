"""An agent that cannot be loaded is refused before anything is written, its owner hears of it, and others go on."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from turnkeeper.adapters import agents
from turnkeeper.adapters.memory import MemoryTable
from turnkeeper.agent import Agent
from turnkeeper.domain.tier import Tier
from turnkeeper.errors import BrokenAgent

from tests.support.agents import BROKEN, GOOD, deployed, fault, forget
from tests.support.world import World, operator, paint


class Deployed(World):
    """A deployment whose agents are the files of a package."""

    def agent(self, name: str) -> Agent[Any]:
        """Import an agent."""
        return agents.agent(name)


@pytest.fixture
def package(tmp_path: Path) -> Iterator[Path]:
    """A package with one good agent and every kind of broken one."""
    with deployed(tmp_path) as written:
        yield written


@pytest.fixture
def world(package: Path) -> World:
    """A deployment of that package."""
    world = Deployed()
    world.agents = dict.fromkeys(agents.agent_names(), paint())  # their names are what is listed
    world.telemetry.expected = BrokenAgent
    return world


def _items(world: World) -> dict[Any, Any]:
    """Everything in the table."""
    assert isinstance(world.table, MemoryTable)
    return dict(world.table._items)


def test_health_names_every_broken_agent_and_shows_the_breakers_of_the_others(world: World) -> None:
    answer = world.get("/v1/health", operator())
    dependencies = {b["dependency"] for b in answer.json["breakers"]}

    assert 200 == answer.status
    assert [{"agent": name, "fault": fault(name)} for name in sorted(BROKEN)] == answer.json["broken_agents"]
    assert {"openai:first", "openai:third"} == {name for name in dependencies if not name.startswith("notify:")}


def test_health_says_that_no_agent_is_broken() -> None:
    assert [] == World().get("/v1/health", operator()).json["broken_agents"]


@pytest.mark.parametrize("name", BROKEN)
def test_a_turn_for_a_broken_agent_is_refused_and_leaves_nothing(world: World, name: str) -> None:
    answer = world.send(agent=name)

    assert (500, "internal") == (answer.status, answer.code)
    assert f"the agent {name!r} cannot be loaded" == answer.json["detail"]
    assert ([], []) == (world.models.calls, list(_items(world)))
    assert 0 == world.spent().committed_micro_usd


def test_its_owner_is_warned_with_the_place_of_the_fault_and_the_fault_is_logged(world: World) -> None:
    world.send(agent="no_module")
    told = f"the agent 'no_module' cannot be loaded: {fault('no_module')}"

    assert [(told, {"agent": "no_module", "error": "ModuleNotFoundError"})] == world.telemetry.warnings
    assert [("OwnerWarning", 1, {})] == world.telemetry.counts
    assert ["a request failed"] == world.telemetry.faults


def test_the_key_of_a_refused_turn_works_once_the_agent_is_mended(world: World, package: Path) -> None:
    refused = world.send(agent="no_module", key="k")
    (package / "no_module.py").write_text(GOOD.replace('"good"', '"no_module"'))

    assert (500, 200) == (refused.status, world.send(agent="no_module", key="k").status)


def test_other_agents_are_served_as_ever(world: World) -> None:
    for name in BROKEN:
        world.send(agent=name)

    assert "completed" == world.send(agent="good").json["status"]


def test_spending_is_shown_but_not_under_the_limits_of_a_broken_agent(world: World) -> None:
    path = "/v1/customers/carla/spend"

    assert (200, 200, 500) == (
        world.get(path).status,
        world.get(path, agent="good").status,
        world.get(path, agent="ends").status,
    )


# --- an agent that breaks while its turns are escalated ---------------------------------------------------------------


@pytest.fixture
def waiting(world: World, package: Path) -> str:
    """A turn that waits for a person, of an agent that was broken since."""
    turn = world.awaiting(agent="good")
    (package / "good.py").write_text("import no_such_package\n")
    forget()
    return turn


def test_a_person_sees_an_escalation_of_a_broken_agent_and_answers_it_in_words(world: World, waiting: str) -> None:
    shown = world.get(f"/v1/escalations/{waiting}", operator())
    version = world.claim(waiting)
    path = f"/v1/escalations/{waiting}/answer"
    refused = world.post(path, {"version": version, "reply": "Red.", "output": {"colour": "red"}}, operator())
    answered = world.post(path, {"version": version, "reply": "Red."}, operator())

    assert (200, "Which colour?", {}) == (shown.status, shown.json["message"], shown.json["output_schema"])
    assert (400, "invalid-output") == (refused.status, refused.code)
    assert (200, "completed") == (answered.status, answered.json["status"])


def test_a_tier_of_a_broken_agent_fails_before_it_writes_anything(world: World, package: Path) -> None:
    world.fail_all()
    turn = world.send(agent="good").json["turn_id"]
    (package / "good.py").write_text("import no_such_package\n")
    forget()
    before = _items(world)

    with pytest.raises(BrokenAgent):
        world.tier(turn, Tier.CORRECTED_RETRY)

    assert before == _items(world)
    assert "OwnerWarning" in {name for name, _, _ in world.telemetry.counts}
