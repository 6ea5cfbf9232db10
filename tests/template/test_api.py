"""The API: its routes are those of the contract and of the code, each wants a token, and every error is a problem."""

import json
from typing import Any

import pytest
from aws_lambda_powertools.event_handler import APIGatewayRestResolver
from turnkeeper.api import operators, turns
from turnkeeper.api.identity import SCOPE
from turnkeeper.api.problems import TABLE

from tests.template.source import RESOURCES, api_events, functions, references

PERSON = "aws.cognito.signin.user.admin"
PUBLIC = {"GET /v1/openapi.json", "GET /console", "GET /console/{proxy+}"}
CUSTOMERS = {
    "POST /v1/agents/{agent}/turns",
    "GET /v1/turns/{turn_id}",
    "POST /v1/turns/{turn_id}/feedback",
    "GET /v1/conversations/{conversation_id}",
    "GET /v1/customers/{customer_id}/spend",
}
OPERATORS = {
    "POST /v1/turns/{turn_id}/stop",
    "GET /v1/escalations",
    "GET /v1/escalations/{turn_id}",
    "POST /v1/escalations/{turn_id}/claim",
    "POST /v1/escalations/{turn_id}/release",
    "POST /v1/escalations/{turn_id}/answer",
    "GET /v1/health",
}
API = RESOURCES["Api"]["Properties"]
AUTHORIZER = API["Auth"]["Authorizers"][API["Auth"]["DefaultAuthorizer"]]
ROUTES = {f"{p['Method'].upper()} {p['Path']}": (function, p) for function, p in api_events()}
RESPONSES = sorted(API["GatewayResponses"])


def routes_of(function: str) -> set[str]:
    return {route for route, (owner, _) in ROUTES.items() if owner == function}


def registered(router: Any) -> set[str]:
    """The routes that the code answers."""
    app = APIGatewayRestResolver(enable_validation=True)
    app.include_router(router)
    paths = app.get_openapi_schema().paths or {}
    return {f"{m.upper()} {path}" for path, item in paths.items() for m in item.model_dump(exclude_none=True)}


def test_the_routes_are_those_of_the_contract() -> None:
    assert CUSTOMERS | OPERATORS | PUBLIC == set(ROUTES)


@pytest.mark.parametrize(
    ("function", "router", "contract"),
    [("TurnsFunction", turns.router, CUSTOMERS), ("OperatorsFunction", operators.router, OPERATORS)],
)
def test_a_function_is_sent_what_it_answers(function: str, router: Any, contract: set[str]) -> None:
    assert registered(router) == routes_of(function) == contract


@pytest.mark.parametrize("route", sorted(ROUTES))
def test_only_the_contract_and_the_page_are_public(route: str) -> None:
    assert (ROUTES[route][1].get("Auth", {}).get("Authorizer") == "NONE") == (route in PUBLIC)


@pytest.mark.parametrize("route", sorted(set(ROUTES) - PUBLIC))
def test_a_protected_route_takes_access_tokens(route: str) -> None:
    """A method without scopes takes ID tokens only, on AWS; locally it takes any."""
    auth = ROUTES[route][1].get("Auth", {})

    assert {SCOPE, PERSON} == set(auth.get("AuthorizationScopes", AUTHORIZER["AuthorizationScopes"]))
    assert auth.get("Authorizer", API["Auth"]["DefaultAuthorizer"]) == "Cognito"


def test_tokens_come_from_our_own_pool() -> None:
    assert {"Fn::GetAtt": ["UserPool", "Arn"]} == AUTHORIZER["UserPoolArn"]


def test_the_scope_is_the_resource_servers() -> None:
    server = RESOURCES["ResourceServer"]["Properties"]

    assert SCOPE in {f"{server['Identifier']}/{scope['ScopeName']}" for scope in server["Scopes"]}
    assert [SCOPE] == RESOURCES["ServiceClient"]["Properties"]["AllowedOAuthScopes"]


@pytest.mark.parametrize("function", sorted({owner for owner, _ in ROUTES.values()}))
def test_a_function_ends_before_the_gateway_gives_up(function: str) -> None:
    assert functions()[function]["Timeout"] < 29


@pytest.mark.parametrize("function", sorted(functions()))
def test_no_function_refers_to_the_api(function: str) -> None:
    """The API refers to its functions: the other way round would be a circle, which only AWS refuses."""
    properties = {key: value for key, value in functions()[function].items() if key != "Events"}

    assert references(properties).isdisjoint({"Api", "Api.Stage", "EscalationStateMachine"})


def test_the_whole_api_is_throttled() -> None:
    everything = [m for m in API["MethodSettings"] if (m["HttpMethod"], m["ResourcePath"]) == ("*", "/*")]

    assert [True] == ["ThrottlingRateLimit" in m and "ThrottlingBurstLimit" in m for m in everything]


@pytest.mark.parametrize("name", RESPONSES)
def test_the_gateways_own_errors_are_problems(name: str) -> None:
    response = API["GatewayResponses"][name]
    body = json.loads(response["ResponseTemplates"]["application/json"].replace("$context.error.messageString", '"x"'))
    code = body["type"].removeprefix("urn:turnkeeper:error:")

    assert "'application/problem+json'" == response["ResponseParameters"]["Headers"]["Content-Type"]
    assert (TABLE[code][0], body["status"]) == (body["status"], response.get("StatusCode", 400))
    assert TABLE[code][1] == body["title"]


def test_no_error_of_the_gateway_is_left_as_it_is() -> None:
    assert {"DEFAULT_4XX", "DEFAULT_5XX", "UNAUTHORIZED", "THROTTLED", "INTEGRATION_TIMEOUT"} <= set(RESPONSES)
