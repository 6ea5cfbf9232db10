"""What every provider's adapter makes of a network, and a peer, that do not do as documented."""

import gzip
import json
import socket
import time
import tracemalloc
from typing import Any

import pytest
from turnkeeper.domain.failures import Failure
from turnkeeper.errors import DependencyError

from infra.local.http_service import Delivery, Request, Response
from tests.contract.models.conftest import Provider
from tests.contract.models.wires import WIRES, ask
from tests.local.chats import client, serving

_JSON = {"Content-Type": "application/json"}


def failed(provider: Provider, response: Response, *, timeout_s: float = 5) -> DependencyError:
    with pytest.raises(DependencyError) as caught:
        provider.replies(response, timeout_s=timeout_s)
    return caught.value


@pytest.mark.parametrize("delivery", [Delivery.HANG, Delivery.DRIP])
def test_the_time_is_a_hard_total(provider: Provider, delivery: Delivery) -> None:
    began = time.monotonic()

    error = failed(provider, provider.wire.ok().by(delivery), timeout_s=0.3)

    assert time.monotonic() - began < 1.0
    assert (error.failure, error.sent) == (Failure.TIMEOUT, True)


def test_after_a_call_that_ran_out_of_time_the_next_one_is_answered(provider: Provider) -> None:
    for delivery in (Delivery.HANG, Delivery.DRIP):
        failed(provider, provider.wire.ok().by(delivery), timeout_s=0.1)

        assert provider.replies(provider.wire.ok()).text == "Hello."


def test_a_reset_connection_may_have_been_billed(provider: Provider) -> None:
    error = failed(provider, provider.wire.ok().by(Delivery.RESET))

    assert (error.failure, error.sent) == (Failure.CONNECTION, True)
    assert len(provider.service.requests) == 1


@pytest.mark.parametrize("name", WIRES)
def test_where_nobody_listens_nothing_was_sent(name: str, provider: Provider) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}"

    with pytest.raises(DependencyError) as caught:
        client(name, url).complete(ask(WIRES[name]), timeout_s=5)

    assert (caught.value.failure, caught.value.sent) == (Failure.CONNECTION, False)


def test_a_body_that_ends_early_is_no_answer(provider: Provider) -> None:
    whole = provider.wire.ok()
    cut = Response(200, whole.body[:-20], {**_JSON, "Content-Length": str(len(whole.body)), "Connection": "close"})

    assert failed(provider, cut, timeout_s=1).failure in (Failure.CONNECTION, Failure.TIMEOUT)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html><body>upstream connect error</body></html>",
        b"{",
        b'"Hello."',
        b"null",
        b"[]",
        b"{}",
        b"\xff\xfe\x00",
        b"[" * 100_000,
        b'{"choices": [], "content": null, "output": {"message": {"content": 3}}}',
        b'{"choices": [{"message": 3}], "content": [{"type": "text"}], "output": {}}',
        b'{"error": {"code": "e17", "message": "Provider returned error"}}',
        b'{"choices": {}, "content": [3], "output": {"message": {"content": [{"toolUse": {}}]}}}',
    ],
)
def test_a_body_of_another_shape_is_the_models_failure(provider: Provider, body: bytes) -> None:
    error = failed(provider, Response(200, body, _JSON))

    assert (error.failure, error.sent) == (Failure.GARBAGE, True)


def test_a_mistyped_text_is_garbage_and_not_the_text_none(provider: Provider) -> None:
    body: Any = provider.wire.answer("Hello.", (), provider.wire.stops[next(iter(provider.wire.stops))][0], None)
    mistyped = json.loads(json.dumps(body).replace('"Hello."', "17"))

    assert failed(provider, Response.of_json(200, mistyped)).failure is Failure.GARBAGE


def test_a_body_that_does_not_unpack_is_garbage(provider: Provider) -> None:
    packed = Response(200, b"not gzip at all", {**_JSON, "Content-Encoding": "gzip"})

    assert failed(provider, packed).failure in (Failure.GARBAGE, Failure.CONNECTION)


@pytest.mark.parametrize("name", ["responses", "chat", "anthropic"])
def test_a_packed_body_is_garbage_and_is_not_unpacked(name: str) -> None:
    body = gzip.compress(gzip.compress(bytes(50 * 1024 * 1024)))
    asked: list[Request] = []

    def answer(request: Request) -> Response:
        asked.append(request)
        return Response(200, body, {**_JSON, "Content-Encoding": "gzip, gzip"})

    with serving(answer) as url:
        model = client(name, url)
        tracemalloc.start()
        try:
            with pytest.raises(DependencyError, match="the provider answered with a Content-Encoding") as caught:
                model.complete(ask(WIRES[name]), timeout_s=5)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()

    assert (caught.value.failure, caught.value.sent) == (Failure.GARBAGE, True)
    assert peak < 2 * 1024 * 1024
    assert ["identity"] == [request.headers["accept-encoding"] for request in asked]


@pytest.mark.parametrize("name", ["responses", "chat", "anthropic"])
def test_the_status_of_a_packed_error_still_says_what_it_means(name: str) -> None:
    packed = Response(429, gzip.compress(b"{}"), {**_JSON, "Content-Encoding": "gzip", "Retry-After": "7"})

    with serving(lambda _: packed) as url, pytest.raises(DependencyError) as caught:
        client(name, url).complete(ask(WIRES[name]), timeout_s=5)

    assert (caught.value.failure, caught.value.retry_after_s) == (Failure.RATE_LIMITED, 7)


def test_a_body_of_absurd_size_is_garbage_also_when_it_came_small(provider: Provider) -> None:
    body = gzip.compress(provider.wire.ok("x" * 12_000_000).body)
    assert len(body) < 100_000

    assert failed(provider, Response(200, body, {**_JSON, "Content-Encoding": "gzip"})).failure is Failure.GARBAGE


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_not_followed_for_the_key_would_go_along(provider: Provider, status: int) -> None:
    error = failed(provider, Response(status, b"", {"Location": "/elsewhere"}))

    assert error.failure is Failure.BAD_REQUEST
    assert [r.path for r in provider.service.requests] == [provider.wire.path]
