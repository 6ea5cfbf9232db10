"""An agent written from docs/agents.md alone is built, deployed and answers: one file is added, and nothing changed."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import astuple
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from infra.local.config import Ports, aws_environment
from tests.e2e.cloud import Cloud

pytestmark = pytest.mark.cloud

ROOT = Path(__file__).parents[2]
FILE = "layers/agents/agents/parcels.py"

STACK = "parcels"
BUILD_AND_DEPLOY = """
import json, sys
from infra.local import deploy
from infra.local.config import Ports
deploy.build()
print(json.dumps(deploy.deploy(Ports(*map(int, sys.argv[1:4])), sys.argv[4])))
"""
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


def written_on_the_page() -> str:
    page = (ROOT / "docs/agents.md").read_text()
    (text,) = re.findall(rf"^```python\n(# {FILE}\n.*?)^```$", page, re.DOTALL | re.MULTILINE)
    return str(text)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Copy the project and add the page's agent."""
    project = tmp_path_factory.mktemp("project")
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S607
    if listed.returncode:
        pytest.skip("not a checkout: nothing says which files the project has")
    for name in filter(None, listed.stdout.split("\0")):
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, project / name)
    (project / FILE).write_text(written_on_the_page())
    return project


@pytest.fixture(scope="module")
def outputs(project: Path, running_cloud: Cloud) -> Iterator[dict[str, str]]:
    """Build the copy, and deploy it as a second stack of the local cloud."""
    urls = (running_cloud.stack[name] for name in ("aws_endpoint_url", "model_provider_url", "tools_url"))
    ports = Ports(*(urlsplit(url).port or 0 for url in urls))
    done = subprocess.run(
        [sys.executable, "-c", BUILD_AND_DEPLOY, *map(str, astuple(ports)), STACK],
        cwd=project,
        env={**os.environ, **aws_environment(ports), "PYTHONPATH": str(project)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert 0 == done.returncode, done.stdout + done.stderr
    outputs = json.loads(done.stdout)
    yield outputs
    running_cloud.aws("cloudformation").delete_stack(StackName=STACK)
    running_cloud.aws("dynamodb").delete_table(TableName=outputs["TableName"])  # a stack's end leaves its data


@pytest.mark.usefixtures("outputs")
def test_it_is_imported_from_the_built_layers_and_its_models_have_prices(project: Path) -> None:
    layers = [str(project / ".local/build" / layer / "python") for layer in ("CoreLayer", "AgentsLayer")]
    alone = [sys.executable, "-I", "-S", "-c", IN_LAMBDA, *layers]
    found = json.loads(subprocess.run(alone, capture_output=True, text=True, check=True).stdout)

    assert {"agents": ["booking", "parcels", "support", "triage"], "unpriced": [], "models": 3} == found


def test_it_answers_a_turn_of_the_deployed_api(outputs: dict[str, str], running_cloud: Cloud) -> None:
    cloud, client = running_cloud.stack["aws_endpoint_url"], outputs["ServiceClientId"]
    pool = running_cloud.aws("cognito-idp")
    known = pool.describe_user_pool_client(UserPoolId=outputs["UserPoolId"], ClientId=client)["UserPoolClient"]
    asked = {"grant_type": "client_credentials", "scope": "turnkeeper/turns"}
    token = httpx.post(f"{cloud}/oauth2/token", data=asked, auth=(client, known["ClientSecret"])).json()["access_token"]
    answer = httpx.post(
        f"{cloud}/restapis/{STACK}/prod/_user_request_/v1/agents/parcels/turns",
        json={"message": "Where is my order A-1001?", "customer_id": "carla"},
        headers={"Authorization": f"Bearer {token}", "Idempotency-Key": "first"},
        timeout=40,
    )
    turn = answer.json()

    assert (200, "completed", "first_attempt") == (answer.status_code, turn["status"], turn["tier"])
    assert "A-1001" == turn["output"]["order_id"]
