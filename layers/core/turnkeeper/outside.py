"""Everything outside the process that the use cases need, in one bundle: AWS in a deployment, memory in tests."""

import random
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from turnkeeper.agent import Agent, Endpoint
from turnkeeper.domain.money import Price
from turnkeeper.ports import (
    CallbackSender,
    Clock,
    ModelClient,
    Notifier,
    Queue,
    Table,
    Telemetry,
    ToolTransport,
    Workflow,
)


@dataclass(frozen=True)
class Outside:
    """The implementations of the ports, the agents, and what a test replaces: clock, randomness, sleep and new ids.

    `models` returns the client of an endpoint; `prices` maps a model's id to its price. `clock` returns
    seconds since the epoch, `random` returns 0 to 1, and `sleep` takes seconds.
    """

    table: Table
    notifier: Notifier
    workflow: Workflow
    queue: Queue
    dead_letters: Queue
    callbacks: CallbackSender
    models: Callable[[Endpoint], ModelClient]
    tools: ToolTransport
    telemetry: Telemetry
    prices: Mapping[str, Price]
    agents: Callable[[str], Agent[Any]]
    agent_names: Callable[[], Sequence[str]]
    clock: Clock = time.time
    random: Callable[[], float] = random.random
    sleep: Callable[[float], None] = time.sleep
    new_id: Callable[[], str] = lambda: uuid4().hex
