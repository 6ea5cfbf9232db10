"""The contract says what is so: each answer that it names can be got, and no request gets another.

Every test that sends requests holds their answers to the contract too (`tests/support/contract.py`).
"""

import io
import json
from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl, unquote

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from turnkeeper.adapters.memory import MemoryTable
from turnkeeper.api.problems import MAX_BODY_BYTES

from tests.support.contract import DOCUMENT
from tests.support.tables import WatchedTable, down
from tests.support.world import Answer, World, operator, service

ROUTES = sorted((method.upper(), path) for path, item in DOCUMENT["paths"].items() for method in item)
FOR_OPERATORS = {(m, p) for m, p in ROUTES if "escalations" in p or p.endswith(("/stop", "/health"))}
BY_THE_GATEWAY = {"429"}
"""Statuses that every route documents because the gateway answers so, when the whole API is busy."""


def path_of(world: World, path: str) -> str:
    """Fill a route's path with what exists: a turn that waits for a person, and its conversation."""
    turn = world.awaiting(key="known")
    conversation = world.services.lookups.turn(turn).view["conversation_id"]
    known = {"agent": "paint", "turn_id": turn, "conversation_id": conversation, "customer_id": "carla"}
    for name, value in known.items():
        path = path.replace(f"{{{name}}}", value)
    return path


def claims(method: str, path: str) -> dict[str, str]:
    return operator() if (method, path) in FOR_OPERATORS else service()


def anything(method: str, path: str, world: World, **changes: Any) -> Answer:
    """Send a request that a route understands, unless it is changed."""
    bodies = {
        "turns": {"message": "Which colour?", "customer_id": "carla"},
        "feedback": {"score": 5},
        "claim": {},
        "release": {"version": 1},
        "answer": {"version": 1, "reply": "Blue."},
    }
    body = bodies.get(path.rpartition("/")[2]) if method == "POST" else None
    sent = {"body": body, "who": claims(method, path), "headers": {"Idempotency-Key": "k"}, **changes}
    return world.request(method, path_of(world, path), **sent)


@pytest.mark.parametrize(("method", "path"), ROUTES, ids=" ".join)
def test_every_route_refuses_as_it_says(method: str, path: str) -> None:
    world = World(table=(table := WatchedTable(MemoryTable())))
    other = service() if (method, path) in FOR_OPERATORS else operator()
    seen = [
        anything(method, path, world, body="{").status,
        anything(method, path, world, who={}).status,
        anything(method, path, world, who=other).status,
        anything(method, path, world, body=json.dumps("x" * MAX_BODY_BYTES)).status,
    ]
    path_of(world, path)
    table.before = down
    gone = world.request(method, path_of_nothing(path), body={}, who=claims(method, path))

    assert [400, 401, 403, 413] == seen
    assert gone.status in {400, 503}


def path_of_nothing(path: str) -> str:
    """A route's path with ids that nothing has."""
    return path.replace("{agent}", "paint").replace("{", "").replace("}", "")


def test_each_answer_that_the_contract_names_is_given_by_some_request() -> None:
    seen: set[tuple[str, str]] = set()
    for flow in (answered, refused, escalated, too_late, broken):
        seen |= {(f"{method} {path}", str(status)) for method, path, status in flow()}
    documented = {
        (f"{method.upper()} {path}", status)
        for path, item in DOCUMENT["paths"].items()
        for method, operation in item.items()
        for status in operation["responses"]
        if status not in {"400", "401", "403", "413", "503", "500"} | BY_THE_GATEWAY
    }

    assert set() == documented - seen


Seen = Iterable[tuple[str, str, int]]


def note(route: str, answer: Answer) -> tuple[str, str, int]:
    method, _, path = route.partition(" ")
    return method, path, answer.status


SEND = "POST /v1/agents/{agent}/turns"
TURN = "/v1/turns/{turn_id}"
ESCALATION = "/v1/escalations/{turn_id}"


def answered() -> Seen:
    world = World()
    sent = world.send(key="k")
    turn, conversation = sent.json["turn_id"], sent.json["conversation_id"]
    yield note(SEND, sent)
    yield note(SEND, world.send(key="k"))
    yield note(SEND, world.send("Another", key="k"))
    yield note(f"GET {TURN}", world.get(f"/v1/turns/{turn}"))
    yield note(f"POST {TURN}/feedback", world.post(f"/v1/turns/{turn}/feedback", {"score": 5}))
    yield note("GET /v1/conversations/{conversation_id}", world.get(f"/v1/conversations/{conversation}"))
    yield note("GET /v1/customers/{customer_id}/spend", world.get("/v1/customers/carla/spend", agent="paint"))
    yield note("GET /v1/customers/{customer_id}/spend", world.get("/v1/customers/carla/spend", agent="nobody"))
    yield note("GET /v1/health", world.get("/v1/health", operator()))
    yield note(f"POST {TURN}/stop", world.request("POST", f"/v1/turns/{turn}/stop", who=operator()))


def refused() -> Seen:
    poor = World(env={"CUSTOMER_DAY_LIMIT_USD": "0.000001"})
    yield note(SEND, poor.send())
    yield note(SEND, poor.send(conversation_id="conv_none"))
    nothing = "turn_none"
    yield note(f"GET {TURN}", poor.get(f"/v1/turns/{nothing}"))
    yield note(f"POST {TURN}/feedback", poor.post(f"/v1/turns/{nothing}/feedback", {"score": 5}))
    yield note(f"POST {TURN}/stop", poor.request("POST", f"/v1/turns/{nothing}/stop", who=operator()))
    yield note("GET /v1/conversations/{conversation_id}", poor.get("/v1/conversations/conv_none"))
    yield note(f"GET {ESCALATION}", poor.get(f"/v1/escalations/{nothing}", operator()))
    for act, body in (("claim", {}), ("release", {"version": 1}), ("answer", {"version": 1, "reply": "Blue."})):
        yield note(f"POST {ESCALATION}/{act}", poor.post(f"/v1/escalations/{nothing}/{act}", body, operator()))
    many = World(env={"TURNS_PER_MINUTE": "1", "TURN_BURST": "1"})
    many.send()
    assert many.send().status == HTTPStatus.TOO_MANY_REQUESTS


def escalated() -> Seen:
    world = World()
    world.fail_all()
    sent = world.send(key="k")
    turn = sent.json["turn_id"]
    yield note(SEND, sent)
    yield note(f"POST {TURN}/feedback", world.post(f"/v1/turns/{turn}/feedback", {"score": 5}))
    world.play(turn)
    yield note("GET /v1/escalations", world.get("/v1/escalations", operator()))
    yield note(f"GET {ESCALATION}", world.get(f"/v1/escalations/{turn}", operator()))
    for act, body in (
        ("release", {"version": 9}),
        ("answer", {"version": 9, "reply": "Blue."}),
        ("claim", {}),
        ("release", {"version": 1}),
        ("claim", {}),
        ("answer", {"version": 2, "reply": "Blue."}),
        ("claim", {}),
    ):
        yield note(f"POST {ESCALATION}/{act}", world.post(f"/v1/escalations/{turn}/{act}", body, operator()))
    other = world.awaiting()
    yield note(f"POST {TURN}/stop", world.request("POST", f"/v1/turns/{other}/stop", who=operator()))


def too_late() -> Seen:
    world = World(env={"ANSWER_BY_SECONDS": "60"})
    turn = world.awaiting()
    version = world.claim(turn)
    world.later(61)
    late = world.post(f"/v1/escalations/{turn}/answer", {"version": version, "reply": "Blue."}, operator())
    yield note(f"POST {ESCALATION}/answer", late)


def broken() -> Seen:
    """A request that comes while the first of its key is worked on."""
    world = World()
    again: list[Answer] = []

    def meanwhile(_: object) -> Any:
        again.append(world.send(key="k"))
        raise AssertionError("the first one ends here")

    world.telemetry.expected = AssertionError
    world.models.script["first"] = [meanwhile]
    world.send(key="k")
    yield note(SEND, again[0])


# --- generated requests -----------------------------------------------------------------------------------------------


def application(world: World) -> Callable[[dict[str, Any], Callable[..., Any]], list[bytes]]:
    """Give the API as a WSGI application: each request is an operator's, or a service's, as its route wants it."""

    def serve(environ: dict[str, Any], start: Callable[..., Any]) -> list[bytes]:
        method, path = environ["REQUEST_METHOD"], unquote(environ["PATH_INFO"])
        body = environ.get("wsgi.input", io.BytesIO()).read(int(environ.get("CONTENT_LENGTH") or 0))
        is_operators = path.startswith(("/v1/escalations", "/v1/health")) or path.endswith("/stop")
        headers = {n[5:].replace("_", "-"): v for n, v in environ.items() if n.startswith("HTTP_")}
        answer = world.request(
            method,
            path,
            body=body.decode("utf-8", "replace") or None,
            who=operator() if is_operators else service(),
            headers=headers,
            query=dict(parse_qsl(environ.get("QUERY_STRING", ""), keep_blank_values=True)) or None,
        )
        start(f"{answer.status} {HTTPStatus(answer.status).phrase}", list(answer.headers.items()))
        return [answer.text.encode()]

    return serve


schema = schemathesis.openapi.from_dict(DOCUMENT)
schema.app = application(World())


@schema.parametrize()
@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
def test_generated_requests_are_answered_as_the_contract_says(case: schemathesis.Case[Any]) -> None:
    case.call_and_validate(
        checks=[
            not_a_server_error,
            status_code_conformance,
            content_type_conformance,
            response_headers_conformance,
            response_schema_conformance,
        ]
    )
