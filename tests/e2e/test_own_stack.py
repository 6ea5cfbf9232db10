"""A stack of an owner's own: an agent is written from docs/agents.md and deployed, then deployed again with changes.

One file is added to the project, and nothing changed. What is deployed again is in force: `live` of every function
moves where something changed, and else of none.
"""

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.e2e.cloud import Cloud
from tests.e2e.own_stack import AGENT, OwnStack, copy_of_the_project

pytestmark = [pytest.mark.cloud, pytest.mark.slow]

IN_LAMBDA = """
import json, sys
sys.path[:0] = sys.argv[1:]
import agents
from pathlib import Path
from turnkeeper.adapters.agents import agent, agent_names
prices = json.loads((Path(agents.__path__[0]) / "prices.json").read_text())
models = [model.id for model in agent("parcels").models]
print(json.dumps({"agents": agent_names(), "unpriced": [m for m in models if m not in prices], "models": len(models)}))
"""
"""What a function does with the layers, in an interpreter that has nothing but them."""


@pytest.fixture(scope="module")
def own_project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a copy of the project, with the agent of docs/agents.md."""
    return copy_of_the_project(tmp_path_factory.mktemp("project"))


@pytest.fixture(scope="module")
def own_stack(running_cloud: Cloud, own_project: Path) -> Iterator[OwnStack]:
    """Yield a second stack on the local cloud, deployed from that copy."""
    stack = OwnStack.of(running_cloud, own_project)
    yield stack
    stack.remove()


@pytest.mark.usefixtures("own_stack")
def test_it_is_imported_from_the_built_layers_and_its_models_have_prices(own_project: Path) -> None:
    layers = [str(own_project / ".local/build" / layer / "python") for layer in ("CoreLayer", "AgentsLayer")]
    alone = [sys.executable, "-I", "-S", "-c", IN_LAMBDA, *layers]
    found = json.loads(subprocess.run(alone, capture_output=True, text=True, check=True).stdout)

    assert {"agents": ["booking", "parcels", "support", "triage"], "unpriced": [], "models": 3} == found


def test_it_answers_a_turn_of_the_deployed_api(own_stack: OwnStack) -> None:
    asked = {"message": "Where is my order A-1001?", "customer_id": "carla"}
    answer = own_stack.post("/v1/agents/parcels/turns", asked)
    turn = answer.json()

    assert (200, "completed", "first_attempt") == (answer.status_code, turn["status"], turn["tier"])
    assert "A-1001" == turn["output"]["order_id"]


# --- deployed again -------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Served:
    """What `live` says: the versions, what a customer may spend in a day, and what they may with the agent."""

    versions: dict[str, str]
    day_usd: str
    agent_day_usd: str

    @classmethod
    def by(cls, stack: OwnStack) -> "Served":
        """Ask the API."""
        spend = "/v1/customers/carla/spend"
        days = [stack.get(path).json()["limit_usd"] for path in (spend, f"{spend}?agent=parcels")]
        return cls(stack.live(), *days)

    def moved_since(self, before: "Served") -> set[int]:
        """By how many versions each function moved."""
        assert self.versions.keys() == before.versions.keys()
        return {int(self.versions[name]) - int(before.versions[name]) for name in self.versions}


@pytest.fixture(scope="module")
def history(own_stack: OwnStack) -> list[Served]:
    """What was served at first, after another parameter and another limit, after another agent, after no change."""
    seen = [Served.by(own_stack)]
    own_stack.stage('[limits]\ncustomer_day_usd = "7.00"\n')
    own_stack.deploy("LogLevel=DEBUG")
    seen.append(Served.by(own_stack))
    file, name = own_stack.project / AGENT, '    name="parcels",\n'
    file.write_text(file.read_text().replace(name, f'{name}    customer_day_limit_usd="3.00",\n'))
    own_stack.deploy()
    seen.append(Served.by(own_stack))
    own_stack.deploy()
    seen.append(Served.by(own_stack))
    return seen


def test_the_first_deployment_serves_the_first_version_of_every_function(history: list[Served]) -> None:
    assert (12, {"1"}) == (len(history[0].versions), set(history[0].versions.values()))
    assert ("5.000000", "5.000000") == (history[0].day_usd, history[0].agent_day_usd)


def test_another_value_of_a_parameter_and_of_the_stages_file_is_served_by_every_function(history: list[Served]) -> None:
    assert {1} == history[1].moved_since(history[0])
    assert ("7.000000", "7.000000") == (history[1].day_usd, history[1].agent_day_usd)


def test_another_agent_is_served_by_every_function_and_the_parameters_stay(history: list[Served]) -> None:
    assert {1} == history[2].moved_since(history[1])
    assert ("7.000000", "3.000000") == (history[2].day_usd, history[2].agent_day_usd)


def test_where_nothing_changed_nothing_is_published(history: list[Served]) -> None:
    assert history[2] == history[3]
