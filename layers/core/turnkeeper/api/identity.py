"""Who calls: a service, a customer or an operator, of which tenant; read from the claims of an access token."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from turnkeeper.errors import InvalidRequest, TurnkeeperError

SCOPE = "turnkeeper/turns"
"""The scope of a service's token."""

OPERATORS = "operators"
TENANT = "tenant."
_ID = re.compile(r"[A-Za-z0-9._:@+=-]{1,128}")
_NAME_CHARS = 128


class Unauthenticated(TurnkeeperError):  # noqa: N818
    """The token has no usable claims."""

    code = "unauthorized"


class Forbidden(TurnkeeperError):  # noqa: N818
    """The caller's role, or customer, does not allow this."""

    code = "forbidden"


class Role(StrEnum):
    """A caller's role."""

    SERVICE = "service"
    CUSTOMER = "customer"
    OPERATOR = "operator"


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls. `subject` is the person's id, or the service's client id; `name` is what people call the person."""

    role: Role
    tenant: str
    subject: str
    name: str = ""

    def customer(self, named: str | None) -> str:
        """Return the customer that the caller acts for: a service names one, a person is one."""
        if self.role is Role.SERVICE:
            if not named:
                raise InvalidRequest("a service names its customer: send customer_id")
            return named
        if named and named != self.subject:
            raise Forbidden("customer_id is for services; a person acts for themselves")
        return self.subject

    def sees(self, tenant: str, customer: str) -> bool:
        """Say whether the caller may see what belongs to a tenant's customer."""
        return tenant == self.tenant and (self.role is not Role.CUSTOMER or customer == self.subject)

    def must_be(self, *roles: Role) -> "Caller":
        """Return the caller; raises Forbidden unless they have one of the roles."""
        if self.role not in roles:
            raise Forbidden(f"this is for {' and '.join(f'{role}s' for role in roles)}")
        return self


def caller(claims: Mapping[str, Any]) -> Caller:
    """Read a caller from an access token's claims; a null, empty or ambiguous claim raises Unauthenticated."""
    groups = _words(claims.get("cognito:groups"))
    client, subject = _id(claims.get("client_id")), _id(claims.get("sub"))
    if claims.get("token_use", "access") != "access":
        raise Unauthenticated("send an access token, not another kind")
    if not groups and not claims.get("username"):
        if SCOPE not in _words(claims.get("scope")):
            raise Unauthenticated(f"the token lacks the scope {SCOPE}")
        if not client:
            raise Unauthenticated("the token names no client")
        return Caller(Role.SERVICE, client, client)
    tenants = {_id(g.removeprefix(TENANT)) for g in groups if g.startswith(TENANT)}
    tenant = tenants.pop() if len(tenants) == 1 else ""
    if not tenant or not subject:
        raise Unauthenticated("the token must carry exactly one group tenant.<client id>, and a subject")
    role = Role.OPERATOR if OPERATORS in groups else Role.CUSTOMER
    return Caller(role, tenant, subject, str(claims.get("username") or "")[:_NAME_CHARS])


def _words(claim: Any) -> list[str]:
    if isinstance(claim, str):
        claim = re.split(r"[\s,]+", claim.strip().strip("[]"))
    return [str(word) for word in claim or [] if word]


def _id(claim: Any) -> str:
    return claim if isinstance(claim, str) and _ID.fullmatch(claim) else ""
