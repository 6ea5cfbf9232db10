"""HTTP to a provider: one POST of JSON within a hard total time, whose errors are failures of `domain/failures.py`."""

import json
from collections.abc import Callable, Mapping
from typing import Any

import httpx

from turnkeeper.adapters.bodies import AS_IT_IS, packed_as, read_body
from turnkeeper.adapters.models.deadline import call_within
from turnkeeper.adapters.retry_after import retry_after
from turnkeeper.adapters.secrets import Secret
from turnkeeper.domain.failures import Failure, failure_of_status
from turnkeeper.errors import DependencyError

_CONNECT_S = 2.0
_LONGEST_BODY_BYTES = 8 * 1024 * 1024
_BAD_REQUEST = 400
_UNAUTHORIZED = 401
_FORBIDDEN = 403
_NO_CREDIT = {
    "insufficient_quota",
    "billing_error",
    "billing_hard_limit_reached",
    "billing_not_active",
    "insufficient_credits",
}
_FILTERED = {"content_filter", "content_policy_violation", "invalid_prompt", "ResponsibleAIPolicyViolation"}
_NO_CREDIT_WORDS = ("credit balance", "api usage limits")
_FILTERED_WORDS = "blocked by content filtering"

Headers = Callable[[str], Mapping[str, str]]
"""Returns the headers that carry an API key to a provider."""


class JsonPost:
    """Posts to one provider, at `base_url`, over connections that are kept alive."""

    def __init__(self, base_url: str, key: Secret, headers: Headers) -> None:
        self._base, self._key, self._headers = base_url.rstrip("/"), key, headers
        self._client = _client()

    def send(self, path: str, body: Mapping[str, Any], *, timeout_s: float) -> dict[str, Any]:
        """Post JSON to `path` and return the JSON object that comes back, within a hard total of `timeout_s`.

        Where the key is rejected (401) it is read anew, past the cache, and a changed one is tried once. Raises
        DependencyError.
        """
        try:
            answer = call_within(timeout_s, lambda: self._send(path, body, timeout_s))
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
            return _read(answer)
        except DependencyError as error:
            if answer.status_code == _UNAUTHORIZED and error.failure is Failure.BAD_KEY:
                rejected = self._key.rejected(f"({error.detail})")
                rejected.sent = error.sent
                raise rejected from error
            raise

    def _send(self, path: str, body: Mapping[str, Any], timeout_s: float) -> httpx.Response:
        timeout = httpx.Timeout(timeout_s, connect=min(timeout_s, _CONNECT_S))

        def post(key: str) -> httpx.Response:
            url, headers = self._base + path, {**self._headers(key), **AS_IT_IS}
            with self._client.stream("POST", url, json=body, headers=headers, timeout=timeout) as answer:
                return httpx.Response(answer.status_code, headers=_kept(answer), content=_body(answer))

        key = self._key.read()
        answer = post(key)
        if answer.status_code == _UNAUTHORIZED:
            fresh = self._key.read(again=True)
            if fresh != key:
                return post(fresh)
        return answer


def _client() -> httpx.Client:
    return httpx.Client(follow_redirects=False, trust_env=False)


def _kept(answer: httpx.Response) -> dict[str, str]:
    """Keep no header that describes the body, which is already read."""
    return {name: answer.headers[name] for name in ("retry-after",) if name in answer.headers}


def _body(answer: httpx.Response) -> bytes:
    if packed_as(answer) and not answer.is_success:
        return b""  # the status says enough
    too_long = f"the body is longer than {_LONGEST_BODY_BYTES} bytes"
    return read_body(answer, _LONGEST_BODY_BYTES, by="the provider", too_long=too_long)


def _read(answer: httpx.Response) -> dict[str, Any]:
    try:
        data = json.loads(answer.content)
    except (ValueError, RecursionError):
        data = None
    if not answer.is_success:
        raise failed(answer.status_code, data, retry_after(answer.headers.get("retry-after")))
    if not isinstance(data, dict):
        raise DependencyError(Failure.GARBAGE, "the body is not a JSON object")
    return data


def failed(status: int, data: Any, retry_after_s: float | None = None) -> DependencyError:
    """Return what an error answer means: its `status`, and the JSON of its body (`data`), if it was JSON.

    The provider's message is left out of the error, as it may repeat a key or a prompt.
    """
    error = data.get("error") if isinstance(data, dict) else None
    error = error if isinstance(error, dict) else {}
    codes = {str(error.get(name)) for name in ("code", "type") if error.get(name)}
    detail = " ".join([str(status), *sorted(codes)])
    # To Anthropic, used-up credit and an answer that its filter stopped are invalid requests: only the message differs.
    words = str(error.get("message", "")).lower() if status == _BAD_REQUEST else ""
    if codes & _NO_CREDIT or any(phrase in words for phrase in _NO_CREDIT_WORDS):
        return DependencyError(Failure.NO_CREDIT, detail, sent=False)
    if status == _FORBIDDEN and _flagged(error):
        return DependencyError(Failure.CONTENT_FILTER, detail, sent=False)
    # Some providers (Azure) bill for a request that their filter rejected, and do not say so in the answer.
    if codes & _FILTERED or _FILTERED_WORDS in words:
        return DependencyError(Failure.CONTENT_FILTER, detail)
    return DependencyError(failure_of_status(status), detail, retry_after_s=retry_after_s)


def _flagged(error: Mapping[str, Any]) -> bool:
    """Whether a 403 is OpenRouter's moderation, and not a rejected key."""
    metadata = error.get("metadata")
    return isinstance(metadata, dict) and "flagged_input" in metadata
