"""A stack of its own on the local cloud, deployed from a copy of the project, which a test may change."""

import json
import os
import re
import shutil
import subprocess
import sys
import uuid
from collections.abc import Mapping
from dataclasses import astuple, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from infra.local.config import Ports, aws_environment, variables
from infra.release import sam_environment
from tests.e2e.cloud import Cloud

ROOT = Path(__file__).parents[2]
STACK = "parcels"
AGENT = "layers/agents/agents/parcels.py"
"""The file that docs/agents.md writes."""

_BUILD_AND_DEPLOY = """
import json, sys
from infra.local import deploy
from infra.local.config import Ports
ports = Ports(*map(int, sys.argv[1:4]))
deploy.build()
settings = deploy.stage_settings(ports)
outputs = deploy.deploy(ports, settings, sys.argv[4])
deploy.apply_stage(settings, outputs["TableName"])
print(json.dumps(outputs))
"""


def written_on_the_page() -> str:
    """The agent as the page has it."""
    page = (ROOT / "docs/agents.md").read_text()
    (text,) = re.findall(rf"^```python\n(# {AGENT}\n.*?)^```$", page, re.DOTALL | re.MULTILINE)
    return str(text)


def copy_of_the_project(to: Path) -> Path:
    """Copy what the project has, and add the page's agent."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S607
    if listed.returncode:
        pytest.skip("not a checkout: nothing says which files the project has")
    for name in filter(None, listed.stdout.split("\0")):
        (to / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, to / name)
    (to / AGENT).write_text(written_on_the_page())
    return to


@dataclass(frozen=True)
class OwnStack:
    """The stack, its outputs, and the project that it was deployed from."""

    cloud: Cloud
    project: Path
    outputs: Mapping[str, str]
    name: str = STACK

    @classmethod
    def of(cls, cloud: Cloud, project: Path, name: str = STACK, **env: str) -> "OwnStack":
        """Deploy it as `make up` does."""
        ports = _ports(cloud)
        command = [sys.executable, "-c", _BUILD_AND_DEPLOY, *map(str, astuple(ports)), name]
        stack = cls(cloud, project, json.loads(_run(command, project, ports, **env)), name)
        stack.stage("")
        return stack

    def deploy(self, parameters: str = "") -> str:
        """Deploy it again as `make deploy` does, and return what that printed."""
        python = f"{sys.version_info.major}.{sys.version_info.minor}"
        here = {"LAMBDA_PYTHON": python, "LAMBDA_PLATFORM": f"{os.uname().machine}-manylinux_2_28"}
        options = ["--stack-name", self.name, "--no-confirm-changeset", "--tags", f"ms-custom-id={self.name}"]
        command = [sys.executable, "-m", "infra.release", "deploy", "--parameters", parameters, *options]
        return _run(command, self.project, _ports(self.cloud), **here)

    def stage(self, more: str) -> None:
        """Write the stage's file that `deploy` applies: the local stage's, and more."""
        text = (self.project / "infra/stages/local.toml").read_text()
        for name, value in variables(_ports(self.cloud)).items():
            text = text.replace(f"${{{name}}}", value)
        (self.project / "infra/stages/default.toml").write_text(text + more)

    def remove(self) -> None:
        """Delete it; a stack's end leaves its data."""
        self.cloud.aws("cloudformation").delete_stack(StackName=self.name)
        self.cloud.aws("dynamodb").delete_table(TableName=self.outputs["TableName"])

    def live(self) -> dict[str, str]:
        """Return which version of each function serves."""
        client = self.cloud.aws("lambda")
        pages = client.get_paginator("list_functions").paginate()
        names = [f["FunctionName"] for page in pages for f in page["Functions"]]
        own = [name for name in names if name.startswith(f"{self.name}-")]
        return {name.split("-")[1]: client.get_alias(FunctionName=name, Name="live")["FunctionVersion"] for name in own}

    def command(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """Run a command of `turnkeeper` on it."""
        environment = {**os.environ, **aws_environment(_ports(self.cloud)), "PYTHONPATH": ""}
        command = [sys.executable, "-m", "turnkeeper_cli", *arguments, "--stack-name", self.name]
        return subprocess.run(command, cwd=self.project, env=environment, capture_output=True, text=True, check=False)

    def get(self, path: str, token: str = "") -> httpx.Response:
        """GET something as the stack's own service, or with another token."""
        return httpx.get(self._url(path), headers=self._sent(token), timeout=40)

    def post(self, path: str, body: Any, token: str = "") -> httpx.Response:
        """POST something as the stack's own service, or with another token, under a key of its own."""
        headers = {**self._sent(token), "Idempotency-Key": uuid.uuid4().hex}
        return httpx.post(self._url(path), json=body, headers=headers, timeout=40)

    def _sent(self, token: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {token}"} if token else self._headers

    def _url(self, path: str) -> str:
        return f"{self.cloud.stack['aws_endpoint_url']}/restapis/{self.name}/prod/_user_request_{path}"

    @cached_property
    def _headers(self) -> dict[str, str]:
        pool, client = self.outputs["UserPoolId"], self.outputs["ServiceClientId"]
        known = self.cloud.aws("cognito-idp").describe_user_pool_client(UserPoolId=pool, ClientId=client)
        answer = httpx.post(
            f"{self.cloud.stack['aws_endpoint_url']}/oauth2/token",
            data={"grant_type": "client_credentials", "scope": "turnkeeper/turns"},
            auth=(client, known["UserPoolClient"]["ClientSecret"]),
        )
        return {"Authorization": f"Bearer {answer.json()['access_token']}"}


def _ports(cloud: Cloud) -> Ports:
    urls = (cloud.stack[name] for name in ("aws_endpoint_url", "model_provider_url", "tools_url"))
    return Ports(*(urlsplit(url).port or 0 for url in urls))


def _run(command: list[str], project: Path, ports: Ports, **env: str) -> str:
    done = subprocess.run(
        command,
        cwd=project,
        env={**sam_environment(), **aws_environment(ports), "PYTHONPATH": str(project), **env},
        capture_output=True,
        text=True,
        check=False,
    )
    assert 0 == done.returncode, done.stdout + done.stderr
    return done.stdout
