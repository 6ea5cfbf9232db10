"""A tool's HTTP: its own host only, no redirects, no private addresses, a hard total time, few requests."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import httpx
import pytest
from turnkeeper.adapters import sender
from turnkeeper.adapters.secrets import Secrets
from turnkeeper.adapters.sender import Sender
from turnkeeper.adapters.tool_http import HttpTransport
from turnkeeper.agent import AgentError, Dependency, ToolError
from turnkeeper.domain.failures import Failure
from turnkeeper.errors import DependencyError, StoreUnavailable
from turnkeeper.ports import CallHttp

from infra.local.http_service import Delivery, Request, Response
from tests.local.chats import serving

SHOP = Dependency("shop", "https://shop.example/api")
PUBLIC = "93.184.216.34"
LOCAL = ("127.0.0.1",)


class Wire:
    """What goes over the network: it answers every request alike, and keeps it."""

    def __init__(self, answer: Callable[[httpx.Request], httpx.Response]) -> None:
        self.sent: list[httpx.Request] = []
        self._answer = answer

    def client(self) -> httpx.Client:
        def handle(request: httpx.Request) -> httpx.Response:
            self.sent.append(request)
            made = self._answer(request)
            return httpx.Response(made.status_code, headers=made.headers, stream=httpx.ByteStream(made.content))

        return httpx.Client(transport=httpx.MockTransport(handle), follow_redirects=False)


def wire(status: int = 200, body: Any = None, **headers: str) -> Wire:
    return Wire(lambda _: httpx.Response(status, json=body, headers=headers))


def http(
    over: Wire,
    url: str = "",
    *,
    addresses: Sequence[str] | None = (PUBLIC,),
    allowed: str = "",
    dependency: Dependency | None = SHOP,
    admits: Callable[[], bool] = lambda: True,
) -> CallHttp:
    of = {"resolve": lambda host, port: addresses} if addresses is not None else {}
    made = Sender(lambda: (allowed,) if allowed else (), client=over.client, **of)
    transport = HttpTransport(made, Secrets({}), lambda: {"shop": url})
    return transport.http(dependency, timeout_s=2, idempotency_key="key-1", admits=admits)


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

    assert (Failure.BAD_REQUEST, False) == failure(lambda: http(over, url, addresses=None).get("/latest/meta-data"))
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
    assert (False, False) == (unreachable.changed, answered.changed)

    answered.post("/refunds", body={})
    assert answered.changed


def test_a_dependency_without_a_url_says_where_to_write_it() -> None:
    instead = r'write url="..." into Dependency\(.shop.\), or into the stage.s file \[dependencies.shop\] url = "..."'
    with pytest.raises(DependencyError, match=instead) as failed:
        http(wire(), dependency=Dependency("shop")).get("/")

    assert (Failure.BAD_REQUEST, False) == (failed.value.failure, failed.value.sent)


@pytest.mark.parametrize("url", ["ftp://shop.example", "shop.example", "https://"])
def test_what_a_stage_gives_as_a_url_and_is_none_is_told(url: str) -> None:
    assert (Failure.BAD_REQUEST, False) == failure(lambda: http(wire(), url).get("/"))


def test_the_url_of_the_stage_goes_before_that_of_the_code() -> None:
    over = wire()
    http(over).get("/x")
    http(over, "https://test.example/").get("/x")

    assert ["shop.example", "test.example"] == [request.headers["Host"] for request in over.sent]


def test_a_tool_without_a_dependency_calls_nobody() -> None:
    with pytest.raises(AgentError, match="give the tool a dependency"):
        http(wire(), dependency=None).get("/")


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


def test_a_call_sends_twenty_requests_and_no_more() -> None:
    over = wire(body=1)
    tools = http(over)
    for _ in range(20):
        tools.get("/x")

    with pytest.raises(DependencyError, match="a call of a tool sends at most 20 requests") as failed:
        tools.post("/x")
    assert (Failure.BAD_REQUEST, False, 20) == (failed.value.failure, failed.value.sent, len(over.sent))


def test_a_request_beyond_the_limit_of_a_minute_is_not_sent() -> None:
    over, left = wire(201, {}), [True, False, False]
    shop = Dependency("shop", "https://shop.example", per_minute=600)
    tools = http(over, dependency=shop, admits=lambda: left.pop(0))
    tools.get("/x")

    with pytest.raises(DependencyError, match="more than 600 requests a minute to shop: try again later") as failed:
        tools.post("/x", body={})
    assert (Failure.THROTTLED_HERE, False) == (failed.value.failure, failed.value.sent)
    assert (1, False) == (len(over.sent), tools.changed)


def test_a_limit_that_cannot_be_counted_leaves_nothing_changed() -> None:
    def away() -> bool:
        raise StoreUnavailable

    tools = http(wire(), admits=away)

    with pytest.raises(StoreUnavailable):
        tools.post("/x", body={})
    assert not tools.changed


@pytest.mark.parametrize("value", ["a\r\nX-Evil: 1", "a\x00", "ä"])
def test_a_header_that_would_be_another_is_refused(value: str) -> None:
    over = wire()

    with pytest.raises(ToolError, match="this is no value of a header"):
        http(over).get("/x", headers={"X-Note": value})
    assert [] == over.sent


def test_an_unknown_method_is_refused() -> None:
    with pytest.raises(AgentError, match="'TRACE' is no method of a tool's"):
        http(wire()).request("TRACE", "/x")


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

    with serving(answer) as url, sender._client() as client:
        transport = HttpTransport(Sender(lambda: LOCAL, client=lambda: client), Secrets({}), lambda: {"shop": url})
        yield lambda key: transport.http(SHOP, timeout_s=0.5, idempotency_key=key, admits=lambda: True)


def test_a_real_service_is_asked_and_its_redirect_not_followed(real: Callable[[str], CallHttp]) -> None:
    assert "/echo" == real("k").get("/echo").json()["path"]
    assert 307 == real("k").get("/away").status


def test_a_service_that_drips_is_given_up_when_the_time_is_up(real: Callable[[str], CallHttp]) -> None:
    began = time.monotonic()
    transport = HttpTransport(Sender(), Secrets({}))

    assert Failure.TIMEOUT == failure(lambda: transport.within(0.3, lambda: real("k").get("/drip")))[0]
    assert time.monotonic() - began < 2


def test_a_service_that_drips_keeps_neither_a_thread_nor_a_connection() -> None:
    before = set(threading.enumerate())
    dripping = Response.of_json(200, {"slow": "answer"}).by(Delivery.DRIP)
    with serving(lambda _: dripping) as url:
        over = Sender(lambda: LOCAL)
        transport = HttpTransport(over, Secrets({}), lambda: {"shop": url})
        # A byte comes every second.
        tools = transport.http(SHOP, timeout_s=1.3, idempotency_key="k", admits=lambda: True)

        assert (Failure.TIMEOUT, False) == failure(lambda: tools.get("/drip"))
        calls = [thread for thread in threading.enumerate() if thread.name == "call" and thread not in before]
        for thread in calls:
            thread.join(timeout=5)
        assert [] == [thread for thread in calls if thread.is_alive()]
        assert {} == over._clients


def test_the_same_service_is_refused_where_it_is_not_allowed() -> None:
    with serving(lambda _: Response.of_json(200, {})) as url:
        transport = HttpTransport(Sender(), Secrets({}), lambda: {"shop": url})
        tools = transport.http(SHOP, timeout_s=1, idempotency_key="k", admits=lambda: True)

        assert (Failure.BAD_REQUEST, False) == failure(lambda: tools.get("/"))
