"""One double for all of these tests, forgotten before each."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from turnkeeper.agent import Agent

from tests.local.chains.chain import Deployment, Double
from tests.local.chats import serving

Deploy = Callable[..., Deployment]


@pytest.fixture(scope="session")
def _served() -> Iterator[tuple[Double, str]]:
    double = Double()
    with serving(double) as url:
        yield double, url


@pytest.fixture
def double(_served: tuple[Double, str]) -> Double:
    _served[0].reset()
    return _served[0]


@pytest.fixture
def url(_served: tuple[Double, str]) -> str:
    """Where the double is."""
    return _served[1]


@pytest.fixture
def deploy(double: Double, url: str) -> Deploy:
    """Return what deploys agents."""

    def deployed(*agents: Agent[Any], **changes: Any) -> Deployment:
        return Deployment(double, url, *agents, **changes)

    return deployed
