"""Sends HTTP requests to hosts of others: no redirects, no private addresses, no cookies, a hard total time."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import TYPE_CHECKING, Any

from turnkeeper.adapters.addresses import Resolve, public_address, resolve
from turnkeeper.adapters.bodies import AS_IT_IS, read_body
from turnkeeper.adapters.models.deadline import call_within
from turnkeeper.adapters.retry_after import retry_after
from turnkeeper.domain.failures import Failure, failure_of_status
from turnkeeper.errors import DependencyError

if TYPE_CHECKING:
    import httpx

_SERVER_ERRORS = 500
_UNDONE = {401, 429}
"""Statuses of a service that did nothing for anybody; what the others below 500 mean, its caller knows."""

_MAX_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Response:
    """What a receiver answered."""

    status: int
    body: bytes
    headers: Mapping[str, str]
    name: str
    """The receiver's, for the error of a body that is not JSON."""

    changed: bool = True
    """Whether the tool call may have changed something at the service by now."""

    @property
    def text(self) -> str:
        """The body as text, read as UTF-8."""
        return self.body.decode(errors="replace")

    def json(self) -> Any:
        """Read the body as JSON; raises DependencyError(GARBAGE) if it is not JSON."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError) as error:
            detail = f"the answer of {self.name} is not JSON"
            raise DependencyError(Failure.GARBAGE, detail, sent=self.changed) from error


def _client() -> "httpx.Client":
    import httpx  # noqa: PLC0415 - it slows a cold start down, so it waits for a tool's first call

    # No cookie is kept: one that a service sets for a customer must not come with the next customer's request.
    cookies = CookieJar(DefaultCookiePolicy(allowed_domains=[]))
    return httpx.Client(follow_redirects=False, trust_env=False, cookies=cookies)


class Sender:
    """Sends requests; `allowed_private_hosts` returns the hosts that may have private addresses, for each request."""

    def __init__(
        self,
        allowed_private_hosts: Callable[[], tuple[str, ...]] = tuple,
        *,
        resolve: Resolve = resolve,
        client: Callable[[], "httpx.Client"] = _client,
    ) -> None:
        self._allowed, self._resolve, self._client = allowed_private_hosts, resolve, client
        self._clients: dict[str, httpx.Client] = {}

    def within(self, seconds: float, call: Callable[[], Any]) -> Any:
        """Run a call within a hard total of `seconds`; raises DependencyError(TIMEOUT)."""
        try:
            return call_within(seconds, call)
        except TimeoutError as error:
            raise DependencyError(Failure.TIMEOUT, str(error)) from error

    def target(self, url: str, *, carries_secret: bool = False) -> "httpx.URL":
        """Read a URL; raises DependencyError if it is none, or if a secret would go over it in the clear."""
        import httpx  # noqa: PLC0415 - likewise

        try:
            target = httpx.URL(url)
        except httpx.InvalidURL as error:
            raise DependencyError(Failure.BAD_REQUEST, type(error).__name__, sent=False) from error
        if target.scheme not in ("https", "http") or not target.host:
            raise DependencyError(Failure.BAD_REQUEST, "a URL begins with https:// and a host", sent=False)
        if carries_secret and target.scheme == "http" and target.host not in self._allowed():
            detail = f"a secret is sent to {target.host} over https only: write https:// into its URL"
            raise DependencyError(Failure.BAD_REQUEST, detail, sent=False)
        return target

    def send(
        self, method: str, target: "httpx.URL", timeout_s: float, *, headers: Mapping[str, str], content: bytes, to: str
    ) -> Response:
        """Send one request within a hard total of `timeout_s`; `to` is the receiver's name. Raises DependencyError."""
        import httpx  # noqa: PLC0415 - likewise

        try:
            return call_within(timeout_s, lambda: self._exchange(method, target, timeout_s, headers, content, to))
        except TimeoutError as error:
            stuck = self._clients.pop(target.host, None)
            if stuck:
                stuck.close()  # this ends the abandoned thread as well
            raise DependencyError(Failure.TIMEOUT, str(error)) from error
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            raise DependencyError(Failure.CONNECTION, type(error).__name__, sent=False) from error
        except httpx.TimeoutException as error:
            raise DependencyError(Failure.TIMEOUT, f"no answer within {timeout_s:.1f} s") from error
        except httpx.HTTPError as error:
            raise DependencyError(Failure.CONNECTION, type(error).__name__) from error

    def _exchange(
        self, method: str, target: "httpx.URL", timeout_s: float, headers: Mapping[str, str], content: bytes, to: str
    ) -> Response:
        # One client for each host: httpx reuses connections by address, and hosts at one address must not share them.
        client = self._clients.get(target.host) or self._clients.setdefault(target.host, self._client())
        checked = target.copy_with(host=self._address(target.host, target.port or _port(target.scheme)))
        with client.stream(
            method,
            checked,
            timeout=timeout_s,
            headers={**headers, "Host": target.netloc.decode(), **AS_IT_IS},
            content=content or None,
            extensions={"sni_hostname": target.host},
        ) as answer:
            status = answer.status_code
            if status in _UNDONE:
                rest_s = retry_after(answer.headers.get("retry-after"))
                raise DependencyError(failure_of_status(status), str(status), retry_after_s=rest_s, sent=False)
            if status >= _SERVER_ERRORS:
                raise DependencyError(Failure.SERVER_ERROR, str(status))
            shown = {name.lower(): value for name, value in answer.headers.items() if name.lower() != "set-cookie"}
            too_long = f"{to} answered with more than 1 MiB: ask for less"
            return Response(status, read_body(answer, _MAX_BYTES, by=to, too_long=too_long), shown, to)

    def _address(self, host: str, port: int) -> str:
        return host if host in self._allowed() else public_address(host, port, self._resolve)


def _port(scheme: str) -> int:
    return 443 if scheme == "https" else 80
