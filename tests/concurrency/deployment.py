"""A deployment of many environments over one emulated table, with a provider whose bills are kept in a file."""

import json
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import random
from typing import Any

from turnkeeper.api.idempotency import answer_once
from turnkeeper.api.problems import of_error
from turnkeeper.domain.attempt import CallReport
from turnkeeper.domain.chat import ModelReply, ModelRequest, Usage
from turnkeeper.domain.failures import Failure
from turnkeeper.domain.reservation import Reservation, Settlement
from turnkeeper.domain.spend import Limits, month_of, utc_day
from turnkeeper.domain.turn import Lease, Turn
from turnkeeper.errors import DependencyError
from turnkeeper.ports import Item, Published, Table
from turnkeeper.runtime.turns import NewTurn
from turnkeeper.stores import keys
from turnkeeper.stores.spend import SpendStore
from turnkeeper.stores.turns import TurnStore

from tests.support.emulator import Cloud
from tests.support.weather import CLEAR, Weather
from tests.support.world import TENANT, Clock, Context, Models, Topics, World, answer, paint

CALL_USD = "0.001"
CALL = 1_000
"""The worst case of one call of the first model, in micro-dollars: 250 tokens at $4 per million."""

OUTPUT_TOKENS = 250
AGENT = "paint"
PATH = f"/v1/agents/{AGENT}/turns"
PRICES: Mapping[str, Any] = {
    "openai:first": {"input": "0", "output": "4"},
    "anthropic:second": {"input": "0", "output": "4"},
    "openai:third": {"input": "0", "output": "4"},
}
NO_RATE = {"turns.per_minute": 600000, "turns.burst": 10000}


def usd(calls: int) -> str:
    """Return what some calls cost at most, in dollars."""
    return f"{calls * CALL / 1_000_000:.6f}"


class RealTime(Clock):
    """The real time plus `now` seconds."""

    def __call__(self) -> float:
        return time.time() + self.now


@dataclass(frozen=True, slots=True)
class Log:
    """A file to which several processes append lines; a line is complete even if its process is killed."""

    path: Path

    def add(self, **line: Any) -> None:
        """Append a line."""
        handle = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        try:
            os.write(handle, json.dumps(line).encode() + b"\n")
        finally:
            os.close(handle)

    def lines(self, kind: str) -> list[dict[str, Any]]:
        """Read the lines of a kind."""
        text = self.path.read_text() if self.path.exists() else ""
        return [line for line in map(json.loads, text.splitlines()) if line["kind"] == kind]

    @property
    def billed(self) -> int:
        """Return the sum of what the provider billed, in micro-dollars."""
        return sum(int(line["cost"]) for line in self.lines("bill"))


def _nothing() -> None:
    """Let it happen."""


@dataclass
class Provider(Models):
    """A provider that bills, and plays each model's mode: `answer`, `error`, or `timeout` (billed, and no answer)."""

    log: Log = field(default_factory=lambda: Log(Path(os.devnull)))
    modes: Mapping[str, str] = field(default_factory=dict)
    prices: Mapping[str, Any] = field(default_factory=dict)
    used: float = 1.0
    """The share of the worst case that a call costs."""
    before: Callable[[], None] = _nothing
    after: Callable[[], None] = _nothing

    def complete(self, request: ModelRequest, *, timeout_s: float) -> ModelReply:
        """Answer and bill."""
        mode = self.modes.get(request.model, "answer")
        if mode == "error":
            raise DependencyError(Failure.SERVER_ERROR)
        self.before()
        tokens = round(request.max_output_tokens * self.used)
        price = next(price for model, price in self.prices.items() if model.endswith(f":{request.model}"))
        self.log.add(kind="bill", model=request.model, cost=tokens * int(price["output"]))
        self.after()
        if mode == "timeout":
            raise DependencyError(Failure.TIMEOUT)
        return answer(usage=Usage(100, tokens))


@dataclass
class LoggedTopics(Topics):
    """Topics that keep what was published where every process can see it."""

    log: Log = field(default_factory=lambda: Log(Path(os.devnull)))

    def publish(self, topic: str, message: Published) -> str:
        """Keep a message."""
        attributes = dict(message.attributes)
        self.log.add(kind="published", topic=topic, about=attributes.pop("kind", ""), **attributes)
        return super().publish(topic, message)


@dataclass(frozen=True, slots=True)
class Sent:
    """The result of a POST: its status, and the code of its problem or the JSON of its answer."""

    status: int
    code: str = ""
    body: str = ""


class Environment(World):
    """One execution environment: the real use cases over a table, for many requests at once."""

    def __init__(
        self, table: Table, provider: "Provider", env: Mapping[str, Any], clock: Clock, limits: Mapping[str, int]
    ) -> None:
        agent = paint(max_output_tokens=OUTPUT_TOKENS)
        super().__init__(agent, env=env, table=table, clock=clock, prices=provider.prices)
        self.limit(**limits)
        self.models = self.provider = provider
        self.topics, self.chance = LoggedTopics(log=provider.log), random
        services = self.restart()
        for one in ("turns", "attempts", "stores", "reconciler"):  # made before threads ask for them at once
            getattr(services, one)

    def turn(self, key: str, customer: str = "carla", task: str = "") -> Sent:
        """Send a turn, past the HTTP envelope, which serves one request at a time."""
        body = {"message": "Which colour?", "customer_id": customer, **({"task_id": task} if task else {})}
        turns = self.services.turns
        opening = turns.open(NewTurn(self.agent(AGENT), TENANT, customer, PATH, key, body, remaining_s=28))
        try:
            document, _ = answer_once(turns, opening, Context())
        except Exception as error:  # noqa: BLE001 - mapped as the API maps it
            refusal = json.loads(str(of_error(error).body))
            return Sent(refusal["status"], refusal["type"].rpartition(":")[2], refusal["detail"])
        return Sent(document.status, "", document.body)


@dataclass(frozen=True)
class Deployment:
    """How every environment of a test is made; it is sent to other processes as it is."""

    cloud: Cloud
    log: Log
    weather: Weather = CLEAR
    env: Mapping[str, Any] = field(default_factory=dict)
    limits: Mapping[str, int] = field(default_factory=dict)
    """Limits that no variable sets, in micro-dollars, by their names in `Limits`."""
    modes: Mapping[str, str] = field(default_factory=dict)
    prices: Mapping[str, Any] = field(default_factory=lambda: PRICES)
    used: float = 1.0
    patience_s: float = 30.0
    clock_ahead_s: float = 0.0

    def but(self, **changes: Any) -> "Deployment":
        """Return a copy of the deployment with some changes."""
        return replace(self, **changes)

    def table(self) -> Table:
        """Open the table, through weather that differs in every process."""
        return self.cloud.open(replace(self.weather, seed=os.getpid()), patience_s=self.patience_s)

    def environment(self, table: Table | None = None) -> Environment:
        """Begin an execution environment."""
        env = {**NO_RATE, "limits.task_usd": usd(10_000), "limits.customer_day_usd": usd(10_000), **self.env}
        clock = RealTime(self.clock_ahead_s)
        provider = Provider(clock, log=self.log, modes=self.modes, prices=self.prices, used=self.used)
        return Environment(table or self.table(), provider, env, clock, self.limits)


def day_key(customer: str = "carla") -> tuple[str, str]:
    """Return where a customer's spending of today is kept."""
    return keys.customer_day(TENANT, customer, utc_day(time.time()))


def month_key(customer: str = "carla") -> tuple[str, str]:
    """Return where a customer's spending of this month is kept."""
    return keys.customer_month(TENANT, customer, month_of(utc_day(time.time())))


def task_key(task: str, customer: str = "carla") -> tuple[str, str]:
    """Return where a task's spending is kept."""
    return keys.task(TENANT, customer, task)


def amounts(item: Item | None) -> tuple[int, int]:
    """Return what a counter has: (committed, posted)."""
    return int((item or {}).get("committed", 0)), int((item or {}).get("posted", 0))


def spend_already(table: Table, amount: int) -> None:
    """Post an amount for the customer, today."""
    now = time.time()
    turns, spend = TurnStore(table, time.time), SpendStore(table, time.time)
    turn, _ = turns.acquire(blank_turn("earlier"), Lease(now + 60))
    held = Reservation(
        reservation_id="earlier",
        turn_id=turn.turn_id,
        tenant=turn.tenant,
        customer=turn.customer,
        task=turn.task,
        day=utc_day(now),
        reserved_micro_usd=amount,
        sweep_at=now + 90,
        epoch=1,
        model="openai:first",
        tier="first_attempt",
    )
    spend.reserve(turn, turns.owned(turn), held, Limits(10 * amount, 10 * amount), None)
    spend.settle(Settlement(held, amount, CallReport("openai:first")))


def blank_turn(turn_id: str) -> Turn:
    """Return a turn as a request makes it."""
    now = time.time()
    request = {"message": "Which colour?"}
    return Turn(
        turn_id=turn_id,
        tenant=TENANT,
        customer="carla",
        agent="paint",
        agent_version="1",
        task=turn_id,
        conversation="conv",
        request_fingerprint="fp",
        request=request,
        created_at=now,
        answer_by=now + 3_600,
    )
