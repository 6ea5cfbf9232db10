"""How tools prove to a service who calls: each kind names a secret of the deployment, and never holds one."""

import re
from dataclasses import dataclass
from typing import Any

from turnkeeper.authoring.errors import refuse
from turnkeeper.domain.places import is_secret_name, is_url

_HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_AWS_NAME = re.compile(r"[a-z0-9-]+")

_OURS = frozenset(
    {"accept-encoding", "host", "idempotency-key", "content-length", "transfer-encoding", "connection", "upgrade"}
)
"""Headers, in lower case, that are ours or HTTP's own: neither an auth nor a tool sets them."""

_SIGNED = frozenset({"x-amz-date", "x-amz-security-token", "x-amz-content-sha256"})


@dataclass(frozen=True, slots=True)
class ApiKeyHeader:
    """A key in a header of its own, such as X-Api-Key. `secret` is the name of the secret that holds the key alone."""

    header: str
    secret: str

    def __post_init__(self) -> None:
        is_own = _is(_HEADER, self.header) and self.header.lower() not in _OURS
        refuse(
            "ApiKeyHeader", [(not is_own, "header is the name of a header, such as X-Api-Key"), _secret(self.secret)]
        )


@dataclass(frozen=True, slots=True)
class Bearer:
    """A token that does not expire, as `Authorization: Bearer`. `secret` names the secret that holds it alone."""

    secret: str

    def __post_init__(self) -> None:
        refuse("Bearer", [_secret(self.secret)])


@dataclass(frozen=True, slots=True)
class Basic:
    """HTTP Basic. `secret` names a secret that holds JSON with `username` and `password`."""

    secret: str

    def __post_init__(self) -> None:
        refuse("Basic", [_secret(self.secret)])


@dataclass(frozen=True, slots=True)
class OAuth:
    """OAuth client credentials. `secret` names a secret that holds JSON with `client_id` and `client_secret`.

    A token is fetched from `token_url`, for this `scope` and `audience` where the service wants them, and used until
    shortly before it expires.
    """

    token_url: str
    secret: str
    scope: str = ""
    audience: str = ""

    def __post_init__(self) -> None:
        refuse(
            "OAuth",
            [
                (not is_url(self.token_url), "token_url is a URL, such as https://login.example/oauth/token"),
                _secret(self.secret),
                (not isinstance(self.scope, str), "scope is text, such as 'orders.read orders.write'"),
                (not isinstance(self.audience, str), "audience is text, such as https://api.example"),
            ],
        )


@dataclass(frozen=True, slots=True)
class SigV4:
    """AWS Signature Version 4, for a service such as `execute-api` or `lambda`.

    Signed with the function's own role, or with the secret whose name is `secret`: JSON with `access_key_id` and
    `secret_access_key`. `region` is the function's own by default.
    """

    service: str
    region: str = ""
    secret: str = ""

    def __post_init__(self) -> None:
        refuse(
            "SigV4",
            [
                (not _is(_AWS_NAME, self.service), "service is AWS's name of the service, such as execute-api"),
                (self.region != "" and not _is(_AWS_NAME, self.region), "region is a region, such as eu-central-1"),
                *([_secret(self.secret)] if self.secret != "" else []),
            ],
        )


Auth = ApiKeyHeader | Bearer | Basic | OAuth | SigV4


def reserved_headers(auth: Auth | None) -> frozenset[str]:
    """Return the headers, in lower case, that a tool may not set beside an auth."""
    own = {auth.header.lower()} if isinstance(auth, ApiKeyHeader) else _SIGNED if isinstance(auth, SigV4) else set()
    return _OURS | own | {"authorization"}


def _is(pattern: re.Pattern[str], value: Any) -> bool:
    return isinstance(value, str) and pattern.fullmatch(value) is not None


def _secret(value: Any) -> tuple[bool, str]:
    return not is_secret_name(value), "secret is a secret's name, such as orders-key, or ssm:/name"
