"""The local services, one of each for every test that asks."""

import os
from collections.abc import Iterator
from pathlib import Path
from unittest.mock import patch

import httpx
import pytest

from infra.local import sgd
from infra.local.http_service import App
from infra.local.model_provider.annotated import Annotations
from infra.local.model_provider.app import Provider
from infra.local.model_provider.brain import Brain
from infra.local.tools_service.app import ToolsService
from tests.local.chats import serving


@pytest.fixture(scope="session", autouse=True)
def _credentials() -> Iterator[None]:
    keys = {"AWS_ACCESS_KEY_ID": "local", "AWS_SECRET_ACCESS_KEY": "local", "AWS_DEFAULT_REGION": "eu-central-1"}
    with patch.dict(os.environ, keys):
        yield


@pytest.fixture(scope="session")
def dialogues() -> list[sgd.Dialogue]:
    path = sgd.find()
    if path is None or not Path(path).exists():
        pytest.skip("the data set is not at hand: set SGD_DATA")
    return sgd.load(path)


@pytest.fixture(scope="session")
def _provider() -> Iterator[str]:
    with serving(Provider(Brain(Annotations()))) as url:
        yield url


@pytest.fixture
def provider_url(_provider: str, http: httpx.Client) -> str:
    """A provider that knows no annotations, and of which nothing was asked yet."""
    http.delete(f"{_provider}/_faults")
    http.delete(f"{_provider}/_calls")
    return _provider


@pytest.fixture
def tools() -> App:
    """A tools' service with its own providers only."""
    return ToolsService([])


@pytest.fixture
def tools_url(tools: App) -> Iterator[str]:
    with serving(tools) as url:
        yield url


@pytest.fixture(scope="session")
def http() -> Iterator[httpx.Client]:
    with httpx.Client(trust_env=False, timeout=5) as client:
        yield client
