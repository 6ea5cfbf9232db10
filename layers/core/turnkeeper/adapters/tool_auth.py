"""Authorises requests to tools' services: reads the secret that an auth names, and writes it into the headers."""

import json
import math
from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, partial
from threading import Lock
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import quote_plus, urlencode

from turnkeeper.adapters.secrets import Secret, Secrets
from turnkeeper.agent import ApiKeyHeader, Basic, Bearer, Dependency, OAuth, SigV4
from turnkeeper.domain.failures import Failure
from turnkeeper.errors import DependencyError
from turnkeeper.ports import Clock

if TYPE_CHECKING:
    import botocore.session

_OK, _BAD_REQUEST, _FORBIDDEN = 200, 400, 403
_USUAL_LIFE_S, _MARGIN_S, _MARGIN_PART = 300.0, 30.0, 0.1
"""How long a token is kept that does not say when it expires; and how long before its end it is used no more."""

_REJECTED = {"invalid_client", "unauthorized_client"}
_CODES = {*_REJECTED, "invalid_request", "invalid_grant", "unsupported_grant_type", "invalid_scope", "invalid_target"}
"""The errors of RFC 6749 and RFC 8707. Nothing else of an answer is quoted, as it may repeat the secret."""

Credentials = tuple[str, ...]


class Answer(Protocol):
    """What a token's URL answered."""

    @property
    def status(self) -> int:
        """The HTTP status."""

    @property
    def body(self) -> bytes:
        """The body."""


Post = Callable[[str, Mapping[str, str], bytes, float], Answer]
"""Sends a POST to a URL, with headers and a body, within seconds; raises DependencyError."""


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A request as it will be sent; the headers hold the host's."""

    method: str
    url: str
    headers: Mapping[str, str]
    content: bytes


Write = Callable[[Credentials, Outgoing], Mapping[str, str]]
"""Returns the headers that carry credentials."""


class Authoriser(Protocol):
    """Authorises the requests to one dependency. Raises DependencyError, which never quotes a secret."""

    def current(self, timeout_s: float) -> Credentials:
        """Return the credentials to use now, within `timeout_s` seconds."""

    def anew(self, rejected: Credentials, timeout_s: float) -> Credentials | None:
        """Return newer credentials than those that were rejected, past every cache; None where there are none."""

    def headers(self, credentials: Credentials, request: Outgoing) -> Mapping[str, str]:
        """Return the headers that authorise a request."""

    def rejected(self) -> DependencyError:
        """Return the error that says what the dependency rejected."""


def authoriser(dependency: Dependency, secrets: Secrets, post: Post, clock: Clock) -> Authoriser:
    """Make what authorises the requests to a dependency; `post` reaches the URL of a token."""
    name, auth = dependency.name, dependency.auth
    names: tuple[str, ...]
    write: Write
    match auth:
        case None:
            return _Nobody(name)
        case OAuth():
            return _Tokens(name, auth, secrets.secret(auth.secret), post, clock)
        case SigV4(secret=""):
            return _Role(name, auth)
        case SigV4():
            names, write = ("access_key_id", "secret_access_key"), partial(_signed, auth)
        case Basic():
            names, write = ("username", "password"), _basic
        case Bearer():
            names, write = (), _bearer
        case ApiKeyHeader():
            names, write = (), partial(_in_header, auth.header)
    return _Static(name, secrets.secret(auth.secret), names, write)


@dataclass(frozen=True, slots=True)
class _Nobody:
    name: str

    def current(self, timeout_s: float) -> Credentials:  # noqa: ARG002
        return ()

    def anew(self, rejected: Credentials, timeout_s: float) -> None:
        """There is nothing to renew."""

    def headers(self, credentials: Credentials, request: Outgoing) -> Mapping[str, str]:  # noqa: ARG002
        return {}

    def rejected(self) -> DependencyError:
        return _bad_key(f"{self.name} answered 401: give Dependency({self.name!r}) an auth")


@dataclass(frozen=True, slots=True)
class _Static:
    name: str
    secret: Secret
    names: tuple[str, ...]
    write: Write

    def current(self, timeout_s: float) -> Credentials:  # noqa: ARG002 - the store of secrets has a limit of its own
        return self._read(again=False)

    def anew(self, rejected: Credentials, timeout_s: float) -> Credentials | None:  # noqa: ARG002
        fresh = self._read(again=True)
        return fresh if fresh != rejected else None

    def headers(self, credentials: Credentials, request: Outgoing) -> Mapping[str, str]:
        return self.write(credentials, request)

    def rejected(self) -> DependencyError:
        return self.secret.rejected(f"by {self.name}")

    def _read(self, *, again: bool) -> Credentials:
        return self.secret.fields(*self.names, again=again) if self.names else (self.secret.read(again=again),)


@dataclass(frozen=True, slots=True)
class _Role:
    name: str
    auth: SigV4

    def current(self, timeout_s: float) -> Credentials:  # noqa: ARG002 - in a function they are in the environment
        found = _session().get_credentials()
        if found is None:
            raise _bad_key(f"there is no role to sign requests to {self.name} with: give SigV4 a secret")
        frozen = found.get_frozen_credentials()
        return (frozen.access_key or "", frozen.secret_key or "", frozen.token or "")

    def anew(self, rejected: Credentials, timeout_s: float) -> None:
        """A role's credentials are renewed before they end."""

    def headers(self, credentials: Credentials, request: Outgoing) -> Mapping[str, str]:
        return _signed(self.auth, credentials, request)

    def rejected(self) -> DependencyError:
        return _bad_key(f"the function's role was rejected by {self.name}: allow the role to call it")


class _Tokens:
    """Holds one token at a time; one thread fetches it, and the others wait for it."""

    def __init__(self, name: str, auth: OAuth, secret: Secret, post: Post, clock: Clock) -> None:
        self._name, self._auth, self._secret, self._post, self._clock = name, auth, secret, post, clock
        self._lock = Lock()
        self._token, self._until = "", 0.0

    def current(self, timeout_s: float) -> Credentials:
        return self._fetched("", timeout_s)

    def anew(self, rejected: Credentials, timeout_s: float) -> Credentials:
        return self._fetched(rejected[0], timeout_s)

    def headers(self, credentials: Credentials, request: Outgoing) -> Mapping[str, str]:
        return _bearer(credentials, request)

    def rejected(self) -> DependencyError:
        return self._secret.rejected(f"by {self._name}, as the token that it gives")

    def _fetched(self, rejected: str, timeout_s: float) -> Credentials:
        if not self._lock.acquire(timeout=timeout_s):
            raise DependencyError(Failure.TIMEOUT, f"no token of {self._name} within {timeout_s:.1f} s", sent=False)
        try:
            if not self._token or self._token == rejected or self._clock() >= self._until:
                self._token = ""
                self._token, self._until = self._fetch(timeout_s)
            return (self._token,)
        finally:
            self._lock.release()

    def _fetch(self, timeout_s: float) -> tuple[str, float]:
        client = self._secret.fields("client_id", "client_secret")
        try:
            return self._ask(client, timeout_s)
        except DependencyError as error:
            if error.failure is not Failure.BAD_KEY:
                raise
            fresh = self._secret.fields("client_id", "client_secret", again=True)
            if fresh == client:
                raise
            return self._ask(fresh, timeout_s)

    def _ask(self, client: Credentials, timeout_s: float) -> tuple[str, float]:
        wanted = {"grant_type": "client_credentials", "scope": self._auth.scope, "audience": self._auth.audience}
        headers = {
            "Authorization": _basic_value(*map(quote_plus, client)),
            "Content-Type": "application/x-www-form-urlencoded",
            "Accept": "application/json",
        }
        body = urlencode({name: value for name, value in wanted.items() if value}).encode()
        began = self._clock()
        try:
            answer = self._post(self._auth.token_url, headers, body, timeout_s)
        except DependencyError as error:
            if error.failure is Failure.BAD_KEY:
                raise self._refused("401") from error
            raise
        data = _json(answer.body)
        if answer.status != _OK:
            code = data.get("error") if data.get("error") in _CODES else ""
            said = f"{answer.status} {code}".strip()
            if code in _REJECTED or answer.status == _FORBIDDEN:
                raise self._refused(said)
            raise DependencyError(Failure.BAD_REQUEST, f"the token_url of {self._name} answered {said}", sent=False)
        token, kind = data.get("access_token"), str(data.get("token_type") or "Bearer")
        if not (isinstance(token, str) and token.isascii() and token.isprintable() and token.strip() == token != ""):
            token = None
        if token is None or kind.lower() != "bearer":
            detail = f"the token_url of {self._name} answered without a bearer token"
            raise DependencyError(Failure.SERVER_ERROR, detail, sent=False)
        return token, began + _life_s(data.get("expires_in"))

    def _refused(self, said: str) -> DependencyError:
        return self._secret.rejected(f"by the token_url of {self._name} ({said})")


def _life_s(expires_in: Any) -> float:
    try:
        life = float(expires_in)
    except (TypeError, ValueError):
        return _USUAL_LIFE_S
    if not math.isfinite(life) or life <= 0:
        return _USUAL_LIFE_S
    return life - min(_MARGIN_S, life * _MARGIN_PART)


def _json(body: bytes) -> dict[str, Any]:
    try:
        data = json.loads(body)
    except (ValueError, RecursionError):
        data = None
    return data if isinstance(data, dict) else {}


def _bad_key(detail: str) -> DependencyError:
    return DependencyError(Failure.BAD_KEY, detail, sent=False)


def _bearer(credentials: Credentials, _: Outgoing) -> Mapping[str, str]:
    return {"Authorization": f"Bearer {credentials[0]}"}


def _basic(credentials: Credentials, _: Outgoing) -> Mapping[str, str]:
    return {"Authorization": _basic_value(*credentials)}


def _basic_value(user: str, password: str) -> str:
    return f"Basic {b64encode(f'{user}:{password}'.encode()).decode()}"


def _in_header(header: str, credentials: Credentials, _: Outgoing) -> Mapping[str, str]:
    return {header: credentials[0]}


def _signed(auth: SigV4, credentials: Credentials, request: Outgoing) -> Mapping[str, str]:
    from botocore.auth import S3SigV4Auth, SigV4Auth  # noqa: PLC0415 - only a dependency with this auth needs it
    from botocore.awsrequest import AWSRequest  # noqa: PLC0415
    from botocore.credentials import ReadOnlyCredentials  # noqa: PLC0415

    access_key, secret_key, token = (*credentials, "")[:3]
    region = auth.region or _session().get_config_variable("region")
    # S3 alone encodes a path once, and wants the digest of the body in a header.
    signer = S3SigV4Auth if auth.service == "s3" else SigV4Auth
    signed = AWSRequest(request.method, request.url, headers=dict(request.headers), data=request.content)
    signer(ReadOnlyCredentials(access_key, secret_key, token or None), auth.service, region).add_auth(signed)
    return {name: value for name, value in signed.headers.items() if name not in request.headers}


@cache
def _session() -> "botocore.session.Session":
    import botocore.session  # noqa: PLC0415 - likewise

    return botocore.session.Session()
