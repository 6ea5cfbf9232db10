"""Tables to hold adapters and stores to: `table` is an empty one, in memory and in moto's DynamoDB in turn.

`faulty` is one in moto, behind a network that fails as a test plans it.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.config import Config
from moto import mock_aws
from turnkeeper.adapters.dynamodb import DynamoTable
from turnkeeper.adapters.memory import MemoryTable
from turnkeeper.ports import Table

from tests.contract.table.faults import Faults, Time
from tests.template.source import table_shape

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

TABLE_NAME = "turnkeeper"


@pytest.fixture(scope="module")
def moto_client() -> Iterator["DynamoDBClient"]:
    """Yield a client of moto's DynamoDB that leaves retries to the table, as bootstrap's does."""
    with mock_aws():
        yield boto3.client(
            "dynamodb",
            region_name="eu-central-1",
            aws_access_key_id="testing",
            aws_secret_access_key="testing",
            config=Config(retries={"mode": "standard", "total_max_attempts": 1}),
        )


@pytest.fixture
def dynamo_client(moto_client: "DynamoDBClient") -> Iterator["DynamoDBClient"]:
    """Yield a client with an empty table, `TABLE_NAME`, made as the template makes it."""
    moto_client.create_table(TableName=TABLE_NAME, **table_shape())
    yield moto_client
    moto_client.delete_table(TableName=TABLE_NAME)


@pytest.fixture
def dynamo_table(dynamo_client: "DynamoDBClient") -> DynamoTable:
    """Give an empty table in moto's DynamoDB."""
    return DynamoTable(dynamo_client, TABLE_NAME)


@pytest.fixture(params=["memory", "moto"])
def table(request: pytest.FixtureRequest) -> Table:
    """Give an empty table of each kind in turn."""
    if request.param == "memory":
        return MemoryTable()
    dynamo: DynamoTable = request.getfixturevalue("dynamo_table")
    return dynamo


@pytest.fixture
def time() -> Time:
    """Give a time that only sleeping moves."""
    return Time()


@pytest.fixture
def faults(dynamo_client: "DynamoDBClient") -> Iterator[Faults]:
    """Yield the faults of the client, of which there are none yet."""
    faults = Faults()
    events: Any = dynamo_client.meta.events
    events.register("before-call.dynamodb", faults.on_call)
    events.register("after-call.dynamodb", faults.on_answer)
    yield faults
    events.unregister("before-call.dynamodb", faults.on_call)
    events.unregister("after-call.dynamodb", faults.on_answer)


@pytest.fixture
def faulty(dynamo_client: "DynamoDBClient", faults: Faults, time: Time) -> DynamoTable:
    """Give the table that meets the faults; it waits the longest it may."""
    return DynamoTable(dynamo_client, "turnkeeper", clock=time.clock, sleep=time.sleep, random=lambda: 0.999)
