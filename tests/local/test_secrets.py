"""Which secrets `make up` gives a stack: those that its agents name, and the owner's keys only where they are meant."""

from pathlib import Path
from typing import Any

import pytest
from moto import mock_aws
from turnkeeper import Dependency, Endpoint, Model, ToolContext, tool
from turnkeeper.adapters.secrets import Secrets
from turnkeeper.agent import Agent, Bearer, SigV4
from turnkeeper.domain.stage import EndpointSettings, StageSettings
from turnkeeper_cli.stage_file import StageFile

from infra.local import deploy
from infra.local.config import Ports, secrets
from tests.support.world import paint

GROQ = Endpoint("groq", wire="openai", url="https://groq.example", secret="groq-key")
ORDERS = Dependency("orders", "https://orders.example", Bearer("orders-key"))
PORTS = Ports(14_566, 14_567, 14_568)
LOCAL = f"{PORTS.models_url}/v1"
STOCK = Dependency("stock", "https://stock.example", SigV4("execute-api"))


@tool(dependency=ORDERS)
def order(context: ToolContext) -> str:
    """Look an order up."""
    return ""


@tool(dependency=STOCK)
def stock(context: ToolContext) -> str:
    """Look the stock up."""
    return ""


@pytest.fixture
def agents() -> list[Agent[Any]]:
    """An agent with two endpoints and two services."""
    return [paint(chain=[Model("openai:first"), Model("groq:fast", endpoint=GROQ)], tools=[order, stock])]


def test_a_secret_is_taken_from_its_variable(agents: list[Agent[Any]], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.setenv("ORDERS_KEY", "of the orders")
    monkeypatch.setenv("GROQ_KEY", "of groq")

    assert {
        "turnkeeper/mine/orders-key": "of the orders",
        "turnkeeper/mine/groq-key": "of groq",
        "turnkeeper/mine/openai-api-key": "local",
    } == secrets(agents, StageSettings(), PORTS, "mine")


def test_a_service_whose_variable_is_not_set_has_no_secret(
    agents: list[Agent[Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ORDERS_KEY", raising=False)

    assert "turnkeeper/mine/orders-key" not in secrets(agents, StageSettings(), PORTS, "mine")


@pytest.mark.parametrize(
    ("url", "key"),
    [(LOCAL, "local"), ("http://127.0.0.1:4000/v1", "mine"), ("https://gateway.example/v1", "mine"), ("", "mine")],
)
def test_the_owners_key_goes_to_every_api_but_the_local_provider(
    agents: list[Agent[Any]], monkeypatch: pytest.MonkeyPatch, url: str, key: str
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "mine")
    monkeypatch.setenv("GROQ_KEY", "mine")
    stage = StageSettings(endpoints={name: EndpointSettings(url) for name in ("openai", "groq")})

    found = secrets(agents, stage, PORTS)

    assert [key, key] == [found[f"turnkeeper/turnkeeper/{name}"] for name in ("openai-api-key", "groq-key")]


def test_a_secret_that_only_the_stage_names_is_taken_too(
    agents: list[Agent[Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ORDERS_KEY", raising=False)
    monkeypatch.setenv("TEAM_GROQ", "of the team")
    monkeypatch.setenv("TEAM_OPENAI", "mine")
    local = EndpointSettings(LOCAL, "team-openai")
    stage = StageSettings(endpoints={"groq": EndpointSettings(secret="ssm:/team/groq"), "openai": local})

    assert {"turnkeeper/turnkeeper/team-openai": "local", "ssm:/team/groq": "of the team"} == secrets(
        agents, stage, PORTS
    )


@mock_aws
def test_each_secret_is_stored_where_the_functions_look_for_it(
    agents: list[Agent[Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    monkeypatch.setattr(deploy, "project_agents", lambda: {"paint": agents[0]})
    stage = StageSettings(endpoints={"groq": EndpointSettings(secret="ssm:/team/groq")})
    for again in ("old", "new"):
        monkeypatch.setenv("TEAM_GROQ", f"of-groq-{again}")
        monkeypatch.setenv("ORDERS_KEY", f"of-orders-{again}")
        deploy.put_secrets(PORTS, StageFile(Path(), {}, stage), "mine")

    of_the_stack = Secrets({"SECRETS_PREFIX": "turnkeeper/mine/"})
    found = [of_the_stack.secret(name).read() for name in ("ssm:/team/groq", "orders-key")]
    assert ["of-groq-new", "of-orders-new"] == found
