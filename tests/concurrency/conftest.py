"""Gives these tests an emulator of their own, and each test an empty table on it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.concurrency.deployment import Deployment, Log
from tests.support.emulator import MINISTACK, Cloud, emulator, new_table


@pytest.fixture(scope="session")
def endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Yield the address of an emulator that runs."""
    if not MINISTACK.exists():
        pytest.skip("the emulator is missing: run `make setup`")
    with emulator(tmp_path_factory.mktemp("emulator") / "log") as (address, _):
        yield address


@pytest.fixture
def cloud(endpoint: str) -> Cloud:
    """Give an empty table."""
    return new_table(endpoint)


@pytest.fixture
def deployment(cloud: Cloud, tmp_path: Path) -> Deployment:
    """Give a deployment over an empty table."""
    return Deployment(cloud, Log(tmp_path / "log"))
