"""Gives the tests a local cloud that is up, healed before each of them."""

import json
from collections.abc import Iterator

import pytest

from infra.local.config import STACK_FILE
from tests.console.conftest import browser as browser  # noqa: PLC0414 - the fixture is for these tests too
from tests.e2e.cloud import Cloud


@pytest.fixture(scope="session")
def running_cloud() -> Iterator[Cloud]:
    """Yield the local cloud; without one there is nothing to test."""
    if not STACK_FILE.exists():
        pytest.skip("the local cloud is not up: run `make up`")
    cloud = Cloud(json.loads(STACK_FILE.read_text()))
    with cloud.http:
        yield cloud


@pytest.fixture
def cloud(running_cloud: Cloud) -> Iterator[Cloud]:
    """Yield the local cloud with no faults and closed breakers."""
    running_cloud.heal()
    yield running_cloud
    running_cloud.heal()
