"""A turn's outcome reaches the URL that it named, signed, through the real queue."""

import base64
import hmac
import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest
from turnkeeper.domain.callbacks import tenant_secret

from tests.e2e.cloud import Cloud, code, until

pytestmark = pytest.mark.cloud
ALL_DOWN = {"model": "*", "mode": "error", "times": None}


class Receiver(ThreadingHTTPServer):
    """A receiver that fails the first message, and keeps what it got: (headers, body)."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.got: list[tuple[dict[str, str], str]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/turns"


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"])).decode()
        receiver: Any = self.server
        receiver.got.append(({k.lower(): v for k, v in self.headers.items()}, body))
        self.send_response(500 if len(receiver.got) == 1 else 204)
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - its name
        """Say nothing."""


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    server = Receiver()
    Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def test_an_outcome_is_delivered_signed_and_again_after_a_failure(cloud: Cloud, receiver: Receiver) -> None:
    with cloud.faults(ALL_DOWN):
        turn = cloud.send("A dentist in Wexley, please.", callback_url=receiver.url).json()["turn_id"]
        version = cloud.waiting(turn) and cloud.operator("POST", f"/v1/escalations/{turn}/claim", {}).json()["version"]
    answered = cloud.operator("POST", f"/v1/escalations/{turn}/answer", {"version": version, "reply": "We call you."})
    until(lambda: len(receiver.got) > 1, "the callback came twice", seconds=90)
    (first, body), (second, again) = receiver.got[:2]

    assert 200 == answered.status_code
    assert (turn, turn, body) == (first["webhook-id"], second["webhook-id"], again)
    assert {"type": "turn.completed", "data": cloud.get(f"/v1/turns/{turn}").json()}.items() <= json.loads(body).items()
    assert signature(cloud, second, body) == second["webhook-signature"]


def test_a_host_that_nobody_allowed_is_refused(cloud: Cloud) -> None:
    sent = cloud.send("A dentist in Wexley, please.", callback_url="https://evil.example/")

    assert (400, "invalid-request") == (sent.status_code, code(sent))


def signature(cloud: Cloud, headers: dict[str, str], body: str) -> str:
    secrets = cloud.aws("secretsmanager")
    (name,) = [s["Name"] for s in secrets.list_secrets()["SecretList"] if "CallbackKey" in s["Name"]]
    key = secrets.get_secret_value(SecretId=name)["SecretString"]
    tenant = cloud.stack["tenant"]
    text = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.{body}"
    made = hmac.digest(tenant_secret(key, tenant), text.encode(), "sha256")
    return "v1," + base64.b64encode(made).decode()
