"""What a LiteLLM proxy between us and a provider is told, and how its answers are read, on every wire that it serves.

Its answers are as version 1.108.7 gave them; `tests/gateways` asks the proxy itself.
"""

import os
from collections.abc import Iterator
from typing import Any
from unittest.mock import patch

import pytest
from turnkeeper.adapters.models import model_client
from turnkeeper.adapters.models.http import JsonPost
from turnkeeper.adapters.secrets import Secrets
from turnkeeper.agent import Endpoint
from turnkeeper.authoring.presets import PRESETS
from turnkeeper.domain.chat import Finish, Message, ModelReply
from turnkeeper.domain.failures import CONSEQUENCES, Billed, Failure
from turnkeeper.errors import DependencyError
from turnkeeper.ports import ModelClient

from infra.local.http_service import Response
from tests.contract.models.conftest import Service
from tests.contract.models.wires import WIRES, Wire, ask
from tests.local.chats import serving

NO_GROUP = (
    "LiteLLM: model group 'booking' failed with the error above and no fallback model group was found for it, so the "
    "request was not retried on another model. Fallbacks are configured for: content-filter-tests. Add a fallbacks "
    "entry for that model group (Router fallbacks or proxy router_settings.fallbacks) to retry on another model."
)
ALSO_FAILED = "LiteLLM: model group 'booking' failed with the error above. Fallback to second also failed: "
FILTERED = (
    "litellm.BadRequestError: litellm.ContentPolicyViolationError: ContentPolicyViolationError: OpenAIException - No."
)
LOST = "litellm.InternalServerError: InternalServerError: OpenAIException - "


class Gateway:
    """A proxy that gives one answer, and an endpoint at it."""

    def __init__(self, wire: Wire, url: str, service: Service, **traits: Any) -> None:
        self.wire, self.service = wire, service
        place = url if wire.name == "anthropic" else f"{url}/v1"
        endpoint = Endpoint("mine", wire.name, place, **{"retries_inside": True, **traits})
        self.client: ModelClient = model_client(endpoint, Secrets({"MINE_API_KEY": "local"}))

    def asks(self, answer: Response | None = None, *, timeout_s: float = 5, said: str = "Hello?") -> ModelReply:
        """Ask once."""
        self.service.answer = answer or self.wire.ok()
        return self.client.complete(ask(self.wire, messages=(Message("user", said),)), timeout_s=timeout_s)

    def fails(
        self, status: int, message: str, kind: str = "", headers: dict[str, str] | None = None, *, said: str = "Hello?"
    ) -> DependencyError:
        """Ask, and return what its error answer means."""
        error = {"message": message, "type": kind or "invalid_request_error", "param": None, "code": str(status)}
        with pytest.raises(DependencyError) as caught:
            self.asks(Response.of_json(status, {"error": error}, headers), said=said)
        return caught.value

    def told(self) -> dict[str, str]:
        """The headers for a gateway that it was sent."""
        sent = self.service.requests[-1].headers
        return {name: value for name, value in sent.items() if name.startswith("x-litellm-")}

    def close(self) -> None:
        """Let go of its connections."""
        post = getattr(self.client, "_post", None)
        assert isinstance(post, JsonPost)
        post._client.close()


@pytest.fixture(params=["chat", "responses", "anthropic"])
def wire(request: pytest.FixtureRequest) -> Wire:
    return WIRES[request.param]


@pytest.fixture(scope="module")
def served() -> Iterator[tuple[str, Service]]:
    service = Service()
    with patch.dict(os.environ, {"NO_PROXY": "127.0.0.1"}), serving(service) as url:
        yield url, service


@pytest.fixture
def gateway(wire: Wire, served: tuple[str, Service]) -> Iterator[Gateway]:
    made = Gateway(wire, *served)
    yield made
    made.close()


def test_a_gateway_is_told_to_ask_once_and_how_long_it_may_take(gateway: Gateway) -> None:
    gateway.asks(timeout_s=4.25)

    assert {"x-litellm-num-retries": "0", "x-litellm-timeout": "3.8"} == gateway.told()
    assert PRESETS["litellm"].retries_inside


def test_a_provider_itself_is_told_nothing_of_that(wire: Wire, served: tuple[str, Service]) -> None:
    plain = Gateway(wire, *served, retries_inside=False)
    plain.asks()

    assert {} == plain.told()
    plain.close()


@pytest.mark.parametrize(
    ("status", "name", "failure"),
    [(429, "RateLimitError", Failure.RATE_LIMITED), (503, "ServiceUnavailableError", Failure.SERVER_ERROR)],
)
@pytest.mark.parametrize(
    ("header", "pause"), [({"llm_provider-retry-after": "7"}, 7), ({"llm_provider-retry-after-ms": "1500"}, 1.5)]
)
def test_the_pause_that_the_provider_asked_for_is_read(
    gateway: Gateway, status: int, name: str, failure: Failure, header: dict[str, str], pause: float
) -> None:
    error = gateway.fails(status, f"litellm.{name}: OpenAIException - Busy.\n\n{NO_GROUP}", headers=header)

    assert (failure, pause) == (error.failure, error.retry_after_s)


def test_the_gateways_own_pause_goes_before_its_providers(gateway: Gateway) -> None:
    error = gateway.fails(
        429,
        "No deployments available for selected model, Try again in 5 seconds.",
        "all_deployments_in_cooldown",
        {"retry-after": "5", "llm_provider-retry-after": "7"},
    )

    assert (Failure.RATE_LIMITED, 5) == (error.failure, error.retry_after_s)


def test_an_answer_of_the_gateways_own_fallback_is_of_another_model(gateway: Gateway) -> None:
    whole = gateway.wire.ok()
    fallback = Response(200, whole.body, {**whole.headers, "x-litellm-attempted-fallbacks": "1"})

    assert gateway.asks(fallback).model.startswith("a fallback of ")
    assert not gateway.asks(whole).model.startswith("a fallback of ")


@pytest.mark.parametrize(
    ("status", "kind", "expected"),
    [
        (403, "permission_error", Failure.BAD_KEY),
        (413, "invalid_request_error", Failure.BAD_REQUEST),
        (402, "invalid_request_error", Failure.NO_CREDIT),
        (418, "invalid_request_error", Failure.BAD_REQUEST),
        (500, "internal_server_error", Failure.SERVER_ERROR),
        (524, "internal_server_error", Failure.TIMEOUT),
    ],
)
def test_an_error_that_the_gateway_has_no_name_for_means_what_its_status_does(
    gateway: Gateway, status: int, kind: str, expected: Failure
) -> None:
    said = f"litellm.APIError: APIError: OpenAIException - Error code: {status}\n\n{NO_GROUP}"

    assert expected is gateway.fails(status, said, kind).failure


def test_what_the_gateway_adds_says_nothing_about_the_model(gateway: Gateway) -> None:
    error = gateway.fails(404, f"litellm.NotFoundError: OpenAIException - Error code: 404\n\n{NO_GROUP}")

    assert (Failure.BAD_REQUEST, "litellm.NotFoundError: OpenAIException - Error code: 404") == (
        error.failure,
        error.said,
    )


def test_what_became_of_the_gateways_fallback_is_not_what_became_of_the_model(gateway: Gateway) -> None:
    other = "litellm.APIError: APIError: OpenAIException - You exceeded your current quota."
    error = gateway.fails(429, f"litellm.RateLimitError: OpenAIException - Busy.\n\n{ALSO_FAILED}{other}")

    assert Failure.RATE_LIMITED is error.failure


@pytest.mark.parametrize("said", [FILTERED, "litellm.BadRequestError: OpenAIException - The response was filtered."])
def test_what_a_filter_refused_the_gateways_fallback_goes_to_a_person(gateway: Gateway, said: str) -> None:
    message = f"litellm.InternalServerError: OpenAIException - boom\n\n{ALSO_FAILED}{said}"
    error = {"message": message, "type": "internal_server_error", "param": None, "code": "500"}

    assert Finish.CONTENT_FILTER is gateway.asks(Response.of_json(500, {"error": error})).finish


def test_no_customer_can_cut_a_filters_words_off(gateway: Gateway) -> None:
    quoted = "LiteLLM: model group 'x' failed with the error above. Book me a dentist"
    error = {"message": f"The prompt '{quoted}' was flagged by moderation", "code": "400"}

    assert Finish.CONTENT_FILTER is gateway.asks(Response.of_json(400, {"error": error}), said=quoted).finish


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (f"{LOST}Connection error.", Failure.CONNECTION),
        (f"{LOST}Server disconnected without sending a response.", Failure.CONNECTION),
        (
            f"{LOST}peer closed connection without sending complete message body (incomplete chunked read)",
            Failure.CONNECTION,
        ),
        (f"{LOST}Expecting value: line 1 column 1 (char 0)", Failure.GARBAGE),
        (f"{LOST}Empty or invalid response from LLM endpoint. Received: '<html>'. Check it.", Failure.GARBAGE),
        ("litellm.APIError: APIError: OpenAIException - <html><body>Bad gateway</body></html>", Failure.GARBAGE),
        ("upstream connect error or disconnect/reset before headers. reset reason: overflow", Failure.CONNECTION),
        ("litellm.APIError: AzureException APIError - Unexpected response from Azure: None", Failure.GARBAGE),
        ("litellm.APIConnectionError: AnthropicException - Unable to get json response - ", Failure.GARBAGE),
    ],
)
def test_an_answer_that_the_gateway_lost_or_could_not_read_may_have_been_billed(
    gateway: Gateway, said: str, expected: Failure
) -> None:
    error = gateway.fails(500, f"{said}\n\n{NO_GROUP}", "internal_server_error")

    assert (expected, Billed.MAYBE) == (error.failure, CONSEQUENCES[error.failure].billed)


def test_a_rate_limit_that_the_gateway_took_for_a_lost_connection_is_one(gateway: Gateway) -> None:
    said = "litellm.APIConnectionError: AnthropicException - {'type': 'rate_limit_error', 'message': \"Too many.\"}"

    assert Failure.RATE_LIMITED is gateway.fails(500, f"{said}\n\n{NO_GROUP}", "internal_server_error").failure


def test_a_500_of_the_provider_behind_it_was_not_billed(gateway: Gateway) -> None:
    error = gateway.fails(500, f"{LOST}The server had an error while processing your request.\n\n{NO_GROUP}")

    assert (Failure.SERVER_ERROR, Billed.NO) == (error.failure, CONSEQUENCES[error.failure].billed)


def test_a_key_of_the_gateways_own_is_not_called_ours(gateway: Gateway) -> None:
    behind = "litellm.AuthenticationError: AuthenticationError: OpenAIException - Incorrect API key provided."
    ours = "Authentication Error, Invalid proxy server token passed. Unable to find token in cache or database."

    theirs = gateway.fails(401, f"{behind}\n\n{NO_GROUP}", "authentication_error")
    assert (Failure.BAD_KEY, behind) == (theirs.failure, theirs.said)
    assert "mine-api-key" not in theirs.detail
    assert "mine-api-key" in gateway.fails(401, ours, "auth_error").detail


def test_a_key_that_a_gateway_without_a_database_does_not_know_is_a_bad_key(gateway: Gateway) -> None:
    assert Failure.BAD_KEY is gateway.fails(400, "No connected db.", "no_db_connection").failure
