"""Whole turns over each table: what holds in memory holds in DynamoDB."""

from turnkeeper.ports import Table

from tests.support.world import World, answer, operator, paint


def test_a_turn_is_answered_replayed_and_continued(table: Table) -> None:
    world = World(paint(cache_seconds=60), table=table)
    first = world.send(key="k")
    again = world.send(key="k")
    more = world.send("And now?", conversation_id=first.json["conversation_id"])

    assert (200, first.text, 200) == (first.status, again.text, more.status)
    assert 3 == len(world.models.calls[1][1].messages)
    assert (360, 0) == (world.spent().posted_micro_usd, world.spent().pending_micro_usd)
    assert 422 == world.send("Other", key="k").status


def test_a_turn_goes_through_its_tiers_to_a_person(table: Table) -> None:
    world = World(table=table)
    world.models.script = {name: [answer(confidence=0.3)] for name in ("first", "second", "third")}
    turn = world.send().json["turn_id"]
    waiting = world.play(turn)
    version = world.claim(turn)
    body = {"version": version, "reply": "Blue.", "output": {"colour": "blue"}}
    answered = world.post(f"/v1/escalations/{turn}/answer", body, operator())

    assert ("waiting", 200) == (waiting, answered.status)
    assert answered.json["reply"] == world.get(f"/v1/turns/{turn}").json["reply"]
    assert [turn] == [
        e["turn_id"] for e in world.get("/v1/escalations", operator(), status="answered").json["escalations"]
    ]


def test_the_reconciler_pages_again_and_expires(table: Table) -> None:
    world = World(table=table, env={"ANSWER_BY_SECONDS": "3600"})
    turn = world.awaiting()
    world.later(601)
    world.reconcile()
    world.later(3_600)
    world.reconcile()

    assert "expired" == world.get(f"/v1/turns/{turn}").json["status"]
    assert 2 == len(world.topics.published)
    assert 0 == world.reconcile().looked_at


def test_a_refused_turn_leaves_nothing_behind(table: Table) -> None:
    world = World(table=table, env={"limits.customer_day_usd": "0.000001"})
    refused = world.send(key="k")

    assert 402 == refused.status
    assert (0, 0) == (world.spent().committed_micro_usd, world.spent().posted_micro_usd)
