"""A tool's HTTP: its own host only, no redirects, no private addresses, a hard total time."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import httpx
import pytest
from turnkeeper.adapters import tool_http
from turnkeeper.adapters.tool_http import HttpTransport
from turnkeeper.agent import AgentError, Dependency, ToolError
from turnkeeper.domain.failures import Failure
from turnkeeper.errors import DependencyError
from turnkeeper.ports import CallHttp

from infra.local.http_service import Delivery, Request, Response
from tests.local.chats import serving

SHOP = Dependency("shop", "SHOP_URL")
PUBLIC = "93.184.216.34"


class Wire:
    """What goes over the network: it answers every request alike, and keeps it."""

    def __init__(self, answer: Callable[[httpx.Request], httpx.Response]) -> None:
        self.sent: list[httpx.Request] = []
        self._answer = answer

    def client(self) -> httpx.Client:
        def handle(request: httpx.Request) -> httpx.Response:
            self.sent.append(request)
            return self._answer(request)

        return httpx.Client(transport=httpx.MockTransport(handle), follow_redirects=False)


def wire(status: int = 200, body: Any = None, **headers: str) -> Wire:
    return Wire(lambda _: httpx.Response(status, json=body, headers=headers))


def http(
    over: Wire, url: str = "https://shop.example/api", *, addresses: Sequence[str] = (PUBLIC,), allowed: str = ""
) -> CallHttp:
    transport = HttpTransport(
        {"SHOP_URL": url}, (allowed,) if allowed else (), resolve=lambda host, port: addresses, client=over.client
    )
    return transport.http(SHOP, timeout_s=2, idempotency_key="key-1")


def raising(error: Exception) -> Callable[[httpx.Request], httpx.Response]:
    """Break the connection."""

    def fail(_: httpx.Request) -> httpx.Response:
        raise error

    return fail


def failure(call: Callable[[], Any]) -> tuple[Failure, bool]:
    """How a call fails, and whether it may have reached the other side."""
    with pytest.raises(DependencyError) as failed:
        call()
    return failed.value.failure, failed.value.sent


def test_a_request_goes_to_the_checked_address_in_the_name_of_the_host() -> None:
    over = wire(body={"ok": True})
    answer = http(over).get("/orders/1", params={"customer_id": "carla & co"})

    (sent,) = over.sent
    assert (200, {"ok": True}) == (answer.status, answer.json())
    assert f"https://{PUBLIC}/api/orders/1?customer_id=carla+%26+co" == str(sent.url).replace("%20", "+")
    assert ("shop.example", "shop.example") == (sent.headers["Host"], sent.extensions["sni_hostname"])


def test_a_post_carries_the_calls_idempotency_key() -> None:
    over = wire(201, {"id": 1})
    http(over).post("/refunds", body={"order": 1})

    assert "key-1" == over.sent[0].headers["Idempotency-Key"]


@pytest.mark.parametrize("address", ["127.0.0.1", "169.254.169.254", "::ffff:169.254.169.254", "fd00:ec2::254"])
def test_a_host_that_resolves_to_a_private_address_is_never_called(address: str) -> None:
    over = wire()

    assert (Failure.BAD_REQUEST, False) == failure(lambda: http(over, addresses=[address]).get("/"))
    assert [] == over.sent


@pytest.mark.parametrize(
    "url", ["http://2130706433", "http://0x7f.1:8080", "http://169.254.169.254", "http://[::ffff:127.0.0.1]:80"]
)
def test_a_private_address_in_disguise_is_never_called(url: str) -> None:
    over = wire()
    tools = HttpTransport({"SHOP_URL": url}, client=over.client).http(SHOP, timeout_s=2, idempotency_key="k")

    assert (Failure.BAD_REQUEST, False) == failure(lambda: tools.get("/latest/meta-data"))
    assert [] == over.sent


def test_a_private_host_is_called_where_the_deployment_allows_it() -> None:
    over = wire(body=1)

    assert 1 == http(over, "http://127.0.0.1:8123", addresses=[], allowed="127.0.0.1").get("/x").json()
    assert ["http://127.0.0.1:8123/x"] == [str(request.url) for request in over.sent]


def test_a_redirect_is_an_answer_and_is_not_followed() -> None:
    over = wire(302, location="http://169.254.169.254/latest/meta-data")

    assert 302 == http(over).get("/orders/1").status
    assert 1 == len(over.sent)


@pytest.mark.parametrize(
    "path",
    [
        "orders",
        "@evil.example/",
        "//evil.example/x",
        "/..",
        "/orders/../admin",
        "/orders/./1",
        "/orders?customer_id=carl",
        "/orders#x",
        "/orders\\..\\admin",
        "/a//b",
        "/orders/%2e%2E/admin",
        "/orders/..%2Fadmin",
        "/orders/..%5cadmin",
        "/orders/1\n",
        "/orders/\x00",
        "/orders/\ud800",
    ],
)
def test_a_path_that_leaves_its_place_is_refused(path: str) -> None:
    over = wire()

    with pytest.raises(ToolError, match="no path of the service"):
        http(over).get(path)
    assert [] == over.sent


def test_a_path_that_is_refused_after_a_post_does_not_say_that_nothing_was_done() -> None:
    tools = http(wire(201, {"id": 1}))
    tools.post("/refunds", body={"order": 1})

    assert (Failure.BAD_REQUEST, True) == failure(lambda: tools.get("/refunds/../1"))
    assert (Failure.BAD_REQUEST, True) == failure(lambda: tools.post("/refunds//1", body={}))


@pytest.mark.parametrize("path", ["/" + "x" * 70_000])
def test_a_url_that_cannot_be_sent_is_a_failure_that_changed_nothing(path: str) -> None:
    over = wire()

    assert (Failure.BAD_REQUEST, False) == failure(lambda: http(over).post(path, body={}))
    assert [] == over.sent


def test_a_call_has_posted_once_a_post_may_have_reached_the_service() -> None:
    unreachable, answered = http(Wire(raising(httpx.ConnectError("no")))), http(wire())

    assert (Failure.CONNECTION, False) == failure(lambda: unreachable.post("/refunds", body={}))
    with pytest.raises(ValueError, match="JSON"):
        answered.post("/refunds", body={"usd": float("nan")})
    assert (False, False) == (unreachable.posted, answered.posted)

    answered.post("/refunds", body={})
    assert answered.posted


@pytest.mark.parametrize("url", ["", "ftp://shop.example", "shop.example"])
def test_a_dependency_without_a_url_says_which_variable_to_set(url: str) -> None:
    with pytest.raises(DependencyError, match="set SHOP_URL to a URL"):
        http(wire(), url).get("/")


def test_a_tool_without_a_dependency_calls_nobody() -> None:
    tools = HttpTransport({}).http(None, timeout_s=2, idempotency_key="k")

    with pytest.raises(AgentError, match="give the tool a dependency"):
        tools.get("/")


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (500, (Failure.SERVER_ERROR, True)),
        (503, (Failure.SERVER_ERROR, True)),
        (429, (Failure.RATE_LIMITED, False)),
        (401, (Failure.BAD_KEY, False)),
    ],
)
def test_a_failing_service_is_a_failure_that_may_have_changed_something(
    status: int, expected: tuple[Failure, bool]
) -> None:
    assert expected == failure(lambda: http(wire(status)).post("/refunds", body={}))


def test_a_failing_read_changed_nothing_unless_something_was_posted_before() -> None:
    over = Wire(lambda request: httpx.Response(200 if request.method == "POST" else 500, json={}))
    tools = http(over)

    assert (Failure.SERVER_ERROR, False) == failure(lambda: tools.get("/orders/1"))
    tools.post("/refunds", body={})
    assert (Failure.SERVER_ERROR, True) == failure(lambda: tools.get("/orders/1"))


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (httpx.ConnectError("no"), (Failure.CONNECTION, False)),
        (httpx.ConnectTimeout("no"), (Failure.CONNECTION, False)),
        (httpx.ReadTimeout("no"), (Failure.TIMEOUT, True)),
        (httpx.RemoteProtocolError("no"), (Failure.CONNECTION, True)),
    ],
)
def test_a_broken_connection_says_whether_it_had_reached_the_service(
    error: Exception, expected: tuple[Failure, bool]
) -> None:
    assert expected == failure(lambda: http(Wire(raising(error))).post("/refunds", body={}))


def test_an_answer_that_is_not_json_or_too_large_is_garbage() -> None:
    prose = http(Wire(lambda _: httpx.Response(200, text="<html>")))
    huge = http(Wire(lambda _: httpx.Response(200, content=b"1" * (1024 * 1024 + 1))))

    assert (Failure.GARBAGE, False) == failure(lambda: prose.get("/x").json())
    assert (Failure.GARBAGE, True) == failure(lambda: prose.post("/x", body={}).json())
    assert (Failure.GARBAGE, False) == failure(lambda: huge.get("/x"))


# --- over real sockets ------------------------------------------------------------------------------------------------


@pytest.fixture
def real() -> Iterator[Callable[[str], CallHttp]]:
    """A service on this machine that echoes, redirects, and drips."""

    def answer(request: Request) -> Response:
        if request.path == "/away":
            return Response(307, b"", {"Location": "/echo"})
        if request.path == "/drip":
            return Response.of_json(200, {"slow": "answer"}).by(Delivery.DRIP)
        return Response.of_json(200, {"path": request.path, "host": request.headers["host"]})

    with serving(answer) as url, tool_http._client() as client:
        transport = HttpTransport({"SHOP_URL": url}, ("127.0.0.1",), client=lambda: client)
        yield lambda key: transport.http(SHOP, timeout_s=0.5, idempotency_key=key)


def test_a_real_service_is_asked_and_its_redirect_not_followed(real: Callable[[str], CallHttp]) -> None:
    assert "/echo" == real("k").get("/echo").json()["path"]
    assert 307 == real("k").get("/away").status


def test_a_service_that_drips_is_given_up_when_the_time_is_up(real: Callable[[str], CallHttp]) -> None:
    began = time.monotonic()
    transport = HttpTransport({})

    assert Failure.TIMEOUT == failure(lambda: transport.within(0.3, lambda: real("k").get("/drip")))[0]
    assert time.monotonic() - began < 2


def test_a_service_that_drips_keeps_neither_a_thread_nor_a_connection() -> None:
    before = set(threading.enumerate())
    dripping = Response.of_json(200, {"slow": "answer"}).by(Delivery.DRIP)
    with serving(lambda _: dripping) as url:
        transport = HttpTransport({"SHOP_URL": url}, ("127.0.0.1",))
        tools = transport.http(SHOP, timeout_s=1.3, idempotency_key="k")  # a byte comes every second

        assert (Failure.TIMEOUT, False) == failure(lambda: tools.get("/drip"))
        calls = [thread for thread in threading.enumerate() if thread.name == "call" and thread not in before]
        for thread in calls:
            thread.join(timeout=5)
        assert [] == [thread for thread in calls if thread.is_alive()]
        assert {} == transport._clients


def test_the_same_service_is_refused_where_it_is_not_allowed() -> None:
    with serving(lambda _: Response.of_json(200, {})) as url:
        tools = HttpTransport({"SHOP_URL": url}).http(SHOP, timeout_s=1, idempotency_key="k")

        assert (Failure.BAD_REQUEST, False) == failure(lambda: tools.get("/"))
