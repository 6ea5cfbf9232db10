"""A table in moto behind a network that fails as a test plans it."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest
from turnkeeper.adapters.dynamodb import DynamoTable

from tests.contract.table.faults import Faults, Time

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


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
