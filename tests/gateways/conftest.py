"""Gives these tests a LiteLLM proxy, and behind it the provider's double and a provider that says what it is told."""

import os
from collections.abc import Generator, Iterator
from typing import Any
from unittest.mock import patch

import httpx
import pytest

from infra.local.model_provider.annotated import Annotations
from infra.local.model_provider.app import Provider
from infra.local.model_provider.brain import Brain
from tests.contract.models.conftest import Service
from tests.gateways.places import Places
from tests.gateways.proxy import KEY, LITELLM, Proxy, running
from tests.local.chats import serving

Json = dict[str, Any]


def _groups(double: str, scripted: str) -> Iterator[Json]:
    """Yield the models of the proxy; none but `resting` rests after a failure."""
    said = {"model": "openai/gpt-5.4-mini", "api_base": f"{scripted}/v1"}
    groups: dict[str, Json] = {
        "chat": {"model": "openai/gpt-5.4-mini", "api_base": f"{double}/v1"},
        "custom": {"model": "openai/our-own-7b", "api_base": f"{double}/vllm/v1"},
        "azure": {"model": "openai/gpt-5.4-mini", "api_base": f"{double}/azure/openai/v1"},
        "claude": {"model": "anthropic/claude-haiku-5-5", "api_base": double},
        "luna": {"model": "openai/gpt-6-luna", "api_base": f"{double}/v1"},
        "second": {"model": "openai/gpt-5.4-nano", "api_base": f"{double}/v1"},
        "scripted": said,
        "scripted-azure": {"model": "azure/gpt-5.4-mini", "api_base": scripted, "api_version": "2024-10-21"},
        "scripted-claude": {"model": "anthropic/claude-haiku-5-5", "api_base": scripted},
        "falling": said,
        "resting": said,
    }
    for name, parameters in groups.items():
        deployment = {"model_name": name, "litellm_params": {"api_key": "local", **parameters}}
        yield deployment if name == "resting" else {**deployment, "model_info": {"allowed_fails": 1_000}}


@pytest.fixture(scope="session")
def places(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Places]:
    """Start all three once."""
    if not LITELLM.exists():
        pytest.skip("LiteLLM is missing: `make verify` installs it")
    service, http = Service(), httpx.Client(trust_env=False, timeout=5)
    with (
        patch.dict(os.environ, {"NO_PROXY": "127.0.0.1"}),
        http,
        serving(Provider(Brain(Annotations()))) as double,
        serving(service) as scripted,
    ):
        config = {
            "model_list": [*_groups(double, scripted)],
            "general_settings": {"master_key": KEY, "forward_client_headers_to_llm_api": True},
            "router_settings": {
                "num_retries": 3,
                "model_group_retry_policy": {"scripted": {"RateLimitErrorRetries": 3}},
                "fallbacks": [{"falling": ["second"]}],
            },
        }
        with running(config, tmp_path_factory.mktemp("litellm")) as proxy:
            _LOGS.append(proxy)
            found = Places(proxy, double, service, http)
            yield found
            found.close()


@pytest.fixture(autouse=True)
def _untouched(places: Places) -> None:
    """Let each test begin with a double that does not fail, and of which nothing was asked."""
    places.reset()


_LOGS: list[Proxy] = []


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show what the proxy said where a test fails."""
    report = yield
    if report.failed:
        report.sections += [("LiteLLM's log", proxy.log.read_text()[-5000:]) for proxy in _LOGS]
    return report
