"""HTTP for tools: each calls one host, with no redirects, no private addresses, and within a hard total time."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from turnkeeper.adapters.addresses import Resolve, public_address, resolve
from turnkeeper.adapters.models.deadline import call_within
from turnkeeper.adapters.retry_after import retry_after
from turnkeeper.agent import AgentError, Dependency, ToolError
from turnkeeper.domain.failures import Failure, failure_of_status
from turnkeeper.errors import DependencyError
from turnkeeper.ports import CallHttp

if TYPE_CHECKING:
    import httpx

_SERVER_ERRORS = 500
_UNDONE = {401, 429}
"""Statuses of a service that did nothing for anybody; what the others below 500 mean, the tool knows."""

_MAX_BYTES = 1024 * 1024
_ENCODED = re.compile("%(2e|2f|5c)", re.IGNORECASE)
"""A dot, a slash or a backslash that a service may decode and then follow."""


@dataclass(frozen=True, slots=True)
class Response:
    """What a tool's service answered."""

    status: int
    body: bytes
    changed: bool = True
    """Whether the tool call may have changed something at the service by now."""

    def json(self) -> Any:
        """Read the body as JSON; raises DependencyError(GARBAGE) if it is not JSON."""
        try:
            return json.loads(self.body)
        except ValueError as error:
            raise DependencyError(Failure.GARBAGE, "the body is not JSON", sent=self.changed) from error


def _client() -> "httpx.Client":
    import httpx  # noqa: PLC0415 - it slows a cold start down, so it waits for a tool's first call

    return httpx.Client(follow_redirects=False, trust_env=False)


class HttpTransport:
    """Makes the clients of tool calls.

    `environment` holds the base URLs of the dependencies; `allowed_private_hosts` may have private addresses, for local
    development.
    """

    def __init__(
        self,
        environment: Mapping[str, str],
        allowed_private_hosts: tuple[str, ...] = (),
        *,
        resolve: Resolve = resolve,
        client: Callable[[], "httpx.Client"] = _client,
    ) -> None:
        self._environment, self._allowed = environment, allowed_private_hosts
        self._resolve, self._client = resolve, client
        self._clients: dict[str, httpx.Client] = {}

    def http(self, dependency: Dependency | None, *, timeout_s: float, idempotency_key: str) -> CallHttp:
        """Return the client of one tool call, for the dependency's host only; `timeout_s` bounds each request."""
        return _Http(self, dependency, timeout_s, idempotency_key)

    def within(self, seconds: float, call: Callable[[], Any]) -> Any:
        """Run a call within a hard total of `seconds`; raises DependencyError(TIMEOUT)."""
        try:
            return call_within(seconds, call)
        except TimeoutError as error:
            raise DependencyError(Failure.TIMEOUT, f"no answer within {seconds:.1f} s") from error

    def base_url(self, dependency: Dependency | None) -> str:
        """Return a dependency's base URL; raises AgentError for None, DependencyError if its variable holds no URL."""
        if dependency is None:
            raise AgentError("give the tool a dependency: it calls something over HTTP")
        base = self._environment.get(dependency.url_variable, "").rstrip("/")
        if urlsplit(base).scheme not in ("https", "http"):
            raise DependencyError(Failure.BAD_REQUEST, f"set {dependency.url_variable} to a URL", sent=False)
        return base

    def send(self, method: str, url: str, timeout_s: float, **options: Any) -> Response:
        """Send one request within a hard total of `timeout_s`; `options` go to httpx. Raises DependencyError."""
        import httpx  # noqa: PLC0415 - likewise

        try:
            target = httpx.URL(url)
            return call_within(timeout_s, lambda: self._exchange(method, target, timeout_s, **options))
        except TimeoutError as error:
            stuck = self._clients.pop(target.host, None)
            if stuck:
                stuck.close()  # this ends the abandoned thread as well
            raise DependencyError(Failure.TIMEOUT, str(error)) from error
        except httpx.InvalidURL as error:
            raise DependencyError(Failure.BAD_REQUEST, type(error).__name__, sent=False) from error
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            raise DependencyError(Failure.CONNECTION, type(error).__name__, sent=False) from error
        except httpx.TimeoutException as error:
            raise DependencyError(Failure.TIMEOUT, type(error).__name__) from error
        except httpx.HTTPError as error:
            raise DependencyError(Failure.CONNECTION, type(error).__name__) from error

    def _exchange(self, method: str, target: "httpx.URL", timeout_s: float, **options: Any) -> Response:
        headers = {**options.pop("headers", {}), "Host": target.netloc.decode()}
        extensions = {"sni_hostname": target.host}
        # One client for each host: httpx reuses connections by address, and hosts at one address must not share them.
        client = self._clients.get(target.host) or self._clients.setdefault(target.host, self._client())
        checked = target.copy_with(host=self._address(target.host, target.port or _port(target.scheme)))
        with client.stream(
            method, checked, timeout=timeout_s, headers=headers, extensions=extensions, **options
        ) as answer:
            body = _read(answer)
        status = answer.status_code
        if status in _UNDONE:
            rest_s = retry_after(answer.headers.get("retry-after"))
            raise DependencyError(failure_of_status(status), str(status), retry_after_s=rest_s, sent=False)
        if status >= _SERVER_ERRORS:
            raise DependencyError(Failure.SERVER_ERROR, str(status))
        return Response(status, body)

    def _address(self, host: str, port: int) -> str:
        return host if host in self._allowed else public_address(host, port, self._resolve)


def _port(scheme: str) -> int:
    return 443 if scheme == "https" else 80


def _read(answer: "httpx.Response") -> bytes:
    body = bytearray()
    for chunk in answer.iter_bytes():
        body += chunk
        if len(body) > _MAX_BYTES:
            raise DependencyError(Failure.GARBAGE, "the body is too large")
    return bytes(body)


@dataclass(slots=True)
class _Http:
    """The client of one tool call. Until its first POST, a tool call has surely changed nothing."""

    transport: HttpTransport
    dependency: Dependency | None
    timeout_s: float
    idempotency_key: str
    posted: bool = field(default=False, init=False)
    answered: bool = field(default=False, init=False)

    def get(self, path: str, *, params: Mapping[str, str] | None = None) -> Response:
        return self._send("GET", path, reads=True, params=dict(params or {}))

    def post(self, path: str, *, body: Mapping[str, Any]) -> Response:
        content = json.dumps(dict(body), allow_nan=False).encode()
        headers = {"Idempotency-Key": self.idempotency_key, "Content-Type": "application/json"}
        return self._send("POST", path, reads=False, content=content, headers=headers)

    def _send(self, method: str, path: str, *, reads: bool, **options: Any) -> Response:
        url = self.transport.base_url(self.dependency) + self._checked(path)
        before, self.posted = self.posted, self.posted or not reads
        try:
            answer = self.transport.send(method, url, self.timeout_s, **options)
        except DependencyError as error:
            self.posted = error.sent = before or (error.sent and not reads)
            raise
        self.answered = True
        return replace(answer, changed=self.posted)

    def _checked(self, path: str) -> str:
        parts = path.split("/")
        leaves = "" in parts[1:-1] or {".", ".."} & set(parts) or set("?#\\") & set(path) or _ENCODED.search(path)
        if path.startswith("/") and path.isprintable() and not leaves:
            return path
        wrong = f"this is no path of the service: {path!r}"
        if self.posted:  # a ToolError would say that nothing was done
            raise DependencyError(Failure.BAD_REQUEST, wrong)
        raise ToolError(wrong)
