"""A project folder with a stack that is up: the real API and the real table's adapter, behind the command line."""

import base64
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from turnkeeper.adapters.dynamodb import DynamoTable
from turnkeeper_cli.app import main

from infra.local.http_service import Request, Response
from tests.contract.conftest import TABLE_NAME, dynamo_client, moto_client
from tests.local.chats import serving
from tests.support.agents import deployed
from tests.support.world import TENANT, Clock, World, customer, service

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

__all__ = ["dynamo_client", "moto_client"]

REGION = "eu-central-1"


@dataclass(frozen=True)
class Result:
    """What a command printed, and its exit code."""

    code: int
    out: str
    err: str


Run = Callable[..., Result]

PAINT = '''
from pydantic import BaseModel
from turnkeeper import Agent, Alternative, Dependency, Model, ToolContext, tool

shop = Dependency("shop", "https://shop.example")

class Colour(BaseModel):
    colour: str

@tool(dependency=shop)
def mix(context: ToolContext) -> str:
    """Mix the colour."""
    return "mixed"

agent = Agent(
    name="paint",
    instructions="Say the colour.",
    output=Colour,
    chain=[Model("openai:first"), Model("anthropic:second")],
    alternative=Alternative("Say it simply.", [Model("openai:third")]),
    tools=[mix],
    task_limit_usd="0.40",
)
'''
"""The agent that the project's folder holds."""


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Give a way to run a command line."""

    def call(*arguments: str) -> Result:
        code = main(arguments)
        printed = capsys.readouterr()
        return Result(code, printed.out, printed.err)

    return call


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give an empty project, and go there."""
    (tmp_path / "layers/agents/agents").mkdir(parents=True)
    (tmp_path / ".local").mkdir()
    monkeypatch.chdir(tmp_path)
    for name in ("TURNKEEPER_API_URL", "TURNKEEPER_TOKEN", "AWS_PROFILE", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    for name, value in {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    return tmp_path


def token(client_id: str) -> str:
    """Return what looks like a service's token."""
    claims = base64.urlsafe_b64encode(json.dumps({"client_id": client_id}).encode()).decode().rstrip("=")
    return f"header.{claims}.signature"


SERVICE, CUSTOMER = token(TENANT), "header.customer.signature"


@dataclass
class Stack:
    """A stack that is up: `world` is behind its API. `at_get` is done before each GET, in turn; then, nothing is."""

    world: World
    folder: Path
    requests: list[Request] = field(default_factory=list)
    at_get: list[Callable[[], object]] = field(default_factory=list)
    refusals: list[Response] = field(default_factory=list)

    def __call__(self, request: Request) -> Response:
        """Answer as the deployed API does."""
        self.requests.append(request)
        if self.refusals:
            return self.refusals.pop(0)
        if request.method == "GET" and self.at_get:
            self.at_get.pop(0)()
        who = {f"Bearer {SERVICE}": service(), f"Bearer {CUSTOMER}": customer()}[request.headers["authorization"]]
        headers = {"Idempotency-Key": request.headers.get("idempotency-key", "")}
        body = request.json() if request.body else None
        answer = self.world.request(request.method, request.path, body=body, who=who, headers=headers)
        retry = {"Retry-After": "0"} if "retry-after" in answer.headers else {}
        return Response(answer.status, answer.text.encode(), {"Content-Type": "application/json", **retry})

    def write_stack_file(self, url: str, **more: str) -> None:
        """Write what `make up` writes."""
        stack = {
            "api_url": url,
            "aws_endpoint_url": f"https://dynamodb.{REGION}.amazonaws.com",
            "region": REGION,
            "table_name": TABLE_NAME,
            "user_pool_id": "eu-central-1_pool",
            "tokens": {"service": SERVICE, "customer": CUSTOMER},
            **more,
        }
        (self.folder / ".local/stack.json").write_text(json.dumps(stack))


@pytest.fixture
def world(dynamo_client: "DynamoDBClient") -> World:
    """Give a deployment over DynamoDB, whose clock stands still at a moment of 2026."""
    return World(table=DynamoTable(dynamo_client, TABLE_NAME), clock=Clock())


@pytest.fixture
def stack(world: World, project: Path) -> Iterator[Stack]:
    """Give a stack that is up."""
    up = Stack(world, project)
    with deployed(project / "layers/agents", {"paint": PAINT}), serving(up) as url:
        up.write_stack_file(url)
        yield up
