"""Each answer that the contract names is given: every status of every route, problem by problem.

That no other answer is given holds in every test that sends a request (`tests/support/contract.py`).
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from turnkeeper.adapters.memory import MemoryTable
from turnkeeper.api.problems import MAX_BODY_BYTES
from turnkeeper.domain.stage import Stoppable, Target
from turnkeeper.errors import UnpricedModel

from tests.support.contract import DOCUMENT, hold_to_contract, route_of
from tests.support.tables import WatchedTable, down
from tests.support.world import LOOKS, World, operator, service
from tests.template.source import RESOURCES

Given = tuple[str, str, int, str]
"""A route, as method and path, with a status and the code of its problem ("" where it is none)."""

NAMES = {"{agent}": "paint", "{customer_id}": "carla", "{turn_id}": "turn_none", "{conversation_id}": "conv_none"}
BODIES: dict[str, Any] = {
    "/v1/agents/{agent}/turns": {"message": "Which colour?", "customer_id": "carla"},
    "/v1/turns/{turn_id}/feedback": {"score": 5},
    "/v1/escalations/{turn_id}/claim": {},
    "/v1/escalations/{turn_id}/release": {"version": 1},
    "/v1/escalations/{turn_id}/answer": {"version": 1, "reply": "Blue."},
}
ROUTES = sorted((method.upper(), path) for path, item in DOCUMENT["paths"].items() for method in item)


class Broken(Exception):  # noqa: N818
    """A fault of ours."""


def named() -> set[Given]:
    """What the contract names."""
    return {
        (method.upper(), path, int(status), code)
        for path, item in DOCUMENT["paths"].items()
        for method, operation in item.items()
        for status, response in operation["responses"].items()
        for code in codes(response)
    }


def codes(response: Mapping[str, Any]) -> Iterator[str]:
    problem = response.get("content", {}).get("application/problem+json")
    yield from (code_of(name) for name in problem["schema"]["properties"]["type"]["enum"]) if problem else [""]


def code_of(problem_type: str) -> str:
    return problem_type.removeprefix("urn:turnkeeper:error:")


@pytest.fixture
def given() -> Iterator[set[Given]]:
    """What requests were answered with since the test began."""
    found: set[Given] = set()

    def look(method: str, path: str, status: int, headers: Mapping[str, str], text: str) -> None:
        is_problem = headers.get("content-type") == "application/problem+json"
        found.add(
            (method, route_of(method, path) or path, status, code_of(json.loads(text)["type"]) if is_problem else "")
        )

    LOOKS.append(look)
    yield found
    LOOKS.remove(look)


def test_each_answer_that_the_contract_names_is_given(given: set[Given]) -> None:
    for method, path in ROUTES:
        refusals_of(method, path)
        given |= by_the_gateway(method, path)
    for flow in (answered, replayed, taken_over, unpriced, limited, switched_off, escalated, lost, too_late, stopped):
        flow()

    assert named() == given


def test_the_contract_has_no_shape_that_no_route_uses() -> None:
    text = json.dumps(DOCUMENT)

    assert [] == [name for name in DOCUMENT["components"]["schemas"] if f'"#/components/schemas/{name}"' not in text]


def refusals_of(method: str, path: str) -> None:
    """Send a route what each route refuses, and let its table fail under what it takes."""
    table = WatchedTable(MemoryTable())
    world = World(table=table)
    world.telemetry.expected = Exception
    is_for_operators = "/escalations" in path or path.endswith(("/stop", "/health"))
    who, other = (operator(), service()) if is_for_operators else (service(), operator())

    def send(**changes: Any) -> None:
        sent = {"body": BODIES.get(path), "who": who, "headers": {"Idempotency-Key": "key"}, **changes}
        world.request(method, path_to(path), **sent)

    send()
    send(body="{")
    send(body="x" * (MAX_BODY_BYTES + 1))
    send(who={})
    send(who=other)
    table.before = down
    send()
    table.before = broken
    send()


def path_to(path: str) -> str:
    """Fill in names of what there is, for an agent and a customer, and of what there is not."""
    for name, value in NAMES.items():
        path = path.replace(name, value)
    return path


def broken(*_: object) -> None:
    raise Broken


def by_the_gateway(method: str, path: str) -> set[Given]:
    """What the gateway answers in a route's place, as the template says it."""
    found = set()
    for response in RESOURCES["Api"]["Properties"]["GatewayResponses"].values():
        text = response["ResponseTemplates"]["application/json"].replace("$context.error.messageString", '"x"')
        headers = {n.lower(): v.strip("'") for n, v in response["ResponseParameters"]["Headers"].items()}
        status = json.loads(text)["status"]
        if status != 404:  # only where there is no such route
            hold_to_contract(method, path_to(path), status, headers, text)
            found.add((method, path, status, code_of(json.loads(text)["type"])))
    return found


def answered() -> None:
    world = World()
    turn = world.send().json
    world.get(f"/v1/turns/{turn['turn_id']}")
    world.post(f"/v1/turns/{turn['turn_id']}/feedback", {"score": 5})
    world.get(f"/v1/conversations/{turn['conversation_id']}")
    world.get("/v1/customers/carla/spend", agent="paint")
    world.get("/v1/health", operator())
    for missing in ("/v1/turns/turn_none", "/v1/conversations/conv_none"):
        world.get(missing)
    world.get("/v1/customers/carla/spend", agent="nobody")
    world.send(agent="nobody")


def replayed() -> None:
    world = World()
    first, again, other = world.send(key="key"), world.send(key="key"), world.send("Another?", key="key")

    assert (first.text, "true") == (again.text, again.headers["idempotency-replayed"])
    assert [200, 200, 422] == [first.status, again.status, other.status]


def taken_over() -> None:
    """A request that comes while the first one of its key is worked on."""
    world = World()
    world.telemetry.expected = Broken

    def meanwhile(_: object) -> Any:
        world.send(key="key")
        raise Broken

    world.models.script["first"] = [meanwhile]
    world.send(key="key")


def unpriced() -> None:
    world = World(prices={})
    world.telemetry.expected = UnpricedModel
    world.send()


def switched_off() -> None:
    world = World()
    world.stop(Target(Stoppable.EVERYTHING))
    world.send()


def limited() -> None:
    World(env={"limits.customer_day_usd": "0.000001"}).send()
    busy = World(env={"turns.per_minute": 1, "turns.burst": 1})

    assert [200, 429] == [busy.send().status, busy.send().status]


def act(world: World, turn: str, verb: str, **body: Any) -> int:
    return world.post(f"/v1/escalations/{turn}/{verb}", body, operator()).status


def escalated() -> None:
    world = World()
    world.fail_all()
    sent = world.send()
    turn = sent.json["turn_id"]

    assert f"../../turns/{turn}" == sent.headers["location"]
    assert 409 == world.post(f"/v1/turns/{turn}/feedback", {"score": 5}).status
    world.play(turn)
    world.get("/v1/escalations", operator())
    world.get(f"/v1/escalations/{turn}", operator())
    assert [200, 200] == [act(world, turn, "claim"), act(world, turn, "release", version=1)]
    assert 200 == act(world, turn, "claim")
    assert 400 == act(world, turn, "answer", version=2, reply="Blue.", output={"colour": 7})
    assert 200 == act(world, turn, "answer", version=2, reply="Blue.", output={"colour": "blue"})


def lost() -> None:
    """What an operator does to a turn that has ended."""
    world = World()
    turn = world.awaiting()
    version = world.claim(turn)

    assert 200 == act(world, turn, "answer", version=version, reply="Blue.")
    assert [409, 409, 409] == [
        act(world, turn, "claim"),
        act(world, turn, "release", version=version),
        act(world, turn, "answer", version=version, reply="Red."),
    ]
    assert 409 == world.request("POST", f"/v1/turns/{turn}/stop", who=operator()).status


def too_late() -> None:
    world = World(env={"ANSWER_BY_SECONDS": "60"})
    turn = world.awaiting()
    version = world.claim(turn)
    world.later(61)

    assert 410 == act(world, turn, "answer", version=version, reply="Blue.")


def stopped() -> None:
    world = World()

    assert 200 == world.request("POST", f"/v1/turns/{world.awaiting()}/stop", who=operator()).status
