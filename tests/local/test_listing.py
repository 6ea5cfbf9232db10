"""The local provider lists models as OpenAI and Anthropic do: what it answers is what their SDKs read."""

import httpx
import pytest
from anthropic.types import ModelInfo
from openai.types import Model

OPENAI = {"Authorization": "Bearer k"}
ANTHROPIC = {"x-api-key": "k", "anthropic-version": "2023-06-01"}


def test_openai_s_models_are_those_of_its_sdk(provider_url: str, http: httpx.Client) -> None:
    listed = http.get(f"{provider_url}/v1/models", headers=OPENAI).json()
    one = Model.model_validate(http.get(f"{provider_url}/v1/models/gpt-4.1-mini", headers=OPENAI).json(), strict=True)

    assert "list" == listed["object"]
    assert one in [Model.model_validate(model) for model in listed["data"]]
    assert "2027-01-14" == one.shutdown_date


def test_anthropic_s_models_are_those_of_its_sdk(provider_url: str, http: httpx.Client) -> None:
    listed = http.get(f"{provider_url}/v1/models", headers=ANTHROPIC).json()
    one = ModelInfo.model_validate(http.get(f"{provider_url}/v1/models/claude-haiku-4-5", headers=ANTHROPIC).json())

    assert {"has_more": False, "last_id": listed["data"][-1]["id"]}.items() <= listed.items()
    assert one in [ModelInfo.model_validate(model) for model in listed["data"]]
    assert ("claude-haiku-4-5-20251001", "active") == (one.id, one.lifecycle)
    assert one.capabilities
    assert (False, True) == (one.capabilities.effort.supported, one.capabilities.thinking.types.enabled.supported)


def test_a_retired_model_of_openai_is_told_from_one_that_never_was(provider_url: str, http: httpx.Client) -> None:
    errors = [
        http.get(f"{provider_url}/v1/models/{name}", headers=OPENAI).json()["error"]
        for name in ("gpt-4.1-nano", "gpt-9")
    ]

    assert ["model_not_found", "model_not_found"] == [error["code"] for error in errors]
    assert [True, False] == ["has been deprecated" in error["message"] for error in errors]


def test_a_retired_model_of_anthropic_stays_listed(provider_url: str, http: httpx.Client) -> None:
    one = http.get(f"{provider_url}/v1/models/claude-sonnet-4-5", headers=ANTHROPIC).json()

    assert ("retired", "2026-11-30T00:00:00Z") == (one["lifecycle"], one["retires_at"])


@pytest.mark.parametrize(
    ("headers", "status", "kind"),
    [
        ({}, 401, "invalid_request_error"),
        ({"anthropic-version": "2023-06-01"}, 401, "authentication_error"),
        (OPENAI, 404, "invalid_request_error"),
        (ANTHROPIC, 404, "not_found_error"),
    ],
)
def test_what_is_refused_is_refused_as_the_provider_does(
    provider_url: str, http: httpx.Client, headers: dict[str, str], status: int, kind: str
) -> None:
    answer = http.get(f"{provider_url}/v1/models/no-such-model", headers=headers)

    assert (status, kind) == (answer.status_code, answer.json()["error"]["type"])
