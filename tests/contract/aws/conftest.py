"""An AWS that answers what a test tells it to, over a real socket, and boto3's own clients that ask it."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import boto3
import pytest
from botocore.config import Config

from infra.local.http_service import Request, Response
from tests.local.chats import serving

GARBAGE = {
    "plain text": Response(503, b"upstream connect error", {"Content-Type": "text/plain"}),
    "html": Response(502, b"<html><body>Bad Gateway</body></html>", {"Content-Type": "text/html"}),
    "html of a proxy": Response(502, b"<!DOCTYPE html><p>Bad Gateway<br>", {"Content-Type": "text/html"}),
    "nothing": Response(500),
}
"""What load balancers and proxies answer in a service's place."""


@dataclass
class Service:
    """Answers each operation with its entry in `answers`, else with `otherwise`; keeps the operations and bodies."""

    answers: dict[str, Response] = field(default_factory=dict)
    otherwise: Response = field(default_factory=lambda: Response(500))
    asked: list[str] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)

    def __call__(self, request: Request) -> Response:
        operation = request.headers.get("x-amz-target", "").rpartition(".")[2]
        self.asked.append(operation)
        self.bodies.append(request.body)
        return self.answers.get(operation, self.otherwise)


@pytest.fixture
def service() -> Service:
    """Give a service of which nothing was asked yet."""
    return Service()


@pytest.fixture
def clients(service: Service) -> Iterator[Any]:
    """Give a maker of boto3 clients, by the names of AWS's services, that ask it once a call."""
    with serving(service) as url:
        made = []

        def client(name: str) -> Any:
            made.append(
                boto3.client(  # type: ignore[call-overload]
                    name,
                    endpoint_url=url,
                    region_name="eu-central-1",
                    aws_access_key_id="testing",
                    aws_secret_access_key="testing",
                    config=Config(retries={"mode": "standard", "total_max_attempts": 1}, proxies={}),
                )
            )
            return made[-1]

        yield client
        for each in made:
            each.close()
