"""Requests that nobody thought of are answered as the contract says, what it admits and what it does not."""

import io
from collections.abc import Callable
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl, unquote

import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.support.contract import DOCUMENT
from tests.support.world import World, customer, operator

BEYOND_SCHEMAS = (
    "callback_url: must begin with https://",
    "customer_id is for services",
    "the cursor is not one of ours",
    "query.day: Value error, is no day",
    "Input should be a valid integer",  # 1.0 is one to JSON Schema
    "urn:turnkeeper:error:invalid-output",
    "must not be blank",  # \\S admits what only Unicode knows to be invisible
)
"""Why a request is refused that its schema admits."""


def deployment() -> World:
    """A deployment with a turn that waits for a person, who claimed it."""
    world = World()
    world.claim(world.awaiting(key="known"))
    return world


TURN = deployment().send(key="known").json
KNOWN = {name: TURN[name] for name in ("agent", "customer_id", "turn_id", "conversation_id")}
"""What each deployment has: an id follows from its key."""


def serve(environ: dict[str, Any], start: Callable[..., Any]) -> list[bytes]:
    """The API as a WSGI application: each request meets a deployment of its own, by who its route is for."""
    path = unquote(environ["PATH_INFO"])
    body = environ.get("wsgi.input", io.BytesIO()).read(int(environ.get("CONTENT_LENGTH") or 0))
    is_for_operators = path.startswith(("/v1/escalations", "/v1/health")) or path.endswith("/stop")
    world = deployment() if TURN["turn_id"] in path or TURN["conversation_id"] in path else World()
    answer = world.request(
        environ["REQUEST_METHOD"],
        path,
        body=body.decode("utf-8", "replace") or None,
        who=operator() if is_for_operators else customer(),
        headers={name[5:].replace("_", "-"): value for name, value in environ.items() if name.startswith("HTTP_")},
        query=dict(parse_qsl(environ.get("QUERY_STRING", ""), keep_blank_values=True)) or None,
    )
    start(f"{answer.status} {HTTPStatus(answer.status).phrase}", list(answer.headers.items()))
    return [answer.text.encode()]


schema = schemathesis.openapi.from_dict(DOCUMENT)
schema.app = serve


@schema.parametrize()
@settings(max_examples=8, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
def test_generated_requests_are_answered_as_the_contract_says(case: schemathesis.Case[Any]) -> None:
    assert case.meta
    is_positive = case.meta.generation.mode.is_positive
    if is_positive:
        case.path_parameters = {name: KNOWN[name] for name in case.path_parameters}
    answer = case.call_and_validate(
        checks=[
            not_a_server_error,
            status_code_conformance,
            content_type_conformance,
            response_headers_conformance,
            response_schema_conformance,
            negative_data_rejection,
        ]
    )

    assert not is_positive or answer.status_code != 400 or any(why in answer.text for why in BEYOND_SCHEMAS)
