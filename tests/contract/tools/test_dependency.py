"""What a Dependency promises, over a real socket: it is authorised exactly, it is bounded, and it tells no secret."""

import base64
import gzip
import json
import logging
import threading
import time
import tracemalloc
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from turnkeeper.adapters import tool_auth
from turnkeeper.adapters.memory import MemoryTable
from turnkeeper.adapters.secrets import Secrets
from turnkeeper.adapters.sender import Sender
from turnkeeper.adapters.tool_http import HttpTransport
from turnkeeper.agent import AgentError, ApiKeyHeader, Basic, Bearer, Dependency, OAuth, SigV4
from turnkeeper.domain.failures import Failure
from turnkeeper.errors import DependencyError
from turnkeeper.ports import CallHttp
from turnkeeper.stores.rates import ToolRates

from tests.contract.tools.service import (
    ACCESS_KEY,
    BIG,
    CLIENT,
    CLIENT_SECRET,
    PASSWORD,
    SECRET_KEY,
    TOKEN_PREFIX,
    USER,
    Service,
    serving,
)

PRIVATE = ("127.0.0.1",)
STALE = "stale-k3y"
SECRETS = {STALE, PASSWORD, CLIENT_SECRET, SECRET_KEY, TOKEN_PREFIX, "k3y-one", "k3y-two", "s3ssion"}
"""What no error and no log may show."""


@dataclass
class Store(Secrets):
    """Secrets whose store holds `held` behind a cache: what is read without `again` is what was read before."""

    held: dict[str, str]
    cached: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        super().__init__({})

    def get(self, name: str, *, force_fetch: bool, **_: Any) -> str:
        """Answer as the store's client does."""
        key = name.removeprefix("turnkeeper/")
        if force_fetch or key not in self.cached:
            self.cached[key] = self.held[key]
        return self.cached[key]


@dataclass
class Caller:
    """Calls the service as tools do."""

    service: Service
    url: str
    store: Store
    dependency: Dependency
    now: float = 1_000.0

    def __post_init__(self) -> None:
        self.transport = HttpTransport(Sender(lambda: PRIVATE), self.store, dict, clock=lambda: self.now)

    def http(self, *, timeout_s: float = 5, admits: Callable[[], bool] = lambda: True) -> CallHttp:
        """Begin one call of a tool."""
        return self.transport.http(self.dependency, timeout_s=timeout_s, idempotency_key="key-1", admits=admits)

    def failure(self, call: Callable[[], Any]) -> DependencyError:
        """Return how something fails."""
        with pytest.raises(DependencyError) as failed:
            call()
        return failed.value


def right(kind: str, *, instead: str = "") -> str:
    """Return the secret that a kind of auth needs, or one with something else in the place of what is secret."""
    fields = {
        "basic": {"username": USER, "password": instead or PASSWORD},
        "oauth": {"client_id": CLIENT, "client_secret": instead or CLIENT_SECRET},
        "sigv4": {"access_key_id": ACCESS_KEY, "secret_access_key": instead or SECRET_KEY},
    }
    return json.dumps(fields[kind]) if kind in fields else instead or "k3y-one"


KINDS = ["header", "bearer", "basic", "oauth", "sigv4"]
Call = Callable[..., Caller]


@contextmanager
def calling(kind: str, monkeypatch: pytest.MonkeyPatch, secret: str | None = None) -> Iterator[Caller]:
    service = Service(kind, keys={PASSWORD} if kind == "basic" else {"k3y-one"})
    with serving(service) as url:
        auth = {
            "none": None,
            "header": ApiKeyHeader("X-Api-Key", "shop-key"),
            "bearer": Bearer("shop-key"),
            "basic": Basic("shop-key"),
            "oauth": OAuth(f"{url}/token", "shop-key", scope="a b", audience="https://api"),
            "sigv4": SigV4("execute-api", "eu-central-1", "shop-key"),
        }[kind]
        store = Store({"shop-key": right(kind) if secret is None else secret})
        monkeypatch.setattr("turnkeeper.adapters.secrets._provider", lambda **_: store)
        caller = Caller(service, url, store, Dependency("shop", f"{url}/v1", auth))
        service.now = lambda: caller.now
        yield caller


@pytest.fixture
def caller(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Caller]:
    """Give a caller whose secret is right."""
    with calling(request.param, monkeypatch) as made:
        yield made


@pytest.fixture(autouse=True)
def _tells_nothing(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Hold every test to this: no log of any library shows a secret, at any level."""
    caplog.set_level(logging.DEBUG)
    yield
    assert not [r for r in caplog.records if any(secret in r.getMessage() for secret in SECRETS)]


def quiet(error: DependencyError) -> str:
    """Return what an error and all that caused it say; none of it is a secret."""
    told, cause = "", error
    while cause:
        told += f"{cause} {cause!r} "
        cause = cause.__cause__ or cause.__context__  # type: ignore[assignment]
    assert not [secret for secret in SECRETS if secret in told]
    return error.detail


def each(*kinds: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("caller", kinds, indirect=True)


# --- who calls --------------------------------------------------------------------------------------------------------


@each("none", *KINDS)
@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"])
def test_every_method_is_authorised_exactly(caller: Caller, method: str) -> None:
    body = {"note": "ä", "n": 1} if method in {"POST", "PUT", "PATCH"} else None
    params = {"q": "a+b c/&=*~!'()ü", "a": "2", "A": "1"}
    http = caller.http()
    answer = http.request(method, "/orders/A 1:(2)*ü", params=params, headers={"X-Note": "a  b"}, body=body)

    (asked,) = caller.service.calls()
    assert (200, method, "a  b") == (answer.status, asked.method, asked.headers["x-note"])
    assert body == (json.loads(asked.body) if asked.body else None)
    assert ("key-1" if method in {"POST", "PUT", "PATCH", "DELETE"} else None) == asked.headers.get("idempotency-key")
    assert (method in {"POST", "PUT", "PATCH", "DELETE"}) is http.changed


@each("sigv4")
def test_the_functions_own_role_signs_where_no_secret_is_named(caller: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "AWS_ACCESS_KEY_ID": ACCESS_KEY,
        "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
        "AWS_SESSION_TOKEN": "s3ssion",
        "AWS_DEFAULT_REGION": "eu-west-1",
    }.items():
        monkeypatch.setenv(name, value)
    tool_auth._session.cache_clear()
    caller.service.region, caller.service.session_token = "eu-west-1", "s3ssion"
    caller.dependency = replace(caller.dependency, auth=SigV4("execute-api"))
    try:
        assert 200 == caller.http().post("/orders", body={"n": 1}).status
        caller.service.session_token = "other"
        told = quiet(caller.failure(lambda: caller.http().get("/orders")))
        assert "the function's role was rejected by shop: allow the role to call it" == told
    finally:
        tool_auth._session.cache_clear()


@each("none", *KINDS)
def test_who_is_not_known_is_told_which_secret_was_rejected(caller: Caller) -> None:
    caller.store.held["shop-key"] = right(caller.service.kind, instead=STALE)
    if caller.service.kind == "none":
        caller.service.kind = "bearer"
    http = caller.http()
    error = caller.failure(lambda: http.post("/orders", body={}))

    assert (Failure.BAD_KEY, False, False) == (error.failure, error.sent, http.changed)
    wanted = "shop answered 401: give" if not caller.dependency.auth else "the secret shop-key was rejected by "
    assert wanted in quiet(error)
    assert "shop" in error.detail


@each("header", "bearer", "basic")
def test_a_rotated_secret_is_read_anew_and_the_request_sent_once_more(caller: Caller) -> None:
    assert 200 == caller.http().get("/orders").status
    new = "k3y-two"
    caller.service.keys = {new}
    caller.store.held["shop-key"] = right(caller.service.kind, instead=new)

    http = caller.http()
    assert 200 == http.post("/orders", body={"n": 1}).status
    assert [b"", b'{"n": 1}', b'{"n": 1}'] == [asked.body for asked in caller.service.calls()]
    assert http.changed
    assert 200 == caller.http().get("/orders").status
    assert 4 == len(caller.service.calls())


@each("bearer")
def test_a_request_with_renewed_credentials_is_the_same_one_to_the_limits(caller: Caller) -> None:
    rates = ToolRates(MemoryTable(), lambda: 1_000.0)
    caller.store.cached["shop-key"] = STALE
    http = caller.http(admits=lambda: rates.admits("shop", 1))

    assert 200 == http.post("/orders", body={}).status
    assert 2 == len(caller.service.calls())
    assert Failure.THROTTLED_HERE is caller.failure(lambda: http.get("/orders")).failure


@each("bearer")
def test_the_last_of_twenty_requests_may_renew_its_credentials(caller: Caller) -> None:
    http = caller.http()
    for _ in range(19):
        http.get("/orders")
    caller.store.cached["shop-key"] = STALE

    assert 200 == http.get("/orders").status


@each("bearer")
def test_a_secret_that_is_still_rejected_is_not_tried_a_third_time(caller: Caller) -> None:
    caller.service.keys = set()
    caller.failure(lambda: caller.http().get("/x"))
    assert 1 == len(caller.service.calls())  # the store has no other

    caller.store.held["shop-key"] = "k3y-two"
    caller.failure(lambda: caller.http().get("/x"))
    assert 3 == len(caller.service.calls())


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("text", ["", '["hunter2: ünd"]', '{"username": "hunter2: ünd"}', "k3y-one k3y-one"])
def test_a_malformed_secret_is_named_and_nothing_is_sent(kind: str, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with calling(kind, monkeypatch, text) as caller:
        error = caller.failure(lambda: caller.http().post("/orders", body={}))

        assert (Failure.BAD_KEY, False) == (error.failure, error.sent)
        assert "the secret shop-key in Secrets Manager as turnkeeper/shop-key is malformed: " in quiet(error)
        assert [] == caller.service.asked


# --- OAuth ------------------------------------------------------------------------------------------------------------


@each("oauth")
def test_a_token_is_used_until_shortly_before_it_expires(caller: Caller) -> None:
    for seconds in (0, 53, 2):
        caller.now += seconds
        assert 200 == caller.http().get("/orders").status

    assert 2 == caller.service.issued


@each("oauth")
def test_a_token_that_does_not_say_when_it_expires_is_kept_for_five_minutes(caller: Caller) -> None:
    caller.service.lives_s = None
    for seconds in (0, 299, 2):
        caller.now += seconds
        assert 200 == caller.http().get("/orders").status

    assert 2 == caller.service.issued


@each("oauth")
def test_a_token_that_was_revoked_is_dropped_and_fetched_anew_once(caller: Caller) -> None:
    caller.http().get("/orders")
    caller.service.tokens.clear()

    assert 200 == caller.http().post("/orders", body={}).status
    assert 2 == caller.service.issued
    caller.service.lives_s = -1
    caller.service.tokens.clear()
    told = quiet(caller.failure(lambda: caller.http().get("/orders")))
    assert "the secret shop-key was rejected by shop" in told
    assert 3 == caller.service.issued


@each("oauth")
def test_a_rotated_client_secret_is_read_anew(caller: Caller) -> None:
    caller.http().get("/orders")
    caller.service.secrets = {"k3y-two"}
    caller.service.tokens.clear()
    caller.store.held["shop-key"] = json.dumps({"client_id": CLIENT, "client_secret": "k3y-two"})

    assert 200 == caller.http().get("/orders").status


@each("oauth")
def test_one_thread_fetches_a_token_for_all(caller: Caller) -> None:
    caller.service.token_delay = threading.Event()
    with ThreadPoolExecutor(8) as threads:
        sent = [threads.submit(lambda: caller.http().get("/orders").status) for _ in range(8)]
        while not caller.service.asked:
            time.sleep(0.001)
        caller.service.token_delay.set()

        assert [200] * 8 == [future.result() for future in sent]
    assert 1 == caller.service.issued


@each("oauth")
def test_a_token_is_fetched_from_public_hosts_only(caller: Caller) -> None:
    caller.dependency = replace(caller.dependency, auth=OAuth("https://169.254.169.254/token", "shop-key"))
    error = caller.failure(lambda: caller.http().get("/orders"))

    assert (Failure.BAD_REQUEST, "169.254.169.254 has a private address") == (error.failure, quiet(error))


@each("oauth")
def test_a_refused_scope_is_told_by_its_code(caller: Caller) -> None:
    caller.dependency = replace(caller.dependency, auth=OAuth(f"{caller.url}/token", "shop-key", scope="all"))
    error = caller.failure(lambda: caller.http().get("/orders"))

    assert (Failure.BAD_REQUEST, False) == (error.failure, error.sent)
    assert "the token_url of shop answered 400 invalid_scope" == quiet(error)


@each("oauth")
def test_a_token_that_does_not_come_in_time_is_a_timeout_that_changed_nothing(caller: Caller) -> None:
    caller.service.token_delay = threading.Event()
    http = caller.http(timeout_s=0.2)
    error = caller.failure(lambda: http.post("/orders", body={}))
    caller.service.token_delay.set()

    assert (Failure.TIMEOUT, False, False) == (error.failure, error.sent, http.changed)
    assert [] == caller.service.calls()


# --- what goes out, and where to --------------------------------------------------------------------------------------


@each("none", *KINDS)
@pytest.mark.parametrize(
    "name", ["Authorization", "authorization", "HOST", "Idempotency-Key", "Content-Length", "Accept-encoding", "X y"]
)
def test_a_tool_does_not_set_what_is_ours(caller: Caller, name: str) -> None:
    with pytest.raises(AgentError, match="a tool cannot set the header"):
        caller.http().post("/orders", body={}, headers={name: "x"})
    assert [] == caller.service.asked


@each("header", "sigv4")
def test_a_tool_does_not_set_its_auths_own_header(caller: Caller) -> None:
    name = "x-api-KEY" if caller.service.kind == "header" else "X-Amz-Date"
    with pytest.raises(AgentError, match="a tool cannot set the header"):
        caller.http().get("/orders", headers={name: "x"})
    assert [] == caller.service.asked


@each(*KINDS)
def test_a_redirect_is_an_answer_and_takes_no_secret_elsewhere(caller: Caller) -> None:
    answer = caller.http().get("/away")

    assert (302, "http://169.254.169.254/latest/meta-data") == (answer.status, answer.headers["location"])
    assert 1 == len(caller.service.calls())


@each(*KINDS)
def test_a_secret_goes_in_the_clear_to_private_hosts_only(caller: Caller) -> None:
    caller.dependency = replace(caller.dependency, url="http://shop.example")
    error = caller.failure(lambda: caller.http().get("/orders"))

    assert (Failure.BAD_REQUEST, False) == (error.failure, error.sent)
    assert "a secret is sent to shop.example over https only" in quiet(error)


@each("bearer")
def test_a_tool_writes_its_own_kind_of_json(caller: Caller) -> None:
    caller.http().patch("/orders", body={}, headers={"content-type": "application/merge-patch+json"})

    (asked,) = caller.service.calls()
    assert "application/merge-patch+json" == asked.headers["content-type"]


@each("bearer")
def test_what_a_service_sets_for_one_customer_does_not_come_with_the_next(caller: Caller) -> None:
    answer = caller.http().get("/orders")
    caller.http().get("/orders")

    assert ['"1"', None] == [answer.headers.get("etag"), answer.headers.get("set-cookie")]
    assert [None, None] == [asked.headers.get("cookie") for asked in caller.service.calls()]


# --- what comes back --------------------------------------------------------------------------------------------------


@each("bearer")
def test_a_service_that_is_busy_says_for_how_long(caller: Caller) -> None:
    error = caller.failure(lambda: caller.http().post("/busy", body={}))

    assert (Failure.RATE_LIMITED, 7, False) == (error.failure, error.retry_after_s, error.sent)


@each("bearer")
def test_a_huge_answer_costs_neither_memory_nor_time(caller: Caller) -> None:
    caller.http().get("/orders")
    began = time.monotonic()
    tracemalloc.start()
    try:
        error = caller.failure(lambda: caller.http().get("/big"))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert (Failure.GARBAGE, "shop answered with more than 1 MiB: ask for less") == (error.failure, quiet(error))
    assert peak < 8 * 1024 * 1024
    assert time.monotonic() - began < 2


@each("bearer")
def test_an_answer_that_would_unpack_to_much_is_not_unpacked(caller: Caller) -> None:
    caller.service.bomb = gzip.compress(gzip.compress(bytes(BIG)))
    caller.http().get("/orders")
    tracemalloc.start()
    try:
        error = caller.failure(lambda: caller.http().get("/packed"))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    told = "shop answered with a Content-Encoding: it must heed Accept-Encoding: identity"
    assert (Failure.GARBAGE, told) == (error.failure, quiet(error))
    assert peak < 1024 * 1024


@each("oauth")
def test_services_and_givers_of_tokens_are_asked_for_what_is_not_packed(caller: Caller) -> None:
    caller.http().get("/orders")

    assert ["identity", "identity"] == [asked.headers["accept-encoding"] for asked in caller.service.asked]


@each("bearer")
def test_an_answer_that_drips_is_given_up_in_time(caller: Caller) -> None:
    began = time.monotonic()
    error = caller.failure(lambda: caller.http(timeout_s=0.3).get("/drip"))

    assert (Failure.TIMEOUT, "no answer within 0.3 s") == (error.failure, quiet(error))
    assert time.monotonic() - began < 2


@each("bearer")
def test_an_answer_that_is_no_json_can_still_be_read(caller: Caller) -> None:
    answer = caller.http().get("/prose")

    assert "<p>Hello</p>" == answer.text
    assert "the answer of shop is not JSON" == caller.failure(answer.json).detail


def test_the_service_of_these_tests_is_strict(monkeypatch: pytest.MonkeyPatch) -> None:
    """One wrong byte anywhere, and who calls is not known."""
    with calling("sigv4", monkeypatch) as caller:
        caller.http().post("/orders", params={"a": "1"}, body={"n": 1})
        (asked,) = caller.service.calls()
        wrong = [
            replace(asked, method="PUT"),
            replace(asked, target=asked.target + "0"),
            replace(asked, body=b'{"n": 2}'),
            replace(asked, headers={**asked.headers, "idempotency-key": "key-2"}),
            replace(asked, headers={**asked.headers, "host": "evil.example"}),
        ]

        assert caller.service.accepts(asked)
        assert not [request for request in wrong if caller.service.accepts(request)]
        basic = {"authorization": f"basic {base64.b64encode(f'{USER}:{PASSWORD}'.encode()).decode()}"}
        caller.service.kind = "basic"
        assert not caller.service.accepts(replace(asked, headers=basic))
