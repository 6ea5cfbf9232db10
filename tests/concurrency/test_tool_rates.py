"""The most requests a minute of a tool's service, shared by 20 processes that ask it at once."""

import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from typing import Any

import pytest
from turnkeeper.adapters.secrets import Secrets
from turnkeeper.adapters.sender import Sender
from turnkeeper.adapters.tool_http import HttpTransport
from turnkeeper.agent import Dependency
from turnkeeper.domain.failures import Failure
from turnkeeper.domain.rate_limit import ToolRate
from turnkeeper.errors import DependencyError
from turnkeeper.stores.rates import ToolRates

from tests.contract.tools.service import Service, serving
from tests.support.crowd import PATIENCE_S, PROCESSES
from tests.support.emulator import Cloud

pytestmark = pytest.mark.random

FLEET, EACH = 20, 20
PER_MINUTE = 300
PRIVATE = ("127.0.0.1",)

_start: list[Any] = []


def _meet_at(barrier: Any) -> None:
    _start.append(barrier)


@dataclass(frozen=True)
class Environment:
    """One environment of the fleet, which is made in its own process."""

    cloud: Cloud
    url: str

    def ask(self) -> tuple[int, float, float]:
        """Ask the service again and again; returns how often it was asked, and from when to when."""
        rates = ToolRates(self.cloud.open(), time.time)
        transport = HttpTransport(Sender(lambda: PRIVATE), Secrets({}))
        shop = Dependency("shop", self.url, per_minute=PER_MINUTE)
        asked = 0
        _start[0].wait(PATIENCE_S)
        began = time.monotonic()
        for n in range(EACH):
            http = transport.http(
                shop, timeout_s=30, idempotency_key=f"{n}", admits=lambda: rates.admits(shop.name, PER_MINUTE)
            )
            try:
                http.post("/orders", body={})
                asked += 1
            except DependencyError as error:
                assert Failure.THROTTLED_HERE is error.failure
        return asked, began, time.monotonic()


def test_twenty_processes_send_no_more_than_the_limit_of_a_minute(cloud: Cloud) -> None:
    service = Service()
    barrier = PROCESSES.Barrier(FLEET)
    with serving(service) as url, ProcessPoolExecutor(FLEET, PROCESSES, _meet_at, (barrier,)) as fleet:
        shares = [fleet.submit(Environment(cloud, url).ask) for _ in range(FLEET)]
        asked, began, ended = zip(*[share.result(PATIENCE_S) for share in shares], strict=True)

    rate, took_s = ToolRate(PER_MINUTE), max(ended) - min(began)
    assert sum(asked) == len(service.calls())
    assert rate.at_once / 2 <= sum(asked) <= rate.at_once + took_s * 1000 / rate.interval_ms + 1
    assert sum(asked) < FLEET * EACH
