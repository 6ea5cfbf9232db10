"""A provider that answers what a test tells it to, over a real socket, and the adapters that ask it."""

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from unittest.mock import patch

import pytest
from turnkeeper.domain.chat import ModelReply, ModelRequest
from turnkeeper.ports import ModelClient

from infra.local.http_service import Request, Response
from infra.local.model_provider.annotated import Annotations
from infra.local.model_provider.app import Provider as Double
from infra.local.model_provider.brain import Brain
from tests.contract.models.wires import WIRES, Wire, ask
from tests.local.chats import client, serving

_AWS = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_DEFAULT_REGION": "eu-central-1",
    "NO_PROXY": "127.0.0.1",
}


@dataclass
class Service:
    """Answers every request with `answer`, and keeps the requests.

    `is_strict` unless a test answers with thoughts that no provider signed, and which none would take back.
    """

    answer: Response = field(default_factory=lambda: Response(500))
    requests: list[Request] = field(default_factory=list)
    is_strict: bool = True
    double: Double = field(default_factory=lambda: Double(Brain(Annotations())))

    def __call__(self, request: Request) -> Response:
        self.requests.append(request)
        return self.answer

    def refused(self) -> list[str]:
        """What the strict double says of the requests that a real provider would refuse."""
        for request in self.requests:
            self.double(request)
        calls = json.loads(self.double(Request("GET", "/_calls", {}, {}, b"")).body)
        self.double(Request("DELETE", "/_calls", {}, {}, b""))
        return [f"{call['refused']}: {call['message']}" for call in calls if "refused" in call]


@dataclass(frozen=True)
class Provider:
    """One provider's wire format, an adapter that speaks it, and the service that it asks."""

    wire: Wire
    client: ModelClient
    service: Service

    def replies(self, answer: Response, request: ModelRequest | None = None, *, timeout_s: float = 5) -> ModelReply:
        """Ask once, with this answer waiting."""
        self.service.answer = answer
        return self.client.complete(request or ask(self.wire), timeout_s=timeout_s)


@pytest.fixture(scope="session")
def _service() -> Iterator[tuple[Service, str]]:
    service = Service()
    with serving(service) as url:
        yield service, url


@pytest.fixture(scope="session")
def _clients(_service: tuple[Service, str]) -> Iterator[dict[str, ModelClient]]:
    with patch.dict(os.environ, _AWS):
        yield {name: client(name, _service[1]) for name in WIRES}


@pytest.fixture(params=WIRES)
def provider(
    request: pytest.FixtureRequest, _service: tuple[Service, str], _clients: dict[str, ModelClient]
) -> Iterator[Provider]:
    """Give each provider in turn; nothing was asked of it yet, and nothing may be asked that a real one refuses."""
    service = _service[0]
    service.answer, service.requests, service.is_strict = Response(500), [], True
    yield Provider(WIRES[request.param], _clients[request.param], service)
    assert not service.is_strict or [] == service.refused()
