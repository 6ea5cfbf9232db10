"""A stack of an owner's own, whose one agent asks two endpoints and three services, each with a URL and a secret.

They are played here, and are strict: whoever comes with a wrong secret gets a 401. Then the stack's settings are
changed while it runs, and the agent is stopped and resumed.
"""

import base64
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
import pytest

from infra.local import people
from infra.local.http_service import Request, Response
from tests.e2e.cloud import Cloud, until
from tests.e2e.own_stack import OwnStack, copy_of_the_project
from tests.local.chats import serving

pytestmark = [pytest.mark.cloud, pytest.mark.slow]

NAME = "parlour"
SECRETS = {
    "NEAR_API_KEY": "of-near",
    "FAR_API_KEY": "of-far",
    "STOCK_KEY": "of-the-stock",
    "ORDERS_TOKEN": "of-the-orders",
    "CRM_LOGIN": json.dumps({"username": "parlour", "password": "of-the-crm"}),
}
AGENT = '''\
"""Sells ices."""

from pydantic import BaseModel
from turnkeeper import Agent, Alternative, Dependency, Endpoint, Model, ToolContext, tool
from turnkeeper.agent import ApiKeyHeader, Basic, Bearer

NEAR = Endpoint("near", wire="openai")
FAR = Endpoint("far", wire="anthropic")
STOCK = Dependency("stock", auth=ApiKeyHeader("X-Api-Key", "stock-key"), per_minute=600)
ORDERS = Dependency("orders_of_ices", auth=Bearer("orders-token"))
CRM = Dependency("crm", auth=Basic("crm-login"))


class Ice(BaseModel):
    """What is sold."""

    flavour: str


@tool(dependency=STOCK)
def stock(context: ToolContext) -> int:
    """Look up how many are left."""
    return int(context.http.get("/left").json()["left"])


@tool(dependency=ORDERS, side_effect=True, honours_keys=True)
def order(context: ToolContext) -> str:
    """Order one."""
    return str(context.http.put("/order", body={"customer": context.customer_id}).json()["id"])


@tool(dependency=CRM)
def customer(context: ToolContext) -> str:
    """Look the customer up."""
    return str(context.http.get("/customer").json()["name"])


agent = Agent(
    name="ices",
    instructions="Sell an ice.",
    output=Ice,
    chain=[Model("near:cold", endpoint=NEAR), Model("far:warm", max_latency_ms=15_000, endpoint=FAR)],
    alternative=Alternative("Sell an ice, simply.", [Model("far:warm", max_latency_ms=15_000, endpoint=FAR)]),
    tools=[stock, order, customer],
    max_steps=8,
)
'''
PRICE = {"input": "0.1", "output": "0.1"}


@dataclass
class Played:
    """The endpoints and services; `seen` is every request that was let in, by who let it in."""

    seen: list[str] = field(default_factory=list)

    def near(self, request: Request) -> Response:
        """An endpoint of the OpenAI wire that is down."""
        if request.headers.get("authorization") != "Bearer of-near":
            return Response(401)
        self.seen.append("near")
        return Response.of_json(503, {"error": {"message": "down", "type": "server_error"}})

    def far(self, request: Request) -> Response:
        """An endpoint of the Anthropic wire, whose model calls every tool, then answers."""
        if request.headers.get("x-api-key") != "of-far":
            return Response(401)
        self.seen.append("far")
        messages = request.json()["messages"]
        said = json.dumps(messages[0])
        if len(messages) == 1 and "slow" not in said and "unsure" not in said:
            calls: list[dict[str, Any]] = [
                {"type": "tool_use", "id": f"toolu_{name}", "name": name, "input": {}}
                for name in ("stock", "order", "customer")
            ]
            return _message(calls, "tool_use")
        answer = {"reply": "Here is a lemon ice.", "confidence": 0.2 if "unsure" in said else 0.95}
        text = json.dumps({**answer, "output": {"flavour": "lemon"}})
        done = _message([{"type": "text", "text": text}], "end_turn")
        return Response(done.status, done.body, done.headers, after_s=8.0) if "slow" in said else done

    def stock(self, request: Request) -> Response:
        """A service with a key in a header."""
        return self._if(request.headers.get("x-api-key") == "of-the-stock", "stock", {"left": 3})

    def orders(self, request: Request) -> Response:
        """A service with a bearer token, and idempotency keys."""
        right = request.headers.get("authorization") == "Bearer of-the-orders" and request.method == "PUT"
        return self._if(right and bool(request.headers.get("idempotency-key")), "orders", {"id": "order-1"})

    def crm(self, request: Request) -> Response:
        """A service with a user and a password."""
        login = base64.b64encode(b"parlour:of-the-crm").decode()
        return self._if(request.headers.get("authorization") == f"Basic {login}", "crm", {"name": "Carla"})

    def _if(self, right: bool, name: str, answer: dict[str, Any]) -> Response:
        if not right:
            return Response(401)
        self.seen.append(name)
        return Response.of_json(200, answer)


def _message(content: list[dict[str, Any]], stop: str) -> Response:
    return Response.of_json(
        200,
        {
            "id": "msg_1",
            "type": "message",
            "role": "assistant",
            "model": "warm",
            "content": content,
            "stop_reason": stop,
            "stop_sequence": None,
            "usage": {"input_tokens": 100, "output_tokens": 20},
        },
    )


@dataclass(frozen=True)
class Parlour:
    """The stack, what it calls, and its people's tokens."""

    stack: OwnStack
    played: Played
    tokens: dict[str, str]
    file: Path
    settings: str

    def turn(self, message: str = "An ice, please.") -> Any:
        """Send a turn."""
        return self.stack.post("/v1/agents/ices/turns", {"message": message, "customer_id": "carla"})


@pytest.fixture(scope="module")
def parlour(running_cloud: Cloud, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Parlour]:
    """Yield a stack on the local cloud, with an agent, a stage's file and secrets of its own."""
    played = Played()
    project = copy_of_the_project(tmp_path_factory.mktemp("parlour"))
    (project / "layers/agents/agents/ices.py").write_text(AGENT)
    (project / "layers/agents/prices.json").write_text(json.dumps({"near:cold": PRICE, "far:warm": PRICE}))
    with (
        serving(played.near) as near,
        serving(played.far) as far,
        serving(played.stock) as stock,
        serving(played.orders) as orders,
        serving(played.crm) as crm,
    ):
        settings = (
            f'[endpoints.near]\nurl = "{near}/v1"\n\n[endpoints.far]\nurl = "{far}"\n\n'
            f'[dependencies.stock]\nurl = "{stock}"\n\n[dependencies.orders_of_ices]\nurl = "{orders}"\n\n'
            f'[dependencies.crm]\nurl = "{crm}"\n\n[hosts]\nprivate = ["127.0.0.1"]\n'
        )
        file = project / "infra/stages/local.toml"
        file.write_text(settings)
        stack = OwnStack.of(running_cloud, project, NAME, **SECRETS)
        cloud_url = running_cloud.stack["aws_endpoint_url"]
        outputs = stack.outputs
        with pytest.MonkeyPatch.context() as patch:
            for name, value in {
                "AWS_ENDPOINT_URL": cloud_url,
                "AWS_ACCESS_KEY_ID": "test",
                "AWS_SECRET_ACCESS_KEY": "test",
                "AWS_DEFAULT_REGION": running_cloud.stack["region"],
            }.items():
                patch.setenv(name, value)
            boto3.setup_default_session()
            tokens = people.make_tokens(
                outputs["UserPoolId"], outputs["ServiceClientId"], outputs["ConsoleClientId"], cloud_url
            )
        yield Parlour(stack, played, tokens, file, settings)
        stack.remove()


def test_one_agent_plays_two_endpoints_and_three_services_each_with_its_own_url_and_secret(parlour: Parlour) -> None:
    parlour.played.seen.clear()
    answer = parlour.turn()

    assert (200, "far:warm") == (answer.status_code, answer.json()["model"]), answer.text
    assert {"near", "far", "stock", "orders", "crm"} == set(parlour.played.seen)


def test_a_stopped_agent_refuses_the_next_turn_while_one_in_flight_ends_and_one_that_waits_is_answered(
    parlour: Parlour,
) -> None:
    stack, operator = parlour.stack, parlour.tokens["operator"]
    waits = parlour.turn("I am unsure.").json()["turn_id"]
    until(lambda: stack.get(f"/v1/escalations/{waits}", operator).status_code == 200, "it waits for a person")
    in_flight: list[Any] = []
    slow = threading.Thread(target=lambda: in_flight.append(parlour.turn("Be slow.")))
    slow.start()
    until(lambda: parlour.played.seen[-1] == "far", "the slow turn is with its model")
    stopped = stack.command("stop", "agent", "ices", "--reason", "too cold")
    refused = until(lambda: answer if (answer := parlour.turn()).status_code == 503 else None, "a turn is refused")
    slow.join()
    claim = stack.post(f"/v1/escalations/{waits}/claim", {}, operator).json()
    body = {"version": claim["version"], "reply": "Lemon.", "output": {"flavour": "lemon"}}
    answered = stack.post(f"/v1/escalations/{waits}/answer", body, operator)

    assert 0 == stopped.returncode, stopped.stderr
    assert ("urn:turnkeeper:error:stopped", "60") == (refused.json()["type"], refused.headers["retry-after"])
    assert [(200, "completed")] == [(turn.status_code, turn.json()["status"]) for turn in in_flight]
    assert (200, "human") == (answered.status_code, answered.json()["tier"])
    assert 0 == stack.command("resume", "agent", "ices").returncode
    until(lambda: parlour.turn().status_code == 200, "turns are answered again")


def test_a_file_with_a_mistake_changes_nothing_and_a_lower_limit_holds_for_the_next_turn(parlour: Parlour) -> None:
    stack = parlour.stack
    before = stack.command("config", "show").stdout
    parlour.file.write_text(f'{parlour.settings}\n[limits]\ntask_usd = "little"\n')
    refused = stack.command("config", "apply", str(parlour.file))
    line = len(parlour.file.read_text().splitlines())
    after = stack.command("config", "show").stdout
    parlour.file.write_text(f'{parlour.settings}\n[limits]\ntask_usd = "0.000001"\n')
    applied = stack.command("config", "apply", str(parlour.file))
    limited = until(lambda: answer if (answer := parlour.turn()).status_code == 402 else None, "a turn is refused")

    assert (1, "") == (refused.returncode, refused.stdout)
    assert f"local.toml:{line}: limits.task_usd: not an amount of dollars: 'little'" in refused.stderr
    assert before == after
    assert "limits.task_usd: (default) -> 0.000001" in applied.stdout
    assert "task" == limited.json()["limit"]
