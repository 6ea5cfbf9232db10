"""Tenants and customers are apart: on every route, what is another's is not there."""

from typing import Any

import pytest

from tests.support.world import TENANT, World, answer, customer, operator, paint, service

OTHERS = {
    "another customer": customer("carl"),
    "the same name in another tenant": customer("carla", "tenant-b"),
    "another tenant's service": service("tenant-b"),
}


def _finished(world: World) -> dict[str, Any]:
    turn: dict[str, Any] = world.send().json
    return turn


@pytest.mark.parametrize("who", OTHERS.values(), ids=OTHERS)
def test_anothers_turn_and_conversation_are_not_there(who: dict[str, str]) -> None:
    world = World()
    turn = _finished(world)
    feedback = world.post(f"/v1/turns/{turn['turn_id']}/feedback", {"score": 1}, who)

    assert [404, 404, 404] == [
        world.get(f"/v1/turns/{turn['turn_id']}", who).status,
        world.get(f"/v1/conversations/{turn['conversation_id']}", who).status,
        feedback.status,
    ]


def test_a_service_sees_its_own_customers() -> None:
    world = World()
    turn = _finished(world)

    assert [200, 200, 200, 204] == [
        world.get(f"/v1/turns/{turn['turn_id']}", service()).status,
        world.get(f"/v1/conversations/{turn['conversation_id']}", service()).status,
        world.get("/v1/customers/carla/spend", service()).status,
        world.post(f"/v1/turns/{turn['turn_id']}/feedback", {"score": 5}, service()).status,
    ]


@pytest.mark.parametrize("who", [customer("carl"), customer("carla", "tenant-b")])
def test_a_key_of_another_customer_is_another_key(who: dict[str, str]) -> None:
    world = World()
    mine, theirs = world.send(key="k"), world.send(key="k", who=who)

    assert mine.json["turn_id"] != theirs.json["turn_id"]
    assert "idempotency-replayed" not in theirs.headers


@pytest.mark.parametrize("who", [customer("carl"), customer("carla", "tenant-b")])
def test_anothers_conversation_cannot_be_joined(who: dict[str, str]) -> None:
    world = World()
    conversation = _finished(world)["conversation_id"]
    calls = len(world.models.calls)
    joined = world.send(conversation_id=conversation, who=who)

    assert (404, calls) == (joined.status, len(world.models.calls))


def test_a_conversation_with_one_agent_cannot_be_joined_with_another() -> None:
    world = World(paint(), paint(name="other"))
    conversation = _finished(world)["conversation_id"]

    assert 404 == world.send(conversation_id=conversation, agent="other").status


def test_what_one_tenants_customer_spends_is_not_the_others() -> None:
    world = World()
    world.send()
    seen = world.get("/v1/customers/carla/spend", service("tenant-b")).json

    assert "0.000000" == seen["posted_usd"]


@pytest.mark.parametrize("route", ["", "/claim", "/release", "/answer"])
def test_another_tenants_operator_sees_no_escalation(route: str) -> None:
    world = World()
    turn = world.awaiting()
    theirs = operator("otto", "tenant-b")
    body = {"/release": {"version": 1}, "/answer": {"version": 1, "reply": "Mine."}}.get(route, {})
    path = f"/v1/escalations/{turn}{route}"

    assert 404 == (world.post(path, body, theirs) if route else world.get(path, theirs)).status
    assert [] == world.get("/v1/escalations", theirs).json["escalations"]
    assert 0 == world.get("/v1/health", theirs).json["backlog"]["open"]


@pytest.mark.parametrize("who", [customer(), service()])
def test_operators_routes_are_for_operators(who: dict[str, str]) -> None:
    world = World()
    turn = world.awaiting()
    body = {"version": 1, "reply": "Mine."}

    assert [403] * 4 == [
        world.get("/v1/escalations", who).status,
        world.get(f"/v1/escalations/{turn}", who).status,
        world.post(f"/v1/escalations/{turn}/answer", body, who).status,
        world.get("/v1/health", who).status,
    ]


def test_customers_routes_are_not_for_operators() -> None:
    world = World()
    turn = _finished(world)["turn_id"]

    assert [403, 403] == [world.send(who=operator()).status, world.get(f"/v1/turns/{turn}", operator()).status]


def test_a_person_cannot_act_for_another() -> None:
    world = World()

    assert [403, 200] == [world.send(customer_id="carl").status, world.send(customer_id="carla").status]


def test_a_service_names_its_customer() -> None:
    world = World()

    assert [400, 200] == [world.send(who=service()).status, world.send(who=service(), customer_id="carl").status]


@pytest.mark.parametrize(
    "claims",
    [
        {},
        {"sub": "carla"},
        {"sub": "", "username": "x", "cognito:groups": f"tenant.{TENANT}"},
        {"sub": None, "username": "x", "cognito:groups": f"tenant.{TENANT}"},
        {"sub": "carla", "username": "carla"},
        {"sub": "carla", "username": "carla", "cognito:groups": ""},
        {"sub": "carla", "username": "carla", "cognito:groups": "tenant."},
        {"sub": "carla", "username": "carla", "cognito:groups": "tenant.a,tenant.b"},
        {"sub": "carla", "username": "carla", "cognito:groups": "operators"},
        {"sub": "ca#rla", "username": "carla", "cognito:groups": "tenant.a"},
        {"sub": "carla", "username": "carla", "cognito:groups": "tenant.a#b"},
        {"sub": "c", "client_id": "c", "scope": "other/scope"},
        {"sub": "c", "client_id": "", "scope": "turnkeeper/turns"},
        {"sub": "c", "client_id": None, "scope": "turnkeeper/turns"},
        {**customer(), "token_use": "id"},
    ],
)
def test_a_token_without_usable_claims_is_nobody(claims: dict[str, Any]) -> None:
    world = World()

    assert [401, 401] == [world.send(who=claims).status, world.get("/v1/escalations", claims).status]
    assert [] == list(world.table._items)  # type: ignore[attr-defined]


def test_groups_may_come_as_text_or_as_a_list() -> None:
    world = World()
    who: dict[str, Any] = {**customer(), "cognito:groups": [f"tenant.{TENANT}"]}
    bracketed = {**customer(), "cognito:groups": f"[tenant.{TENANT} readers]"}

    assert [200, 200] == [world.send(who=who).status, world.send(who=bracketed).status]


def test_a_cached_answer_never_crosses_tenants() -> None:
    world = World(paint(cache_seconds=600))
    world.send("Which?")
    world.fail_all()

    assert [200, 202] == [world.send("Which?").status, world.send("Which?", who=customer("carla", "tenant-b")).status]


def test_history_is_the_customers_own() -> None:
    world = World()
    world.send("My secret is 42.")
    world.models.script["first"] = [answer()]
    world.send("What is my secret?", who=customer("carl"))

    assert "42" not in str(world.models.calls[1][1].messages)
