"""An emulated DynamoDB in a process of its own, whose transactions are atomic whoever calls, with our table in it."""

import os
import subprocess
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import boto3
from botocore.config import Config
from turnkeeper.adapters.dynamodb import DynamoTable

from tests.support.servers import free_port, started
from tests.support.weather import CLEAR, Weather
from tests.template.source import table_shape

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

ROOT = Path(__file__).resolve().parents[2]
MINISTACK = ROOT / ".venv-ministack" / "bin" / "ministack"
REGION = "eu-central-1"
_PATIENCE_S = 30
_NOT_FOR_IT = ("AWS_ENDPOINT_URL", "PYTHONPATH", "VIRTUAL_ENV")


@dataclass(frozen=True, slots=True)
class Cloud:
    """One table of an emulator that runs; it is sent to other processes as it is."""

    endpoint: str
    table: str

    def client(self, *, timeout_s: float = 30.0) -> "DynamoDBClient":
        """Make a client that leaves retries to the table, as bootstrap's does."""
        config = Config(
            connect_timeout=timeout_s,
            read_timeout=timeout_s,
            max_pool_connections=64,
            retries={"mode": "standard", "total_max_attempts": 1},
        )
        return _session().client(
            "dynamodb",
            endpoint_url=self.endpoint,
            region_name=REGION,
            aws_access_key_id="test",
            aws_secret_access_key="test",
            config=config,
        )

    def open(self, weather: Weather = CLEAR, *, patience_s: float = 30.0) -> DynamoTable:
        """Open the table through some weather; patient, because two cores serve hundreds of callers."""
        client = self.client()
        weather.over(client)
        return DynamoTable(client, self.table, patience_s=patience_s)


@cache
def _session() -> boto3.session.Session:
    """Read boto3's descriptions of the services once."""
    return boto3.session.Session()


@contextmanager
def emulator(log: Path) -> Iterator[tuple[str, "subprocess.Popen[bytes]"]]:
    """Run an emulator of AWS: yields its address and its process."""
    port = free_port()
    environment = {name: value for name, value in os.environ.items() if name not in _NOT_FOR_IT} | {
        "GATEWAY_PORT": str(port),
        "BIND_HOST": "127.0.0.1",
        "MINISTACK_HOST": "127.0.0.1",
        "MINISTACK_REGION": REGION,
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
    }
    endpoint = f"http://127.0.0.1:{port}"
    with started(
        [str(MINISTACK)], f"{endpoint}/_ministack/health", log, environment, patience_s=_PATIENCE_S
    ) as process:
        yield endpoint, process


def new_table(endpoint: str) -> Cloud:
    """Make an empty table as the template makes it."""
    cloud = Cloud(endpoint, f"turnkeeper-{uuid.uuid4().hex[:12]}")
    cloud.client().create_table(TableName=cloud.table, **table_shape())
    return cloud
