"""What `sam local` hands on to a function's container is what the deployed function has, seen from inside Docker."""

import json
from pathlib import Path

import pytest

from infra.local.config import Ports
from tests.e2e.cloud import Cloud

pytestmark = pytest.mark.cloud

FILE = Path(__file__).parents[2] / "events/env.json"
USUAL = Ports(14566, 14567, 14568)


def from_docker(cloud: Cloud, value: str) -> str:
    """Write a deployed value as a container would need it, for the usual ports."""
    usual = {
        cloud.stack["aws_endpoint_url"]: USUAL.cloud_url,
        cloud.stack["model_provider_url"]: USUAL.models_url,
        cloud.stack["tools_url"]: USUAL.tools_url,
    }
    for url, instead in usual.items():
        value = value.replace(url, instead)
    return value.replace("127.0.0.1", "host.docker.internal")


def test_the_variables_of_sam_local_are_the_deployed_functions(cloud: Cloud) -> None:
    written = json.loads(FILE.read_text())["Parameters"]
    functions = cloud.aws("lambda").list_functions(MaxItems=50)["Functions"]
    (turns,) = (f for f in functions if "-TurnsFunction-" in f["FunctionName"])
    deployed = turns["Environment"]["Variables"]

    assert "host.docker.internal" == written.pop("LOOPBACK_HOST")
    assert {name: from_docker(cloud, deployed.get(name, "")) for name in written} == written
    assert {"AWS_ENDPOINT_URL", "TABLE_NAME", "SECRETS_PREFIX"} <= written.keys()
