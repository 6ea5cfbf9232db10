"""Conversations: their order, what a turn sees of the turns before it, and feedback."""

from typing import Any

import pytest
from turnkeeper.adapters.memory import MemoryTable
from turnkeeper.stores import keys

from tests.support.tables import Killed, WatchedTable, kill, on
from tests.support.world import TENANT, World, answer, customer, operator, paint


def said(world: World, call: int = -1) -> list[tuple[str, str]]:
    return [(m.role, m.text) for m in world.models.calls[call][1].messages]


def reply(text: str) -> str:
    return f"It is {text}."


def test_a_turn_sees_the_turns_concluded_before_it() -> None:
    world = World()
    conversation = world.send("One?").json["conversation_id"]
    world.models.script["first"] = [answer("blue")]
    world.send("Two?", conversation_id=conversation)
    world.send("Three?", conversation_id=conversation)

    assert [
        ("user", "One?"),
        ("assistant", reply("red")),
        ("user", "Two?"),
        ("assistant", reply("blue")),
        ("user", "Three?"),
    ] == said(world)


def test_a_turn_is_never_refused_for_another_and_keeps_its_place() -> None:
    world = World()
    conversation = world.send("One?").json["conversation_id"]
    inner: list[Any] = []

    def slow(_: object) -> Any:
        inner.append(world.send("Three?", conversation_id=conversation))
        return answer("blue")

    world.models.script["first"] = [slow, answer("green")]
    world.send("Two?", conversation_id=conversation)
    turns = world.get(f"/v1/conversations/{conversation}").json["turns"]

    assert 200 == inner[0].status
    assert ["One?", "Two?", "Three?"] == [turn["message"] for turn in turns]
    assert ("user", "Two?") not in said(world, 2)


def test_an_escalated_turn_does_not_see_the_turns_after_it() -> None:
    world = World()
    conversation = world.send("One?").json["conversation_id"]
    turn = world.send("Two?", conversation_id=conversation, headers={"Prefer": "respond-async"}).json["turn_id"]
    world.send("Three?", conversation_id=conversation)
    world.play(turn)

    assert [("user", "One?"), ("assistant", reply("red")), ("user", "Two?")] == said(world)


def test_a_taken_over_turn_does_not_see_the_turns_after_it() -> None:
    table = WatchedTable(MemoryTable())
    world = World(table=table)
    conversation = world.send("One?").json["conversation_id"]
    table.before = on("transact", "CONV#", kill)
    with pytest.raises(Killed):
        world.send("Two?", conversation_id=conversation, key="two")
    world.send("Three?", conversation_id=conversation)
    world.later(60)
    world.send("Two?", conversation_id=conversation, key="two")

    assert [("user", "One?"), ("assistant", reply("red")), ("user", "Two?")] == said(world)


def test_a_long_conversation_is_read_page_by_page_the_newest_first() -> None:
    world = World()
    conversation = world.send("0").json["conversation_id"]
    for n in range(1, 101):
        world.send(str(n), conversation_id=conversation)
    waiting = world.send("waits", conversation_id=conversation, headers={"Prefer": "respond-async"}).json

    pages, query = [], dict[str, str]()
    while True:
        page = world.request("GET", f"/v1/conversations/{conversation}", query=query).json
        pages.append([turn["message"] for turn in page["turns"]])
        if page["cursor"] is None:
            break
        query = {"cursor": page["cursor"]}

    assert [list(map(str, range(51, 101))), list(map(str, range(1, 51))), ["0"]] == pages
    assert "escalating" == world.get(f"/v1/turns/{waiting['turn_id']}").json["status"]


def test_a_conversation_of_one_page_has_no_cursor() -> None:
    world = World()
    conversation = world.send("0").json["conversation_id"]
    for n in range(1, 50):
        world.send(str(n), conversation_id=conversation)
    page = world.get(f"/v1/conversations/{conversation}").json

    assert (50, None) == (len(page["turns"]), page["cursor"])


@pytest.mark.parametrize("cursor", ["x", "0", "../MSG", "00000000000000001.turn_1", "1" * 17 + "#turn_" + "0" * 32])
def test_a_made_up_cursor_is_refused(cursor: str) -> None:
    world = World()
    conversation = world.send().json["conversation_id"]
    refused = world.get(f"/v1/conversations/{conversation}", cursor=cursor)

    assert (400, "invalid-request") == (refused.status, refused.code)


def test_a_cursor_opens_nobody_elses_conversation() -> None:
    world = World()
    conversation = world.send().json["conversation_id"]
    cursor = "9" * 17 + ".turn_" + "0" * 32

    assert 200 == world.get(f"/v1/conversations/{conversation}", cursor=cursor).status
    assert 404 == world.get(f"/v1/conversations/{conversation}", customer("carl"), cursor=cursor).status


def test_what_a_person_answered_is_part_of_the_conversation() -> None:
    world = World()
    turn = world.awaiting()
    world.post(f"/v1/escalations/{turn}/answer", {"version": world.claim(turn), "reply": "It is mauve."}, operator())
    conversation = world.get(f"/v1/turns/{turn}").json["conversation_id"]
    world.send("Sure?", conversation_id=conversation)

    assert [("user", "Which colour?"), ("assistant", "It is mauve."), ("user", "Sure?")] == said(world)


def test_a_conversation_can_be_joined_while_its_first_turn_waits_for_a_person() -> None:
    world = World()
    turn = world.awaiting()
    conversation = world.get(f"/v1/turns/{turn}").json["conversation_id"]

    assert 200 == world.send("Hello?", conversation_id=conversation).status


@pytest.mark.parametrize("conversation", ["conv_none", "x"])
def test_a_conversation_that_the_server_did_not_issue_is_404_and_forgets_the_key(conversation: str) -> None:
    world = World()
    refused = world.send(key="k", conversation_id=conversation)

    assert (404, []) == (refused.status, world.models.calls)
    assert 404 == world.get(f"/v1/conversations/{conversation}").status
    assert 200 == world.send(key="k").status


def test_the_oldest_turns_are_dropped_where_history_is_too_long() -> None:
    world = World(paint(history_tokens=12))
    conversation = world.send("One?").json["conversation_id"]
    for message in ("Two?", "Three?", "Four?"):
        world.send(message, conversation_id=conversation)

    assert [
        ("user", "Two?"),
        ("assistant", reply("red")),
        ("user", "Three?"),
        ("assistant", reply("red")),
        ("user", "Four?"),
    ] == said(world)


def test_feedback_is_taken_from_1_to_5_the_last_word_is_kept_and_the_first_counted() -> None:
    world = World()
    turn = world.send().json["turn_id"]
    scores = (0, 1, 5, 1, 5, 6)
    statuses = [world.post(f"/v1/turns/{turn}/feedback", {"score": score}).status for score in scores]

    assert [400, 204, 204, 204, 204, 400] == statuses
    assert 5 == (world.table.get(keys.feedback(turn)) or {})["score"]
    assert [1] == [value for name, value, _ in world.telemetry.counts if name == "FeedbackScore"]


def test_feedback_on_a_turn_that_has_not_ended_is_409() -> None:
    world = World()
    turn = world.awaiting()
    early = world.post(f"/v1/turns/{turn}/feedback", {"score": 1})

    assert ((409, "conflict"), None) == ((early.status, early.code), world.table.get(keys.feedback(turn)))


def test_feedback_on_a_turn_that_is_not_there_is_404() -> None:
    assert 404 == World().post("/v1/turns/turn_none/feedback", {"score": 1}, customer()).status


def test_everything_of_a_turn_is_removed_after_the_retention_and_the_turn_last() -> None:
    table = MemoryTable()
    world = World(env={"RETENTION_DAYS": "8", "ANSWER_BY_SECONDS": "600"}, table=table)
    turn = world.awaiting()
    world.request("POST", f"/v1/turns/{turn}/stop", who=operator())
    world.request("POST", f"/v1/turns/{turn}/feedback", body={"score": 4})
    family = {item["sk"]: int(item["ttl"]) for item in table.query(f"TURN#{turn}")}
    own = family.pop("TURN")
    day = 86_400

    assert {"ESC", "FEEDBACK"} <= family.keys()
    assert {own - day} == set(family.values())
    assert 8 * day + 590 < own - day - world.clock.now < 8 * day + 610


def test_a_conversation_is_kept_as_long_as_its_newest_turn() -> None:
    table = MemoryTable()
    world = World(table=table)
    conversation = world.send().json["conversation_id"]
    first = table.get(keys.conversation(TENANT, conversation))
    world.later(1000)
    world.send(conversation_id=conversation)
    second = table.get(keys.conversation(TENANT, conversation))

    assert first
    assert second
    assert 990 < second["ttl"] - first["ttl"] < 1010
    assert first["customer"] == second["customer"]
