"""Two tenants with services, customers and operators in the local user pool, and a token for each, good for a day."""

import secrets
from dataclasses import dataclass
from typing import Any

import boto3
import httpx

_DAY_H = 24
_GROUP = "operators"
CONSOLE_PASSWORD = "Local-password-1"  # noqa: S105 - for people who exist on this machine only


@dataclass(frozen=True)
class Person:
    """Someone in the pool: `tenant` is 0 or 1."""

    name: str
    tenant: int
    operator: bool = False


PEOPLE = (
    Person("customer", 0),
    Person("other_customer", 0),
    Person("operator", 0, operator=True),
    Person("other_operator", 0, operator=True),
    Person("other_tenant", 1),
    Person("other_tenant_operator", 1, operator=True),
)


def make_tokens(pool: str, service_client: str, console_client: str, cloud_url: str) -> dict[str, str]:
    """Make the people and return everyone's access token, by name."""
    cognito = boto3.client("cognito-idp")
    _last_a_day(cognito, pool, service_client)
    _last_a_day(cognito, pool, console_client)
    other = _other_service(cognito, pool)
    tenants = (service_client, other)
    for tenant in tenants:
        cognito.create_group(UserPoolId=pool, GroupName=f"tenant.{tenant}")
    tokens = {p.name: _sign_in(cognito, pool, console_client, p, tenants[p.tenant]) for p in PEOPLE}
    services = {"service": service_client, "other_service": other}
    return tokens | {name: _service_token(cognito, pool, client, cloud_url) for name, client in services.items()}


def _last_a_day(cognito: Any, pool: str, client: str) -> None:
    now = cognito.describe_user_pool_client(UserPoolId=pool, ClientId=client)["UserPoolClient"]
    keep = (
        "ClientName",
        "ExplicitAuthFlows",
        "AllowedOAuthFlows",
        "AllowedOAuthScopes",
        "AllowedOAuthFlowsUserPoolClient",
    )
    cognito.update_user_pool_client(
        UserPoolId=pool,
        ClientId=client,
        AccessTokenValidity=_DAY_H,
        TokenValidityUnits={"AccessToken": "hours"},
        **{name: now[name] for name in keep if now.get(name)},
    )


def _other_service(cognito: Any, pool: str) -> str:
    made = cognito.create_user_pool_client(
        UserPoolId=pool,
        ClientName="other service",
        GenerateSecret=True,
        AllowedOAuthFlowsUserPoolClient=True,
        AllowedOAuthFlows=["client_credentials"],
        AllowedOAuthScopes=["turnkeeper/turns"],
        AccessTokenValidity=_DAY_H,
        TokenValidityUnits={"AccessToken": "hours"},
    )
    return str(made["UserPoolClient"]["ClientId"])


def _sign_in(cognito: Any, pool: str, client: str, person: Person, tenant: str) -> str:
    password = CONSOLE_PASSWORD if person.operator else f"Aa1-{secrets.token_urlsafe(12)}"
    cognito.admin_create_user(UserPoolId=pool, Username=person.name, MessageAction="SUPPRESS")
    cognito.admin_set_user_password(UserPoolId=pool, Username=person.name, Password=password, Permanent=True)
    for group in [f"tenant.{tenant}", *([_GROUP] if person.operator else [])]:
        cognito.admin_add_user_to_group(UserPoolId=pool, Username=person.name, GroupName=group)
    answer = cognito.initiate_auth(
        ClientId=client,
        AuthFlow="USER_PASSWORD_AUTH",
        AuthParameters={"USERNAME": person.name, "PASSWORD": password},
    )
    return str(answer["AuthenticationResult"]["AccessToken"])


def _service_token(cognito: Any, pool: str, client: str, cloud_url: str) -> str:
    secret = cognito.describe_user_pool_client(UserPoolId=pool, ClientId=client)["UserPoolClient"]["ClientSecret"]
    asked = {"grant_type": "client_credentials", "scope": "turnkeeper/turns"}
    answer = httpx.post(f"{cloud_url}/oauth2/token", data=asked, auth=(client, secret), timeout=10)
    answer.raise_for_status()
    return str(answer.json()["access_token"])
