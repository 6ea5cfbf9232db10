"""HTTP to a provider: one POST of JSON within a hard total time, its failures in the words of the one table."""

import json
from collections.abc import Callable, Mapping
from email.utils import parsedate_to_datetime
from time import time
from typing import Any

import httpx

from turnkeeper.adapters.models.deadline import call_within
from turnkeeper.adapters.secrets import ApiKey
from turnkeeper.domain.failures import Failure
from turnkeeper.errors import DependencyError

_OK = 200
_BAD_REQUEST = 400
_UNAUTHORIZED = 401
_SERVER = 500
_FAILURES = {
    401: Failure.BAD_KEY,
    402: Failure.NO_CREDIT,
    403: Failure.BAD_KEY,
    408: Failure.TIMEOUT,
    429: Failure.RATE_LIMITED,
    504: Failure.TIMEOUT,
}
_NO_CREDIT = {"insufficient_quota", "billing_error", "billing_hard_limit_reached", "insufficient_credits"}
_FILTERED = {"content_filter", "content_policy_violation", "ResponsibleAIPolicyViolation"}

Headers = Callable[[str], Mapping[str, str]]
"""Makes a provider's headers of its API key."""


class JsonPost:
    """Posts to one provider over kept-alive connections."""

    def __init__(self, base_url: str, key: ApiKey, headers: Headers) -> None:
        self._base, self._key, self._headers = base_url.rstrip("/"), key, headers
        self._client = _client()

    def send(self, path: str, body: Mapping[str, Any], *, timeout_s: float) -> dict[str, Any]:
        """Post and return the answer. Raises DependencyError; a rejected key is read anew, once."""
        try:
            answer = call_within(timeout_s, lambda: self._send(path, body, timeout_s))
        except TimeoutError as error:
            stuck, self._client = self._client, _client()
            stuck.close()
            raise DependencyError(Failure.TIMEOUT, str(error)) from error
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.UnsupportedProtocol) as error:
            raise DependencyError(Failure.CONNECTION, type(error).__name__, sent=False) from error
        except httpx.TimeoutException as error:
            raise DependencyError(Failure.TIMEOUT, type(error).__name__) from error
        except httpx.HTTPError as error:
            raise DependencyError(Failure.CONNECTION, type(error).__name__) from error
        return _read(answer)

    def _send(self, path: str, body: Mapping[str, Any], timeout_s: float) -> httpx.Response:
        def post(key: str) -> httpx.Response:
            return self._client.post(self._base + path, json=body, headers=self._headers(key), timeout=timeout_s)

        key = self._key.read()
        answer = post(key)
        if answer.status_code == _UNAUTHORIZED:
            fresh = self._key.read(again=True)
            if fresh != key:
                return post(fresh)
        return answer


def _client() -> httpx.Client:
    return httpx.Client(follow_redirects=False, trust_env=False)


def _read(answer: httpx.Response) -> dict[str, Any]:
    try:
        data = json.loads(answer.content)
    except ValueError:
        data = None
    if answer.status_code != _OK:
        raise failed(answer.status_code, data, retry_after(answer.headers.get("retry-after")))
    if not isinstance(data, dict):
        raise DependencyError(Failure.GARBAGE, "the body is not a JSON object")
    return data


def failed(status: int, data: Any, retry_after_s: float | None = None) -> DependencyError:
    """Say what an error answer means; its words stay out, for they may repeat a key or a prompt."""
    error = data.get("error") if isinstance(data, dict) else None
    error = error if isinstance(error, dict) else {}
    codes = {str(error.get(name)) for name in ("code", "type") if error.get(name)}
    detail = " ".join([str(status), *sorted(codes)])
    # Anthropic reports used-up credit as an invalid request; only its words tell.
    credit = status == _BAD_REQUEST and "credit balance" in str(error.get("message", "")).lower()
    if codes & _NO_CREDIT or credit:
        return DependencyError(Failure.NO_CREDIT, detail, sent=False)
    if codes & _FILTERED:
        return DependencyError(Failure.CONTENT_FILTER, detail, sent=False)
    default = Failure.SERVER_ERROR if status >= _SERVER else Failure.BAD_REQUEST
    return DependencyError(_FAILURES.get(status, default), detail, retry_after_s=retry_after_s)


def retry_after(header: str | None) -> float | None:
    """Read a Retry-After header, seconds or a date, as seconds from now."""
    if not header:
        return None
    try:
        return max(0.0, float(header))
    except ValueError:
        pass
    try:
        return max(0.0, parsedate_to_datetime(header).timestamp() - time())
    except ValueError:
        return None
