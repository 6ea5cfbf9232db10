"""HTTP for tools: each call reaches one host, authorised, counted, and with an idempotency key on what changes."""

import json
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

from turnkeeper.adapters.secrets import Secrets
from turnkeeper.adapters.sender import Response, Sender
from turnkeeper.adapters.tool_auth import Authoriser, Outgoing, authoriser
from turnkeeper.agent import AgentError, Dependency, ToolError, ToolHttp
from turnkeeper.domain.failures import Failure
from turnkeeper.errors import DependencyError
from turnkeeper.ports import CallHttp, Clock

if TYPE_CHECKING:
    import httpx

_READS = {"GET", "HEAD", "OPTIONS"}
_CHANGES = {"POST", "PUT", "PATCH", "DELETE"}
_MOST_REQUESTS = 20
"""In one call of a tool."""

_ENCODED = re.compile("%(2e|2f|5c)", re.IGNORECASE)
"""A dot, a slash or a backslash that a service may decode and then follow."""

_HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")


class HttpTransport:
    """Makes the clients of tool calls.

    `urls` returns the URLs that a stage gives to dependencies, by their names, in place of their own; it is asked for
    each request.
    """

    def __init__(
        self,
        sender: Sender,
        secrets: Secrets,
        urls: Callable[[], Mapping[str, str]] = dict,
        *,
        clock: Clock = time.time,
    ) -> None:
        self._sender, self._secrets, self._urls, self._clock = sender, secrets, urls, clock
        self._authorisers: dict[Dependency, Authoriser] = {}

    def http(
        self, dependency: Dependency | None, *, timeout_s: float, idempotency_key: str, admits: Callable[[], bool]
    ) -> CallHttp:
        """Return the client of one tool call, for the dependency's host only; `timeout_s` bounds each request."""
        return _Http(self, self._sender, dependency, timeout_s, idempotency_key, admits)

    def within(self, seconds: float, call: Callable[[], Any]) -> Any:
        """Run a call within a hard total of `seconds`; raises DependencyError(TIMEOUT)."""
        return self._sender.within(seconds, call)

    def base_url(self, dependency: Dependency) -> str:
        """Return a dependency's base URL; raises DependencyError if neither it nor the stage has one."""
        base = (self._urls().get(dependency.name) or dependency.url).rstrip("/")
        if base:
            return base
        instead = f'write url="..." into Dependency({dependency.name!r}), or into the stage\'s file '
        detail = f'{dependency.name} has no URL: {instead}[dependencies.{dependency.name}] url = "..."'
        raise DependencyError(Failure.BAD_REQUEST, detail, sent=False)

    def authoriser(self, dependency: Dependency) -> Authoriser:
        """Return what authorises the requests to a dependency, the same for as long as the process lives."""
        known = self._authorisers.get(dependency)
        return known or self._authorisers.setdefault(
            dependency, authoriser(dependency, self._secrets, self._post, self._clock)
        )

    def _post(self, url: str, headers: Mapping[str, str], content: bytes, timeout_s: float) -> Response:
        target = self._sender.target(url, carries_secret=True)
        return self._sender.send("POST", target, timeout_s, headers=headers, content=content, to=target.host)


@dataclass(slots=True)
class _Http(ToolHttp):
    """The client of one tool call. Until its first request that is no read, a tool call has surely changed nothing."""

    transport: HttpTransport
    sender: Sender
    dependency: Dependency | None
    timeout_s: float
    idempotency_key: str
    admits: Callable[[], bool]
    changed: bool = field(default=False, init=False)
    answered: bool = field(default=False, init=False)
    requests: int = field(default=0, init=False)

    def request(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        body: Any = None,
    ) -> Response:
        dependency = self.dependency
        if dependency is None:
            raise AgentError("give the tool a dependency: it calls something over HTTP")
        if method not in _READS | _CHANGES:
            raise AgentError(f"{method!r} is no method of a tool's: write one such as 'GET' or 'POST'")
        content = b"" if body is None else json.dumps(body, allow_nan=False).encode()
        sent = self._headers(dependency, headers or {}, has_body=bool(content), changes=method in _CHANGES)
        # Encoded as AWS's signatures have it: httpx leaves some characters as they are.
        query = f"?{urlencode(dict(params), quote_via=quote)}" if params else ""
        place = self._path(path) + query
        try:
            url = self.transport.base_url(dependency) + place
            target = self.sender.target(url, carries_secret=dependency.auth is not None)
            answer = self._authorised(dependency, method, target, sent, content)
        except DependencyError as error:
            error.sent = self.changed
            raise
        self.answered = True
        return replace(answer, changed=self.changed)

    def _authorised(
        self, dependency: Dependency, method: str, target: "httpx.URL", headers: Mapping[str, str], content: bytes
    ) -> Response:
        """Send a request; once more if its credentials were rejected, which did nothing, and there are newer ones.

        Both are one request to every limit: only the second one does what the tool asked for.
        """
        auth = self.transport.authoriser(dependency)
        outgoing = Outgoing(method, str(target), {**headers, "Host": target.netloc.decode()}, content)
        credentials = auth.current(self.timeout_s)
        self._count(dependency)
        for is_last in (False, True):
            try:
                authorised = {**headers, **auth.headers(credentials, outgoing)}
                return self._once(dependency, method, target, authorised, content)
            except DependencyError as error:
                if error.failure is not Failure.BAD_KEY:
                    raise
                fresh = None if is_last else auth.anew(credentials, self.timeout_s)
                if fresh is None:
                    raise auth.rejected() from error
                credentials = fresh
        raise AssertionError

    def _count(self, dependency: Dependency) -> None:
        if self.requests >= _MOST_REQUESTS:
            detail = f"a call of a tool sends at most {_MOST_REQUESTS} requests: ask {dependency.name} for more at once"
            raise DependencyError(Failure.BAD_REQUEST, detail, sent=False)
        if not self.admits():
            detail = f"more than {dependency.per_minute} requests a minute to {dependency.name}: try again later"
            raise DependencyError(Failure.THROTTLED_HERE, detail, sent=False)
        self.requests += 1

    def _once(
        self, dependency: Dependency, method: str, target: "httpx.URL", headers: Mapping[str, str], content: bytes
    ) -> Response:
        before, changes = self.changed, method in _CHANGES
        self.changed = before or changes
        try:
            return self.sender.send(
                method, target, self.timeout_s, headers=headers, content=content, to=dependency.name
            )
        except DependencyError as error:
            self.changed = before or (error.sent and changes)
            raise

    def _headers(
        self, dependency: Dependency, given: Mapping[str, str], *, has_body: bool, changes: bool
    ) -> dict[str, str]:
        for name, value in given.items():
            if not _HEADER.fullmatch(name) or name.lower() in dependency.reserved_headers:
                raise AgentError(f"a tool cannot set the header {name!r}: remove it, or give the dependency an auth")
            if not (value.isascii() and value.isprintable()):
                raise self._refused("this is no value of a header", value)
        own = {"Idempotency-Key": self.idempotency_key} if changes else {}
        usual = {"Content-Type": "application/json"} if has_body else {}
        return {**({} if "content-type" in map(str.lower, given) else usual), **given, **own}

    def _path(self, path: str) -> str:
        parts = path.split("/")
        leaves = "" in parts[1:-1] or {".", ".."} & set(parts) or set("?#\\") & set(path) or _ENCODED.search(path)
        if path.startswith("/") and path.isprintable() and not leaves:
            return path
        raise self._refused("this is no path of the service", path)

    def _refused(self, wrong: str, value: str) -> Exception:
        """Return the error for what a model or a customer may have written."""
        if self.changed:  # a ToolError would say that nothing was done
            return DependencyError(Failure.BAD_REQUEST, wrong)
        return ToolError(f"{wrong}: {value!r}")
