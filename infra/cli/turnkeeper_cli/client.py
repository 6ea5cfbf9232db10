"""The API as the terminal uses it: send a turn, wait for its outcome."""

import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal, Self
from urllib.parse import quote

import httpx
from cyclopts import Parameter

from turnkeeper_cli.errors import CliError
from turnkeeper_cli.project import local_stack

Turn = dict[str, Any]

ENDED = ("completed", "expired", "failed")
_TIMEOUT_S = 40
_BUSY = (409, 429, 503)
_DEFAULT_DELAY_S, _SHORTEST_DELAY_S = 1.0, 0.02


@Parameter(name="*")
@dataclass(frozen=True)
class Api:
    """Which API to call, and who is calling."""

    customer: str = "terminal"
    """On whose behalf, for a service."""

    who: Literal["service", "customer"] = "service"
    """Whose token of the local stack: the service's, or that of a person, who is their own customer."""

    api_url: Annotated[str | None, Parameter(env_var="TURNKEEPER_API_URL")] = None
    """Another API than the local stack's, before /v1."""

    token: Annotated[str | None, Parameter(env_var="TURNKEEPER_TOKEN", show_env_var=True)] = None
    """The bearer token for it: rather set the variable, a command line is seen by others."""

    def open(self) -> "Client":
        """Make the client."""
        if self.api_url:
            if not self.token:
                raise CliError("set TURNKEEPER_TOKEN to a token for that API")
            return Client(_url(self.api_url), _sendable(self.token), self._customer)
        stack = local_stack()
        return Client(_url(stack["api_url"]), _sendable(self.token or stack["tokens"][self.who]), self._customer)

    @property
    def _customer(self) -> str | None:
        return self.customer if self.who == "service" else None


@dataclass
class Client:
    """Sends turns. Every failure is raised as a CliError that says what to do."""

    api_url: str
    token: str
    customer: str | None
    http: httpx.Client = field(default_factory=lambda: httpx.Client(timeout=_TIMEOUT_S))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.http.close()

    def send(self, agent: str, message: str, *, patience_s: float, **body: str | None) -> Turn:
        """Send a turn. Where the API is busy, the same turn is sent again until `patience_s` is over."""
        sent = {"message": message, "customer_id": self.customer, **body}
        return self._request(
            "POST",
            f"/v1/agents/{quote(agent, safe='')}/turns",
            patience_s,
            json={name: value for name, value in sent.items() if value is not None},
            headers={"Idempotency-Key": f"cli-{uuid.uuid4().hex}"},
        )

    def wait(self, turn: Turn, *, patience_s: float, changed: Callable[[Turn], None] = lambda _: None) -> Turn:
        """Look at a turn until it has ended, or `patience_s` is over; `changed` hears of each new status."""
        end, status = time.monotonic() + patience_s, ""
        while turn["status"] not in ENDED:
            if turn["status"] != status:
                status = turn["status"]
                changed(turn)
            left = end - time.monotonic()
            if left <= 0:
                break
            time.sleep(min(left, turn.pop("_delay", _DEFAULT_DELAY_S)))
            turn = self._request("GET", f"/v1/turns/{turn['turn_id']}", patience_s)
        turn.pop("_delay", None)
        return turn

    def _request(self, method: str, path: str, patience_s: float, **what: Any) -> Turn:
        end = time.monotonic() + patience_s
        headers = {"Authorization": f"Bearer {self.token}", **what.pop("headers", {})}
        while True:
            try:
                answer = self.http.request(method, self.api_url + path, headers=headers, **what)
            except httpx.TransportError as error:
                raise CliError(f"nothing answers at {self.api_url}: run `make up`, and try again") from error
            if answer.status_code not in _BUSY or time.monotonic() + _delay(answer.headers) > end:
                return _read(answer)
            time.sleep(_delay(answer.headers))


def _url(text: str) -> str:
    try:
        url = httpx.URL(text)
    except httpx.InvalidURL:
        url = httpx.URL()
    if url.scheme not in ("http", "https") or not url.host:
        raise CliError(f"{text!r} is no URL: write https://ID.execute-api.REGION.amazonaws.com/prod")
    return text.rstrip("/")


def _sendable(token: str) -> str:
    if not token.isascii() or not token.isprintable():
        raise CliError("a token is one line of ASCII characters: copy it again")
    return token


def _delay(headers: Mapping[str, str]) -> float:
    try:
        return max(_SHORTEST_DELAY_S, float(headers["Retry-After"]))
    except (KeyError, ValueError):
        return _DEFAULT_DELAY_S


def _read(answer: httpx.Response) -> Turn:
    try:
        data = answer.json()
    except ValueError:
        data = None
    if not isinstance(data, dict):
        raise CliError(f"{answer.request.url} answered {answer.status_code}, and no JSON: is that a Turnkeeper API?")
    if answer.is_success:
        return data | ({"_delay": _delay(answer.headers)} if "Retry-After" in answer.headers else {})
    code = str(data.get("type", "")).rpartition(":")[2] or str(answer.status_code)
    advice = ""
    if answer.status_code == httpx.codes.UNAUTHORIZED:
        advice = " (the local stack's tokens are good for 24 h: `make down`, then `make up`)"
    errors = data.get("errors") or [data.get("detail") or data.get("title") or "refused"]
    raise CliError(f"{answer.status_code} {code}: {'; '.join(map(str, errors))}{advice}")
