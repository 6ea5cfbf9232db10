"""HTTP for tools: one host, no redirects, no private addresses, a hard total time."""

import ipaddress
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from turnkeeper.adapters.models.deadline import call_within
from turnkeeper.agent import AgentError, Dependency, ToolHttp
from turnkeeper.domain.failures import Failure
from turnkeeper.errors import DependencyError

_SERVER = 500
_THROTTLED = 429
_MAX_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Response:
    """What a tool's service answered."""

    status: int
    body: bytes

    def json(self) -> Any:
        """Read the body as JSON; raises DependencyError(GARBAGE) when it is not."""
        import json  # noqa: PLC0415

        try:
            return json.loads(self.body)
        except ValueError as error:
            raise DependencyError(Failure.GARBAGE, "the body is not JSON") from error


class HttpTransport:
    """Makes tools' clients; `allowed_private_hosts` are hosts that may have private addresses (local development)."""

    def __init__(self, environment: Mapping[str, str], allowed_private_hosts: tuple[str, ...] = ()) -> None:
        self._environment, self._allowed = environment, allowed_private_hosts
        self._clients: dict[str, Any] = {}

    def http(self, dependency: Dependency | None, *, timeout_s: float, idempotency_key: str) -> ToolHttp:
        """Return a client for the dependency's own host only."""
        if dependency is None:
            return _NoHttp()
        base = self._environment.get(dependency.url_variable, "").rstrip("/")
        if not base:
            raise AgentError(f"set {dependency.url_variable}: the URL of {dependency.name}")
        return _Http(self, base, timeout_s, idempotency_key)

    def within(self, seconds: float, call: Callable[[], Any]) -> Any:
        """Run a call within a hard total time; raises DependencyError(TIMEOUT)."""
        try:
            return call_within(seconds, call)
        except TimeoutError as error:
            raise DependencyError(Failure.TIMEOUT, f"no answer within {seconds:.1f} s") from error

    def send(self, method: str, url: str, timeout_s: float, **what: Any) -> Response:
        """Send one request. Raises DependencyError."""
        import httpx  # noqa: PLC0415 - imported when a tool first calls: it costs a cold start

        self._refuse_private(url)
        client = self._clients.setdefault("http", None) or httpx.Client(follow_redirects=False, trust_env=False)
        self._clients["http"] = client
        try:
            with client.stream(method, url, timeout=timeout_s, **what) as answer:
                body = b""
                for chunk in answer.iter_bytes():
                    body += chunk
                    if len(body) > _MAX_BYTES:
                        raise DependencyError(Failure.GARBAGE, "the body is too large")
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            raise DependencyError(Failure.CONNECTION, type(error).__name__, sent=False) from error
        except httpx.TimeoutException as error:
            raise DependencyError(Failure.TIMEOUT, type(error).__name__) from error
        except httpx.HTTPError as error:
            raise DependencyError(Failure.CONNECTION, type(error).__name__) from error
        if answer.status_code == _THROTTLED:
            raise DependencyError(Failure.RATE_LIMITED, "429", sent=False)
        if answer.status_code >= _SERVER:
            raise DependencyError(Failure.SERVER_ERROR, str(answer.status_code))
        return Response(answer.status_code, body)

    def _refuse_private(self, url: str) -> None:
        parts = urlsplit(url)
        host = parts.hostname or ""
        if host in self._allowed:
            return
        try:
            found = socket.getaddrinfo(host, parts.port or 443, type=socket.SOCK_STREAM)
        except OSError as error:
            raise DependencyError(Failure.CONNECTION, "the name does not resolve", sent=False) from error
        if not all(ipaddress.ip_address(str(info[4][0])).is_global for info in found):
            raise DependencyError(Failure.BAD_REQUEST, f"{host} has a private address", sent=False)


@dataclass(frozen=True, slots=True)
class _Http:
    transport: HttpTransport
    base: str
    timeout_s: float
    idempotency_key: str

    def get(self, path: str, *, params: Mapping[str, str] | None = None) -> Response:
        return self.transport.send("GET", self._url(path), self.timeout_s, params=dict(params or {}))

    def post(self, path: str, *, body: Mapping[str, Any]) -> Response:
        headers = {"Idempotency-Key": self.idempotency_key}
        return self.transport.send("POST", self._url(path), self.timeout_s, json=dict(body), headers=headers)

    def _url(self, path: str) -> str:
        if not path.startswith("/") or path.startswith("//") or "\\" in path or "@" in path.split("/", 2)[1]:
            raise AgentError(f"a tool's path is relative to its dependency and begins with one /: {path!r}")
        return self.base + path


class _NoHttp:
    def get(self, path: str, *, params: Mapping[str, str] | None = None) -> Response:  # noqa: ARG002
        raise AgentError("give the tool a dependency, to call something over HTTP")

    def post(self, path: str, *, body: Mapping[str, Any]) -> Response:  # noqa: ARG002
        raise AgentError("give the tool a dependency, to call something over HTTP")
