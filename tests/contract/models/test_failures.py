"""What every provider's error answers mean, in the words of the one table (`domain/failures.py`)."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from turnkeeper.adapters.models.http import JsonPost
from turnkeeper.adapters.secrets import Secrets
from turnkeeper.domain.chat import Finish, Message, Usage
from turnkeeper.domain.failures import CONSEQUENCES, STATUSES, Billed, Failure, failure_of_status
from turnkeeper.domain.wires import WIRES as ENDPOINT_WIRES
from turnkeeper.errors import DependencyError

from infra.local.http_service import Request, Response
from tests.contract.models.conftest import Provider
from tests.contract.models.wires import WIRES, ask
from tests.local.chats import serving

PROMPT = "and here is your prompt again"


def openai(kind: str, code: Any = None) -> dict[str, Any]:
    return {"error": {"message": PROMPT, "type": kind, "param": None, "code": code}}


def anthropic(kind: str, message: str = PROMPT) -> dict[str, Any]:
    return {"type": "error", "error": {"type": kind, "message": message}, "request_id": "req_011CSHoEeqs5C35K2UUqR7Fy"}


ERRORS: dict[str, list[tuple[int, Any, Failure]]] = {
    "chat": [
        (400, openai("invalid_request_error"), Failure.BAD_REQUEST),
        (400, openai("invalid_request_error", "context_length_exceeded"), Failure.BAD_REQUEST),
        (400, openai("insufficient_quota", "billing_hard_limit_reached"), Failure.NO_CREDIT),
        (401, openai("invalid_request_error", "invalid_api_key"), Failure.BAD_KEY),
        (402, {"error": {"message": PROMPT, "code": 402}}, Failure.NO_CREDIT),
        (403, openai("request_forbidden", "unsupported_country_region_territory"), Failure.BAD_KEY),
        (404, openai("invalid_request_error", "model_not_found"), Failure.MODEL_GONE),
        (408, None, Failure.TIMEOUT),
        (413, openai("invalid_request_error"), Failure.BAD_REQUEST),
        (429, openai("requests", "rate_limit_exceeded"), Failure.RATE_LIMITED),
        (429, openai("tokens", "rate_limit_exceeded"), Failure.RATE_LIMITED),
        (429, openai("insufficient_quota", "insufficient_quota"), Failure.NO_CREDIT),
        (429, openai("billing_not_active", "billing_not_active"), Failure.NO_CREDIT),
        (500, openai("server_error"), Failure.SERVER_ERROR),
        (503, openai("server_error", "service_unavailable"), Failure.SERVER_ERROR),
        (404, openai("invalid_request_error"), Failure.BAD_REQUEST),
        (400, {"error": PROMPT}, Failure.BAD_REQUEST),
        (404, {"object": "error", "message": PROMPT, "type": "NotFoundError", "code": 404}, Failure.BAD_REQUEST),
    ],
    "anthropic": [
        (400, anthropic("invalid_request_error"), Failure.BAD_REQUEST),
        (
            400,
            anthropic("invalid_request_error", "Your credit balance is too low to access the Anthropic API."),
            Failure.NO_CREDIT,
        ),
        (
            400,
            anthropic("invalid_request_error", "You have reached your specified API usage limits."),
            Failure.NO_CREDIT,
        ),
        (401, anthropic("authentication_error"), Failure.BAD_KEY),
        (402, anthropic("billing_error"), Failure.NO_CREDIT),
        (403, anthropic("permission_error"), Failure.BAD_KEY),
        (404, anthropic("not_found_error"), Failure.BAD_REQUEST),
        (404, anthropic("not_found_error", "model: claude-sonnet-4-5"), Failure.MODEL_GONE),
        (413, anthropic("request_too_large"), Failure.BAD_REQUEST),
        (429, anthropic("rate_limit_error"), Failure.RATE_LIMITED),
        (500, anthropic("api_error"), Failure.SERVER_ERROR),
        (504, anthropic("timeout_error"), Failure.TIMEOUT),
        (529, anthropic("overloaded_error"), Failure.SERVER_ERROR),
    ],
    "bedrock": [
        (400, "ValidationException", Failure.BAD_REQUEST),
        (400, "ServiceQuotaExceededException", Failure.NO_CREDIT),
        (400, "ExpiredTokenException", Failure.BAD_KEY),
        (400, "ThrottlingException", Failure.RATE_LIMITED),
        (402, "PaymentRequiredException", Failure.NO_CREDIT),
        (403, "AccessDeniedException", Failure.BAD_KEY),
        (403, "ExpiredTokenException", Failure.BAD_KEY),
        (403, "UnrecognizedClientException", Failure.BAD_KEY),
        (403, "InvalidSignatureException", Failure.BAD_KEY),
        (404, "ResourceNotFoundException", Failure.BAD_REQUEST),
        (408, "ModelTimeoutException", Failure.TIMEOUT),
        (424, "ModelErrorException", Failure.SERVER_ERROR),
        (429, "ThrottlingException", Failure.RATE_LIMITED),
        (429, "ModelNotReadyException", Failure.RATE_LIMITED),
        (500, "InternalServerException", Failure.SERVER_ERROR),
        (503, "ServiceUnavailableException", Failure.SERVER_ERROR),
    ],
}
ERRORS["responses"] = ERRORS["chat"]
CASES = [(provider, *case) for provider, cases in ERRORS.items() for case in cases]


def answer(provider: str, status: int, body: Any, headers: dict[str, str] | None = None) -> Response:
    if body is None:
        return Response(status, b"<html>Bad gateway</html>", headers or {})
    if provider == "bedrock":
        kind = {"x-amzn-ErrorType": f"{body}:http://internal.amazon.com/coral/com.amazon.bedrock/"}
        return Response.of_json(status, {"message": PROMPT}, {**kind, **(headers or {})})
    return Response.of_json(status, body, headers)


def failure(provider: Provider, response: Response) -> DependencyError:
    with pytest.raises(DependencyError) as caught:
        provider.replies(response)
    return caught.value


@pytest.mark.parametrize(("provider", "status", "body", "expected"), CASES, indirect=["provider"])
def test_an_error_answer_is_named(provider: Provider, status: int, body: Any, expected: Failure) -> None:
    error = failure(provider, answer(provider.wire.name, status, body))

    assert error.failure is expected
    assert PROMPT not in str(error)
    assert len(provider.service.requests) == 1


@pytest.mark.parametrize(
    ("provider", "codes"),
    [("responses", "invalid_api_key"), ("chat", "invalid_api_key"), ("anthropic", "expired_key")],
    indirect=["provider"],
)
def test_a_rejected_key_is_named_with_what_the_provider_said(provider: Provider, codes: str) -> None:
    body = {"error": {"code": codes, "message": "Incorrect API key provided: local"}}
    error = failure(provider, answer(provider.wire.name, 401, body))

    assert f"the secret {provider.wire.name}-api-key was rejected (401 {codes}): store a valid one in " in error.detail


@pytest.mark.parametrize("status", [*STATUSES, 400, 404, 409, 413, 422, 500, 501, 503, 526, 529])
def test_a_status_alone_means_the_same_of_every_provider(provider: Provider, status: int) -> None:
    error = failure(provider, answer(provider.wire.name, status, None))

    assert failure_of_status(status) is error.failure
    assert error.sent


@pytest.mark.parametrize("status", [502, 504, 520, 521, 522, 523, 524, 525, 530, 598, 599])
def test_what_a_proxy_answers_in_a_providers_place_may_have_been_billed(provider: Provider, status: int) -> None:
    error = failure(provider, answer(provider.wire.name, status, None))

    assert Billed.MAYBE is CONSEQUENCES[error.failure].billed


@pytest.mark.parametrize("status", [500, 503])
def test_what_a_provider_itself_could_not_do_was_not_billed(provider: Provider, status: int) -> None:
    error = failure(provider, answer(provider.wire.name, status, None))

    assert Billed.NO is CONSEQUENCES[error.failure].billed


def test_every_provider_is_held_to_this() -> None:
    assert set(ENDPOINT_WIRES) == WIRES.keys()


def test_every_provider_can_tell_what_the_table_treats_apart() -> None:
    named = {provider: {case[2] for case in cases} for provider, cases in ERRORS.items()}
    treated_apart = {
        Failure.BAD_KEY,
        Failure.BAD_REQUEST,
        Failure.NO_CREDIT,
        Failure.RATE_LIMITED,
        Failure.SERVER_ERROR,
        Failure.TIMEOUT,
    }

    assert all(treated_apart <= names for names in named.values())


@pytest.mark.parametrize("words", ["Access denied: INVALID_PAYMENT_INSTRUMENT: a valid payment instrument is needed."])
@pytest.mark.parametrize("provider", ["bedrock"], indirect=True)
def test_an_account_that_cannot_pay_is_out_of_credit_and_not_a_bad_key(provider: Provider, words: str) -> None:
    kind = {"x-amzn-ErrorType": "AccessDeniedException"}

    assert failure(provider, Response.of_json(403, {"message": words}, kind)).failure is Failure.NO_CREDIT


_BUSY = {
    "responses": openai("requests"),
    "chat": openai("requests"),
    "anthropic": anthropic("rate_limit_error"),
}


def _limited(provider: Provider, header: str | None) -> float | None:
    body: Any = _BUSY.get(provider.wire.name, "ThrottlingException")
    headers = {} if header is None else {"Retry-After": header}
    error = failure(provider, answer(provider.wire.name, 429, body, headers))
    assert error.failure is Failure.RATE_LIMITED
    return error.retry_after_s


def test_retry_after_is_read_in_seconds(provider: Provider) -> None:
    assert (_limited(provider, "7"), _limited(provider, "0.5"), _limited(provider, "-3")) == (7, 0.5, 0)


def test_retry_after_is_read_as_a_date(provider: Provider) -> None:
    now = datetime.now(UTC)

    soon = _limited(provider, format_datetime(now + timedelta(seconds=90), usegmt=True))

    assert soon is not None
    assert 80 < soon <= 90
    assert _limited(provider, format_datetime(now - timedelta(days=1), usegmt=True)) == 0


@pytest.mark.parametrize("header", [None, "", "soon", "nan", "inf", "1e999", "Fri, 99 Foo 2026 99:99:99 GMT"])
def test_a_retry_after_that_is_neither_is_none(provider: Provider, header: str | None) -> None:
    assert _limited(provider, header) is None


FILTERED = [
    ("chat", 400, openai("invalid_request_error", "content_filter"), None),
    ("chat", 400, openai("invalid_request_error", "content_policy_violation"), None),
    (
        "chat",
        403,
        {"error": {"code": 403, "message": PROMPT, "metadata": {"reasons": ["violence"], "flagged_input": "x"}}},
        Usage(0, 0),
    ),
    ("chat", 400, openai("invalid_request_error", "invalid_prompt"), None),
    ("anthropic", 400, anthropic("invalid_request_error", "Output blocked by content filtering policy"), None),
]


@pytest.mark.parametrize(("provider", "status", "body", "used"), FILTERED, indirect=["provider"])
def test_a_filter_that_answers_with_an_error_is_a_refusal_and_no_other_model_is_asked(
    provider: Provider, status: int, body: Any, used: Usage | None
) -> None:
    reply = provider.replies(answer(provider.wire.name, status, body))

    assert (reply.finish, reply.text, reply.usage) == (Finish.CONTENT_FILTER, "", used)
    assert not CONSEQUENCES[Failure.CONTENT_FILTER].next_model


@pytest.mark.parametrize(
    ("status", "words", "expected"),
    [
        (404, "This model version has reached the end of its life.", Failure.MODEL_GONE),
        (404, "Access denied. This Model is marked by provider as Legacy.", Failure.MODEL_GONE),
        (404, "Model use case details have not been submitted for this account.", Failure.BAD_KEY),
        (400, "The provided model identifier is invalid.", Failure.MODEL_GONE),
    ],
)
@pytest.mark.parametrize("provider", ["bedrock"], indirect=True)
def test_bedrocks_words_for_a_model_that_is_gone(
    provider: Provider, status: int, words: str, expected: Failure
) -> None:
    kind = {"x-amzn-ErrorType": "ResourceNotFoundException" if status == 404 else "ValidationException"}
    error = failure(provider, Response.of_json(status, {"message": words}, kind))

    assert (expected, words) == (error.failure, error.said)


@pytest.mark.parametrize("body", [b"<html>Bad gateway</html>", b'{"message": "Bad gateway"}', b'{"error": "x"}', b""])
@pytest.mark.parametrize("kind", [{}, {"x-amzn-ErrorType": "InternalServerException"}])
@pytest.mark.parametrize("status", [502, 504, 520, 522, 524])
@pytest.mark.parametrize("provider", ["bedrock"], indirect=True)
def test_whatever_a_proxy_before_bedrock_answers_may_have_been_billed(
    provider: Provider, status: int, kind: dict[str, str], body: bytes
) -> None:
    error = failure(provider, Response(status, body, kind))

    assert (STATUSES[status], Billed.MAYBE) == (error.failure, CONSEQUENCES[error.failure].billed)


INSIDE = [
    ({"error": {"message": "Rate limit exceeded", "code": 429}}, Failure.RATE_LIMITED, 7),
    ({"error": {"message": "Insufficient credits", "code": "402"}, "choices": []}, Failure.NO_CREDIT, None),
    ({"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}, Failure.SERVER_ERROR, 7),
    ({"__type": "com.amazon.bedrock#ThrottlingException", "message": "slow"}, Failure.RATE_LIMITED, 7),
    ({"error": {"message": "x", "code": 524}}, Failure.TIMEOUT, None),
    ([{"error": {"message": "x", "code": 503}}], Failure.SERVER_ERROR, 7),
]


@pytest.mark.parametrize(("body", "expected", "pause"), INSIDE)
def test_an_error_inside_a_200_is_that_error_and_its_pause_is_read(
    provider: Provider, body: Any, expected: Failure, pause: float | None
) -> None:
    error = failure(provider, Response.of_json(200, body, {"Retry-After": "7"}))

    assert (expected, pause) == (error.failure, error.retry_after_s)


def test_a_filter_inside_a_200_goes_to_a_person(provider: Provider) -> None:
    reply = provider.replies(Response.of_json(200, {"error": {"code": "content_filter", "message": "It was filtered"}}))

    assert (Finish.CONTENT_FILTER, "It was filtered") == (reply.finish, reply.why)


def test_the_providers_sentence_comes_without_the_prompt_and_its_keys(provider: Provider) -> None:
    request = ask(provider.wire, messages=(Message("user", "My name is Jane Roe, my tooth hurts."),))
    words = f"No: 'My name is Jane Roe, my tooth hurts' for sk-proj-1234567890 and {provider.wire.model}"
    provider.service.answer = Response.of_json(400, {"error": {"message": words, "code": "x"}, "message": words})

    with pytest.raises(DependencyError) as caught:
        provider.client.complete(request, timeout_s=5)

    assert f"No: '[…]' for […] and {provider.wire.model}" == caught.value.said
    assert "Jane" not in str(caught.value)


@pytest.mark.parametrize("provider", ["responses", "chat", "anthropic"], indirect=True)
def test_the_key_itself_is_never_repeated(provider: Provider) -> None:
    error = failure(provider, Response.of_json(401, {"error": {"message": "We do not know local."}}))

    assert "We do not know […]." == error.said


PAUSES = [({"retry-after-ms": "1500"}, 1.5), ({"Retry-After": "1s"}, 1), ({"x-ratelimit-reset-requests": "6m30s"}, 390)]


@pytest.mark.parametrize(("headers", "expected"), PAUSES)
def test_a_pause_is_read_in_every_form(provider: Provider, headers: dict[str, str], expected: float) -> None:
    body = "ThrottlingException" if provider.wire.name == "bedrock" else openai("requests")

    assert expected == failure(provider, answer(provider.wire.name, 429, body, headers)).retry_after_s


def test_a_moment_that_is_near_is_not_taken_for_a_number_of_seconds(provider: Provider) -> None:
    wait = _limited(provider, str(int(datetime.now(UTC).timestamp()) + 20))

    assert wait is not None
    assert 15 < wait <= 20


def test_the_headers_of_an_answer_are_returned() -> None:
    def served(_: Request) -> Response:
        headers = {"X-Litellm-Response-Cost": "0.01", "Set-Cookie": "a=b", "Connection": "close"}
        return Response.of_json(200, {"choices": []}, headers)

    with serving(served) as url:
        key = Secrets({"OPENAI_API_KEY": "local"}).secret("openai-api-key")
        post = JsonPost(url, key, lambda k: {"Authorization": f"Bearer {k}"})
        answered = post.send("/x", {}, timeout_s=5)

    assert ({"choices": []}, "0.01") == (answered.data, answered.headers["x-litellm-response-cost"])
    assert "set-cookie" not in answered.headers


@pytest.mark.parametrize("provider", ["responses"], indirect=True)
@pytest.mark.parametrize("status", [404, 405])
def test_a_server_that_does_not_speak_responses_is_told_how_to_be_asked(provider: Provider, status: int) -> None:
    error = failure(provider, Response.of_json(status, {"detail": "Not Found"}))

    assert Failure.BAD_REQUEST is error.failure
    assert f'{status}: if its server has no Responses, write wire = "chat"' in str(error)
