"""A turn that asked for a callback tells its outcome: at least once, signed for its tenant, until it is given up."""

import json

import pytest
from turnkeeper.adapters.memory import MemoryTable
from turnkeeper.domain.callbacks import DELAYS_S
from turnkeeper.domain.failures import Failure
from turnkeeper.errors import DependencyError

from tests.support.tables import Killed, WatchedTable, kill, on
from tests.support.world import TENANT, World, operator

URL = "https://hooks.example/turns"
ENV = {"hosts.callbacks": {TENANT: ["hooks.example"]}, "BREAKER_FAILURE_THRESHOLD": "100"}


def answered(world: World) -> str:
    """A turn that a person answered: its id."""
    turn = world.awaiting(callback_url=URL)
    version = world.claim(turn)
    world.post(f"/v1/escalations/{turn}/answer", {"version": version, "reply": "Red."}, operator())
    return turn


def test_a_persons_answer_is_delivered_once() -> None:
    world = World(env=ENV)
    turn = answered(world)
    world.deliver()
    world.later(3600)
    world.reconcile()
    world.deliver()
    (sent,) = world.receivers.sent
    told = json.loads(sent["body"])

    assert (URL, TENANT, turn, "turn.completed") == (sent["url"], sent["tenant"], sent["id"], told["type"])
    assert world.get(f"/v1/turns/{turn}").json == told["data"]


def test_a_tiers_answer_and_an_expiry_are_delivered_too() -> None:
    world = World(env={**ENV, "ANSWER_BY_SECONDS": "600"})
    turn = world.send(headers={"Prefer": "respond-async"}, callback_url=URL).json["turn_id"]
    world.play(turn)
    world.awaiting(callback_url=URL)
    world.later(601)
    world.reconcile()
    world.deliver()

    assert ["turn.completed", "turn.expired"] == [json.loads(s["body"])["type"] for s in world.receivers.sent]


def test_a_stopped_turn_is_delivered() -> None:
    world = World(env=ENV)
    turn = world.awaiting(callback_url=URL)
    world.request("POST", f"/v1/turns/{turn}/stop", who=operator())
    world.deliver()

    assert ["turn.failed"] == [json.loads(s["body"])["type"] for s in world.receivers.sent]


def test_an_answer_that_the_client_got_at_once_is_not_sent_again() -> None:
    world = World(env=ENV)
    sent = world.send(callback_url=URL)

    assert (200, []) == (sent.status, world.queue.messages)


def test_a_host_that_is_not_allowed_is_400_and_nothing_is_begun() -> None:
    world = World(env=ENV)
    sent = world.send(callback_url="https://other.example/")

    assert (400, "invalid-request", []) == (sent.status, sent.code, world.models.calls)
    assert "allow-list" in sent.json["detail"]


def test_a_queue_that_is_away_only_delays_it() -> None:
    world = World(env=ENV)
    world.queue.down = True
    answered(world)
    world.queue.down = False
    world.later(31)
    world.reconcile()
    world.deliver()

    assert 1 == len(world.receivers.sent)


def test_a_failed_delivery_is_sent_again_ever_later_with_the_same_id_and_body() -> None:
    world = World(env=ENV)
    world.receivers.answers = [500, DependencyError(Failure.TIMEOUT), 404, 204]
    turn = answered(world)
    world.deliver()
    for delay in DELAYS_S[:3]:
        world.later(delay - 5)
        world.reconcile()
        early = list(world.queue.messages)
        world.later(6)
        world.reconcile()
        world.deliver()
        assert [] == early
    sent = world.receivers.sent

    assert [turn] * 4 == [s["id"] for s in sent]
    assert 1 == len({s["body"] for s in sent})
    assert 4 == len({s["at"] for s in sent})


def test_what_nobody_takes_becomes_a_dead_letter_and_can_be_sent_again_by_hand() -> None:
    world = World(env=ENV)
    world.receivers.answers = [500]
    turn = answered(world)
    world.deliver()
    for delay in DELAYS_S:
        world.later(delay + 1)
        world.reconcile()
        world.deliver()
    tries = len(world.receivers.sent)
    world.later(100_000)
    world.reconcile()
    given_up = (list(world.dead_letters.messages), list(world.queue.messages))
    world.receivers.answers = [200]
    world.queue.messages = list(world.dead_letters.messages)
    world.deliver()

    assert ([{"turn_id": turn}], []) == given_up
    assert (len(DELAYS_S) + 1, len(DELAYS_S) + 2) == (tries, len(world.receivers.sent))


def test_a_receiver_that_says_gone_is_left_alone() -> None:
    world = World(env=ENV)
    world.receivers.answers = [410]
    turn = answered(world)
    world.deliver()

    assert [{"turn_id": turn}] == world.dead_letters.messages


def test_the_same_message_twice_at_once_is_sent_once() -> None:
    world = World(env=ENV)
    turn = answered(world)
    world.queue.messages *= 2
    world.deliver()

    assert [turn] == [s["id"] for s in world.receivers.sent]


def test_a_receiver_that_is_down_is_left_alone_for_a_while() -> None:
    world = World(env={**ENV, "BREAKER_FAILURE_THRESHOLD": "2"})
    world.receivers.answers = [DependencyError(Failure.CONNECTION)]
    for _ in range(4):
        answered(world)
    world.deliver()

    assert 2 == len(world.receivers.sent)


def test_a_deliverer_that_dies_leaves_it_due() -> None:
    table = WatchedTable(MemoryTable())
    world = World(env=ENV, table=table)
    answered(world)
    calm, table.before = table.before, on("write", "CALLBACK", kill)
    with pytest.raises(Killed):
        world.deliver()
    table.before = calm
    world.restart()
    world.later(31)
    world.reconcile()
    world.deliver()

    assert 1 == len(world.receivers.sent)


def test_a_deliverer_that_dies_after_it_was_sent_sends_it_again() -> None:
    world = World(env=ENV)
    turn = answered(world)
    world.receivers.answers = [Killed(), 204]
    with pytest.raises(Killed):
        world.deliver()
    world.restart()
    world.later(31)
    world.reconcile()
    world.deliver()

    assert [turn, turn] == [s["id"] for s in world.receivers.sent]
