"""HTTP to a provider: one POST of JSON within a hard total time, whose errors are failures of `domain/failures.py`."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import httpx

from turnkeeper.adapters.bodies import AS_IT_IS, packed_as, read_body
from turnkeeper.adapters.models import gateway
from turnkeeper.adapters.models.deadline import call_within
from turnkeeper.adapters.models.error_shapes import json_or_text
from turnkeeper.adapters.models.errors import Asked, error_in, failed
from turnkeeper.adapters.secrets import Secret, Secrets
from turnkeeper.agent import Endpoint
from turnkeeper.domain.failures import Failure
from turnkeeper.errors import DependencyError

_CONNECT_S = 2.0
_LONGEST_BODY_BYTES = 8 * 1024 * 1024
_UNAUTHORIZED = 401
_OF_THE_BODY = ("content-", "transfer-", "set-cookie", "connection")

Headers = Callable[[str], Mapping[str, str]]
"""Returns the headers that carry an API key to a provider; an empty key is none."""


@dataclass(frozen=True, slots=True)
class Answered:
    """An answer: the JSON object of its body, and its headers under their names in lower case."""

    data: dict[str, Any]
    headers: Mapping[str, str]

    @property
    def model(self) -> Any:
        """What it says which model answered."""
        return gateway.answered_by(self.data.get("model"), self.headers)


def json_post(endpoint: Endpoint, secrets: Secrets, headers: Headers) -> "JsonPost":
    """Return what posts to an endpoint with its key, which `headers` carries."""
    key = secrets.secret(endpoint.key_secret) if endpoint.key_secret else None
    return JsonPost(endpoint.url, key, headers, asks_once=endpoint.retries_inside)


class JsonPost:
    """Posts to one provider, at `base_url`, over connections that are kept alive; some need no key.

    With `asks_once` a gateway is told not to ask again by itself, and how long it may take.
    """

    def __init__(self, base_url: str, key: Secret | None, headers: Headers, *, asks_once: bool = False) -> None:
        self._base, self._key, self._headers, self._asks_once = base_url.rstrip("/"), key, headers, asks_once
        self._client = _client()

    def send(self, path: str, body: Mapping[str, Any], *, timeout_s: float) -> Answered:
        """Post JSON to `path` and return the JSON object that comes back, within a hard total of `timeout_s`.

        Where the key is rejected (401) it is read anew, past the cache, and a changed one is tried once. An error in
        the body of a 2xx is an error. Raises DependencyError.
        """
        try:
            answer, key = call_within(timeout_s, lambda: self._send(path, body, timeout_s))
        except TimeoutError as error:
            stuck, self._client = self._client, _client()
            stuck.close()
            raise DependencyError(Failure.TIMEOUT, str(error)) from error
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            raise DependencyError(Failure.CONNECTION, type(error).__name__, sent=False) from error
        except (httpx.InvalidURL, httpx.UnsupportedProtocol, httpx.LocalProtocolError, UnicodeError) as error:
            raise DependencyError(Failure.BAD_REQUEST, type(error).__name__, sent=False) from error
        except httpx.TimeoutException as error:
            raise DependencyError(Failure.TIMEOUT, type(error).__name__) from error
        except httpx.HTTPError as error:
            raise DependencyError(Failure.CONNECTION, type(error).__name__) from error
        try:
            return _read(answer, Asked.by(body, key))
        except DependencyError as error:
            is_ours = error.failure is Failure.BAD_KEY and not error.said.startswith(gateway.NAME)
            if self._key and answer.status_code == _UNAUTHORIZED and is_ours:
                rejected = self._key.rejected(f"({error.detail})")
                rejected.sent, rejected.said = error.sent, error.said
                raise rejected from error
            raise

    def _send(self, path: str, body: Mapping[str, Any], timeout_s: float) -> tuple[httpx.Response, str]:
        """Return the answer, and the key with which it was got."""
        extra = gateway.ask_once(timeout_s) if self._asks_once else {}
        timeout = httpx.Timeout(timeout_s, connect=min(timeout_s, _CONNECT_S))

        def post(key: str) -> httpx.Response:
            url, headers = self._base + path, {**extra, **self._headers(key), **AS_IT_IS}
            with self._client.stream("POST", url, json=body, headers=headers, timeout=timeout) as answer:
                return httpx.Response(answer.status_code, headers=_kept(answer), content=_body(answer))

        key = self._key.read() if self._key else ""
        answer = post(key)
        if self._key and answer.status_code == _UNAUTHORIZED:
            fresh = self._key.read(again=True)
            if fresh != key:
                return post(fresh), fresh
        return answer, key


def _client() -> httpx.Client:
    return httpx.Client(follow_redirects=False, trust_env=False)


def _kept(answer: httpx.Response) -> dict[str, str]:
    """Keep no header that describes the body, which is already read."""
    headers = {name.lower(): value for name, value in answer.headers.items()}
    return {name: value for name, value in headers.items() if not name.startswith(_OF_THE_BODY)}


def _body(answer: httpx.Response) -> bytes:
    if packed_as(answer) and not answer.is_success:
        return b""  # the status says enough
    too_long = f"the body is longer than {_LONGEST_BODY_BYTES} bytes"
    return read_body(answer, _LONGEST_BODY_BYTES, by="the provider", too_long=too_long)


def _read(answer: httpx.Response, asked: Asked) -> Answered:
    data, headers = json_or_text(answer.content), dict(answer.headers)
    if not answer.is_success:
        raise failed(answer.status_code, data, headers, asked)
    error = error_in(data, headers, asked)
    if error:
        raise error
    if not isinstance(data, dict):
        raise DependencyError(Failure.GARBAGE, "the body is not a JSON object")
    return Answered(data, headers)
