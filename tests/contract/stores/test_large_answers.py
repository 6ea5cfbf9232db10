"""Outcomes that are larger than an item, over each table: whoever asks gets all of them, however often."""

import json

import pytest
from pydantic import BaseModel
from turnkeeper import Agent
from turnkeeper.domain.chat import Finish, ModelReply, Usage
from turnkeeper.ports import Table

from tests.support.world import TENANT, World, operator, paint

LARGE = pytest.mark.parametrize("size", [270_000, 450_000])


class Text(BaseModel):
    """An output as large as it comes."""

    text: str


def essayist() -> Agent[Text]:
    return paint(output=Text)


def essay(size: int) -> ModelReply:
    text = json.dumps({"reply": "Here it is.", "confidence": 0.95, "output": {"text": "é" * (size // 2)}})
    return ModelReply(text, (), Finish.STOP, Usage(100, 20))


@LARGE
def test_a_large_answer_is_the_same_when_it_is_posted_replayed_and_looked_up(table: Table, size: int) -> None:
    world = World(essayist(), table=table)
    world.models.script["first"] = [essay(size)]
    sent = world.send(key="k")

    assert (200, size // 2) == (sent.status, len(sent.json["output"]["text"]))
    assert sent.text == world.send(key="k").text
    assert sent.json == world.get(f"/v1/turns/{sent.json['turn_id']}").json


@LARGE
def test_a_large_answer_of_a_tier_is_looked_up_replayed_as_it_was_accepted_and_called_back(
    table: Table, size: int
) -> None:
    world = World(essayist(), table=table, env={"hosts.callbacks": {TENANT: ["shop.example"]}})
    world.fail_all()
    accepted = world.send(key="k", callback_url="https://shop.example/turns")
    turn = accepted.json["turn_id"]
    world.models.script["third"] = [essay(size)]
    played = world.play(turn)
    world.deliver()
    shown = world.get(f"/v1/turns/{turn}").json

    assert (202, "completed", "completed") == (accepted.status, played, shown["status"])
    assert ("alternative_path", size // 2) == (shown["tier"], len(shown["output"]["text"]))
    assert accepted.text == world.send(key="k", callback_url="https://shop.example/turns").text
    assert [shown] == [json.loads(message["body"])["data"] for message in world.receivers.sent]


def test_a_large_answer_of_a_person_is_the_same_for_the_customer_and_for_operators(table: Table) -> None:
    world = World(essayist(), table=table)
    turn = world.awaiting(key="k")
    body = {"version": world.claim(turn), "reply": "Here.", "output": {"text": "x" * 250_000}}
    answered = world.post(f"/v1/escalations/{turn}/answer", body, operator())
    again = world.post(f"/v1/escalations/{turn}/answer", body, operator())

    assert (200, answered.json) == (answered.status, again.json)
    assert answered.json == world.get(f"/v1/turns/{turn}").json
    assert answered.json == world.get(f"/v1/escalations/{turn}", operator()).json["turn"]
