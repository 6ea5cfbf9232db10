"""Makes the adapters of a deployment on AWS: boto3 clients with bounded timeouts, and the clients of the providers."""

from collections.abc import Callable
from typing import Any

import boto3
from aws_lambda_powertools import Logger, Metrics
from botocore.config import Config

from turnkeeper.adapters.agents import agent, agent_names
from turnkeeper.adapters.callbacks import HttpCallbacks, callback_key
from turnkeeper.adapters.dynamodb import DynamoTable
from turnkeeper.adapters.models import model_clients
from turnkeeper.adapters.prices import load_prices
from turnkeeper.adapters.secrets import Secrets
from turnkeeper.adapters.sender import Sender
from turnkeeper.adapters.sns import SnsNotifier
from turnkeeper.adapters.sqs import SqsQueue
from turnkeeper.adapters.stepfunctions import StepFunctions
from turnkeeper.adapters.telemetry import PowertoolsTelemetry
from turnkeeper.adapters.tool_http import HttpTransport
from turnkeeper.domain.stage import Stage
from turnkeeper.outside import Outside
from turnkeeper.settings import Settings

_CONNECT_S, _READ_S = 0.5, 3.0
_TABLE_READ_S, _TABLE_PATIENCE_S = 1.0, 3.0
"""Seconds of one try, and until the last try begins: `DynamoTable` retries, as it knows what a repeated write means."""


def _client(service: str, *, attempts: int, read_s: float = _READ_S) -> Any:
    config = Config(
        connect_timeout=_CONNECT_S,
        read_timeout=read_s,
        retries={"mode": "standard", "total_max_attempts": attempts},
        tcp_keepalive=True,
        max_pool_connections=10,
    )
    return boto3.client(service, config=config)  # type: ignore[call-overload]


def aws_outside(settings: Settings, stage: Callable[[], Stage]) -> Outside:
    """Make the adapters of a deployment; a client that only some functions need is made when it is first used.

    `stage` returns the stage as it was last read.
    """
    env = settings.environment
    secrets = Secrets(env)

    def private_hosts() -> tuple[str, ...]:
        return stage().settings.private_hosts

    sender = Sender(private_hosts)
    tools = HttpTransport(sender, secrets, lambda: stage().settings.dependency_urls)
    return Outside(
        table=DynamoTable(
            _client("dynamodb", attempts=1, read_s=_TABLE_READ_S), settings.table_name, patience_s=_TABLE_PATIENCE_S
        ),
        notifier=Lazy(lambda: SnsNotifier(_client("sns", attempts=1))),
        queue=Lazy(lambda: SqsQueue(_client("sqs", attempts=3), env.get("CALLBACK_QUEUE_URL", ""))),
        dead_letters=Lazy(lambda: SqsQueue(_client("sqs", attempts=3), env.get("DEAD_LETTERS_URL", ""))),
        callbacks=Lazy(lambda: HttpCallbacks(sender, callback_key(secrets, env))),
        workflow=Lazy(lambda: StepFunctions(_client("stepfunctions", attempts=3), settings.state_machine_arn)),
        models=model_clients(secrets, private_hosts),
        tools=tools,
        telemetry=PowertoolsTelemetry(Logger(), Metrics()),
        prices=load_prices(),
        agents=agent,
        agent_names=agent_names,
    )


class Lazy:
    """Stands in for an object, and makes it when its first attribute is read."""

    def __init__(self, make: Callable[[], Any]) -> None:
        self._make, self._made = make, None

    def __getattr__(self, name: str) -> Any:
        self._made = self._made or self._make()
        return getattr(self._made, name)
