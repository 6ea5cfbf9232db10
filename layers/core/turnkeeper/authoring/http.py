"""What a tool sees of HTTP: requests to its own dependency, and their answers."""

from collections.abc import Mapping
from typing import Any, Protocol


class ToolResponse(Protocol):
    """The answer of a tool's service."""

    @property
    def status(self) -> int:
        """The HTTP status."""

    @property
    def text(self) -> str:
        """The body as text, read as UTF-8."""

    @property
    def headers(self) -> Mapping[str, str]:
        """The headers, by their names in lower case; cookies are left out."""

    def json(self) -> Any:
        """Read the body as JSON; raises `errors.DependencyError` if it is not JSON."""


class ToolHttp(Protocol):
    """HTTP to a tool's own dependency, within the tool's timeout and behind the dependency's breaker.

    A status of 401, 429 or 5xx raises `errors.DependencyError`; the tool reads any other. A path begins with "/", and
    is appended to the base URL. One with a query (use `params`), with `..` or with an encoded slash is refused, so
    quote the parts of it that a model or a customer wrote. `body` is JSON data; None sends no body.

    GET, HEAD and OPTIONS change nothing. Any other method carries the call's idempotency key as `Idempotency-Key`. One
    call of a tool makes at most 20 requests. The dependency's `auth` is added to each of them; `headers` may not
    replace it, nor Authorization, Host or Idempotency-Key.
    """

    def request(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        body: Any = None,
    ) -> ToolResponse:
        """Send GET, HEAD, OPTIONS, POST, PUT, PATCH or DELETE. Raises as the class says."""
        ...

    def get(
        self, path: str, *, params: Mapping[str, str] | None = None, headers: Mapping[str, str] | None = None
    ) -> ToolResponse:
        """Send a GET."""
        return self.request("GET", path, params=params, headers=headers)

    def post(
        self,
        path: str,
        *,
        body: Any = None,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> ToolResponse:
        """Send a POST."""
        return self.request("POST", path, params=params, headers=headers, body=body)

    def put(
        self,
        path: str,
        *,
        body: Any = None,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> ToolResponse:
        """Send a PUT."""
        return self.request("PUT", path, params=params, headers=headers, body=body)

    def patch(
        self,
        path: str,
        *,
        body: Any = None,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> ToolResponse:
        """Send a PATCH."""
        return self.request("PATCH", path, params=params, headers=headers, body=body)

    def delete(
        self,
        path: str,
        *,
        body: Any = None,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> ToolResponse:
        """Send a DELETE."""
        return self.request("DELETE", path, params=params, headers=headers, body=body)
