"""Which secrets `make up` gives a stack: those that its agents name, and the owner's keys only where they are meant."""

from typing import Any

import pytest
from turnkeeper import Dependency, Endpoint, Model, ToolContext, tool
from turnkeeper.agent import Agent, Bearer, SigV4

from infra.local.config import secrets
from tests.support.world import paint

GROQ = Endpoint("groq", wire="openai", url="https://groq.example", secret="groq-key")
ORDERS = Dependency("orders", "https://orders.example", Bearer("orders-key"))
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
    for name in ("OPENAI_BASE_URL", "OPENAI_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("ORDERS_KEY", "of the orders")
    monkeypatch.setenv("GROQ_KEY", "of groq")

    assert {
        "turnkeeper/mine/orders-key": "of the orders",
        "turnkeeper/mine/groq-key": "of groq",
        "turnkeeper/mine/openai-api-key": "local",
    } == secrets(agents, "mine")


def test_a_service_whose_variable_is_not_set_has_no_secret(
    agents: list[Agent[Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ORDERS_KEY", raising=False)

    assert "turnkeeper/mine/orders-key" not in secrets(agents, "mine")


@pytest.mark.parametrize(("url", "key"), [("", "local"), ("https://gateway.example/v1", "mine")])
def test_the_owners_key_goes_only_to_the_api_that_they_named(
    agents: list[Agent[Any]], monkeypatch: pytest.MonkeyPatch, url: str, key: str
) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", url)
    monkeypatch.setenv("OPENAI_API_KEY", "mine")

    assert key == secrets(agents)["turnkeeper/turnkeeper/openai-api-key"]
