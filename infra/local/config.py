"""Where the local cloud lives: its ports, its files, its short timers; all of it can be set by the environment."""

import json
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from turnkeeper.adapters.secrets import variable_of
from turnkeeper.agent import Agent
from turnkeeper.domain.stage import EndpointSettings, StageSettings

ROOT = Path(__file__).resolve().parents[2]
LOCAL = ROOT / ".local"
STACK_FILE = LOCAL / "stack.json"
BUILD = LOCAL / "build"
LOGS = LOCAL / "log"
PROCESSES = LOCAL / "processes"

STACK_NAME = "turnkeeper"
API_ID = "turnkeeper"
REGION = "eu-central-1"

TIMERS = {
    "RunDeadlineSeconds": "16",
    "AnswerBySeconds": "300",
    "ClaimSeconds": "20",
    "PageSeconds": "5",
    "BreakerRecoverySeconds": "3",
    "LeaseMarginSeconds": "1",
}
"""Timers that are minutes or hours on AWS, and seconds here."""

SSM = "ssm:"
"""How the place of a secret in SSM begins."""

LOAD = {"ApiRateLimit": "1000", "ApiBurstLimit": "1000"}


class LocalCloudError(Exception):
    """The local cloud cannot do what was asked; the message is the one line to show."""


@dataclass(frozen=True)
class Ports:
    """The ports of the three services."""

    cloud: int
    models: int
    tools: int

    @classmethod
    def from_env(cls) -> "Ports":
        """Read TURNKEEPER_PORT, and the next two, unless they are set on their own."""
        first = _port("TURNKEEPER_PORT", 14566)
        return cls(first, _port("TURNKEEPER_MODELS_PORT", first + 1), _port("TURNKEEPER_TOOLS_PORT", first + 2))

    @property
    def cloud_url(self) -> str:
        """The emulated AWS."""
        return f"http://127.0.0.1:{self.cloud}"

    @property
    def api_url(self) -> str:
        """The API, before /v1."""
        return f"{self.cloud_url}/restapis/{API_ID}/prod/_user_request_"

    @property
    def models_url(self) -> str:
        """The local model provider."""
        return f"http://127.0.0.1:{self.models}"

    @property
    def tools_url(self) -> str:
        """The tools' local service."""
        return f"http://127.0.0.1:{self.tools}"


def bind_host() -> str:
    """Return the address that the services listen on: TURNKEEPER_BIND=0.0.0.0 lets containers on Linux reach them."""
    return os.environ.get("TURNKEEPER_BIND") or "127.0.0.1"


def _port(variable: str, default: int) -> int:
    text = os.environ.get(variable) or str(default)
    if not text.isdecimal() or not 1 <= int(text) <= 65_533:  # noqa: PLR2004 - the highest that leaves room for two more
        raise LocalCloudError(f"{variable} must be a port from 1 to 65533, not {text!r}")
    return int(text)


def parameters(ports: Ports) -> dict[str, str]:
    """Return the template's parameters; TURNKEEPER_PARAMETERS ("Name=value Name=value") goes before our own."""
    env = os.environ
    own = dict(pair.split("=", 1) for pair in env.get("TURNKEEPER_PARAMETERS", "").split() if "=" in pair)
    urls = {"PublicUrl": ports.api_url, "AwsEndpointUrl": ports.cloud_url}
    return {**TIMERS, **LOAD, **urls, **own}


def stage() -> str:
    """Return the stage whose file is applied: TURNKEEPER_STAGE, or `local`."""
    return os.environ.get("TURNKEEPER_STAGE") or "local"


def variables(ports: Ports) -> dict[str, str]:
    """Return the variables of the stage's file: where you pointed them, or where the local services listen."""
    usual = {
        "OPENAI_BASE_URL": f"{ports.models_url}/v1",
        "ANTHROPIC_BASE_URL": ports.models_url,
        "AWS_ENDPOINT_URL_BEDROCK_RUNTIME": ports.models_url,
        "TOOLS_URL": ports.tools_url,
    }
    return {name: os.environ.get(name) or url for name, url in usual.items()}


def secrets(
    agents: Iterable[Agent[Any]], settings: StageSettings, ports: Ports, stack: str = STACK_NAME
) -> dict[str, str]:
    """Return a stack's secrets, by place: each that an agent or its stage names and whose variable is set.

    A place is a name in Secrets Manager, or `ssm:` and a name in SSM. An endpoint that is the local provider, or has no
    key of yours, gets a key of its own: the local provider must not see yours.
    """
    used = list(agents)
    asked_at = {model.asked_at for agent in used for model in agent.models}
    endpoints = [endpoint for endpoint in asked_at if endpoint.wire != "bedrock" and endpoint.key_secret]
    services = {tool.dependency for agent in used for tool in agent.tools if tool.dependency and tool.dependency.auth}
    names = {service.auth.secret for service in services if service.auth}
    values = {name: os.environ.get(variable_of(name), "") for name in names}
    for endpoint in endpoints:
        here = settings.endpoints.get(endpoint.name, EndpointSettings())
        is_local = urlsplit(here.url or endpoint.url).netloc == urlsplit(ports.models_url).netloc
        name = here.secret or endpoint.key_secret
        own = os.environ.get(variable_of(name))
        values[name] = "local" if is_local or not own else own
    return {name if name.startswith(SSM) else f"turnkeeper/{stack}/{name}": v for name, v in values.items() if v}


def aws_environment(ports: Ports) -> dict[str, str]:
    """Return the environment in which AWS's own tools speak to the local cloud, and to nothing else."""
    return {
        "AWS_ENDPOINT_URL": ports.cloud_url,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": REGION,
        "AWS_REGION": REGION,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "SAM_CLI_TELEMETRY": "0",
    }


def read_stack() -> dict[str, Any]:
    """Read stack.json; raises LocalCloudError when nothing is up."""
    if not STACK_FILE.exists():
        raise LocalCloudError("the local cloud is not up: run `make up`")
    stack: dict[str, Any] = json.loads(STACK_FILE.read_text())
    return stack
