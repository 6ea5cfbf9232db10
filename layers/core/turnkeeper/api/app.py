"""Builds the API of a function out of routers: validation, errors as problems, and the services behind the routes."""

import json
from collections.abc import Callable
from typing import Any

from aws_lambda_powertools.event_handler import APIGatewayRestResolver, Response
from aws_lambda_powertools.event_handler.api_gateway import Router
from aws_lambda_powertools.event_handler.exceptions import NotFoundError
from aws_lambda_powertools.event_handler.openapi.exceptions import RequestValidationError

from turnkeeper.api import problems
from turnkeeper.api.identity import Caller, Unauthenticated, caller
from turnkeeper.ports import Json
from turnkeeper.services import Services

Handler = Callable[[Json, Any], Json]


def api(*routers: Router, services: Callable[[], Services]) -> Handler:
    """Return a Lambda handler of an API Gateway REST API; `services` is called at the first request."""
    app = APIGatewayRestResolver(enable_validation=True)
    for router in routers:
        app.include_router(router)

    def not_found(_: NotFoundError) -> Response[str]:
        return problems.problem("not-found", "there is no such route")

    def failed(error: Exception) -> Response[str]:
        answer = problems.of_error(error)
        if answer.status_code == problems.TABLE["internal"][0]:
            services().telemetry.fault("a request failed", error)
        return answer

    app.not_found(not_found)
    app.exception_handler(RequestValidationError)(problems.of_error)
    app.exception_handler(Exception)(failed)

    def handler(event: Json, context: Any) -> Json:
        refused = _unreadable(event)
        if refused:
            return _serialised(refused)
        for router in routers:
            router.api_resolver = app  # another app that included it, such as the contract's, has rebound it
        app.append_context(services=services())  # type: ignore[no-untyped-call]
        answer: Json = app.resolve(_untyped(event), context)
        services().telemetry.flush()
        return answer

    return handler


def services_of(router: Router) -> Services:
    """Return the services behind a router's routes, in a request."""
    services: Services = router.context["services"]
    return services


def caller_of(router: Router) -> Caller:
    """Return who calls, as the authorizer verified it; raises Unauthenticated."""
    event: Json = router.current_event.raw_event if router.current_event else {}
    claims = event.get("requestContext", {}).get("authorizer", {}).get("claims")
    if not claims:
        raise Unauthenticated("send an access token: Authorization: Bearer ...")
    return caller(claims)


def _unreadable(event: Json) -> Response[str] | None:
    body = event.get("body") or ""
    if len(body.encode()) > problems.MAX_BODY_BYTES:
        return problems.problem("payload-too-large", f"send at most {problems.MAX_BODY_BYTES} bytes")
    if not body:
        return None
    try:
        json.loads(body, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        return problems.problem("invalid-request", "the body must be JSON, and not deeply nested")
    return None


def _untyped(event: Json) -> Json:
    """Drop the client's Content-Type: a body is JSON, even where curl labels it a form."""
    headers = {name: _without_type(event.get(name)) for name in ("headers", "multiValueHeaders")}
    return {**event, **headers}


def _without_type(headers: Json | None) -> Json:
    return {name: value for name, value in (headers or {}).items() if name.lower() != "content-type"}


def _refuse_constant(name: str) -> None:
    raise ValueError(name)


def _serialised(answer: Response[str]) -> Json:
    headers = {**answer.headers, "Content-Type": answer.content_type}
    return {
        "statusCode": answer.status_code,
        "multiValueHeaders": {name: [str(value)] for name, value in headers.items()},
        "body": answer.body,
        "isBase64Encoded": False,
    }
