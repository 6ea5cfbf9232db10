"""An agent written from docs/agents.md alone is built, deployed and answers: one file is added, and nothing changed."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.own_stack import OwnStack

pytestmark = pytest.mark.cloud

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
