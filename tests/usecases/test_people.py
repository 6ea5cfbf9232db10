"""People: hand-off, pages, claim, release, answer, expiry, stop."""

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from turnkeeper.adapters.memory import MemoryTable
from turnkeeper.domain.chat import Finish, ModelReply
from turnkeeper.errors import TurnkeeperError, WorkflowUnavailable
from turnkeeper.ports import Subscriptions
from turnkeeper.runtime.operators import Operator

from tests.support.tables import Killed, WatchedTable, kill, on
from tests.support.world import PRICES, TENANT, Answer, World, answer, operator, prose, service

OLGA = operator("olga")


def say(world: World, turn: str, version: int, reply: str = "Blue.", who: Any = None, **body: Any) -> Answer:
    return world.post(f"/v1/escalations/{turn}/answer", {"version": version, "reply": reply, **body}, who or operator())


def release(world: World, turn: str, version: int, who: Any = None) -> Answer:
    return world.post(f"/v1/escalations/{turn}/release", {"version": version}, who or operator())


def stop(world: World, turn: str, who: Any = None) -> Answer:
    return world.request("POST", f"/v1/turns/{turn}/stop", who=who or operator())


def listed(world: World, status: str) -> list[str]:
    found = world.get("/v1/escalations", operator(), status=status).json["escalations"]
    return [e["turn_id"] for e in found]


def pages(world: World) -> list[tuple[str, str]]:
    return [(topic, m.attributes["page"]) for topic, m in world.topics.published if "page" in m.attributes]


# --- hand-off ---------------------------------------------------------------------------------------------------------


def test_a_person_sees_the_whole_context() -> None:
    world = World()
    world.models.script = {name: [answer(confidence=0.3)] for name in ("first", "second", "third")}
    turn = world.send("Which colour?", metadata={"shop": "7"}).json["turn_id"]
    world.play(turn)
    seen = world.get(f"/v1/escalations/{turn}", operator()).json

    assert ("Which colour?", {"shop": "7"}) == (seen["message"], seen["metadata"])
    assert [("first_attempt", "low_confidence"), ("corrected_retry", "low_confidence")] == [
        (a["tier"], a["reason"]) for a in seen["attempts"]
    ][:2]
    assert 0.3 == json.loads(seen["attempts"][0]["draft"])["confidence"]
    assert "colour" in seen["output_schema"]["properties"]
    assert "0.000540" == seen["turn"]["cost_usd"] == seen["spend"]["posted_usd"]


def test_nothing_that_acts_or_is_secret_is_published() -> None:
    world = World()
    turn = world.send(headers={"Prefer": "respond-async"}).json["turn_id"]
    world.escalate(turn, token="SECRET-TASK-TOKEN")
    (_, notice) = world.topics.published[0]
    seen = world.get(f"/v1/escalations/{turn}", operator()).text

    assert "SECRET" not in notice.text + notice.data + str(notice.attributes) + seen
    assert f"https://api.example/prod/console#/escalations/{turn}" in notice.text


def test_a_notice_leaves_the_message_out_where_it_is_switched_off() -> None:
    world = World(env={"NOTICE_SHOWS_MESSAGE": "false"})
    world.fail_all()
    world.play(world.send("My number is 42.").json["turn_id"])
    (_, notice) = world.topics.published[0]

    assert "42" not in notice.text + notice.data


def told(world: World) -> list[tuple[str, str, str, str | None]]:
    """What the first notice says was tried."""
    (_, notice) = world.topics.published[0]
    return [(t["tier"], t["model"], t["failure"], t["error"]) for t in json.loads(notice.data)["tried"]]


def test_a_notice_tells_of_tiers_that_could_call_nobody() -> None:
    world = World(env={"BREAKER_FAILURE_THRESHOLD": "1"})
    world.fail_all()
    world.play(world.send().json["turn_id"])
    world.topics.published.clear()
    world.play(world.send().json["turn_id"])

    assert [("first_attempt", "-", "no_model_available", None)] == told(world)


def test_a_notice_tells_what_was_wrong_with_an_answer() -> None:
    world = World()
    world.models.script = {name: [prose()] for name in ("first", "second", "third")}
    world.play(world.send().json["turn_id"])

    *_, (tier, model, failure, error) = told(world)

    assert ("alternative_path", "openai:third", "invalid_output") == (tier, model, failure)
    assert "Invalid JSON" in str(error)


def test_a_notice_that_leaves_the_message_out_leaves_out_what_may_repeat_it() -> None:
    world = World(env={"NOTICE_SHOWS_MESSAGE": "false"})
    refusal = ModelReply("I will not speak of 42.", (), Finish.REFUSAL, None)
    world.models.script["first"] = [refusal]
    world.play(world.send("My number is 42.").json["turn_id"])
    (_, notice) = world.topics.published[0]

    assert [("first_attempt", "openai:first", "refusal", None)] == told(world)
    assert "42" not in notice.text + notice.data + notice.sms


def test_a_task_that_is_tried_again_pages_once() -> None:
    world = World()
    turn = world.awaiting()
    world.services.tiers.hand_off(turn, 1, "token-again", 1)

    assert [("on-call", "1")] == pages(world)


def test_only_the_newest_task_token_is_answered() -> None:
    world = World()
    turn = world.awaiting()
    world.services.tiers.hand_off(turn, 1, "newer", 2)
    world.services.tiers.hand_off(turn, 1, "older", 1)
    say(world, turn, world.claim(turn))

    assert ["older", "newer"] == world.machine.succeeded  # the older one is let go at once


def test_a_hand_off_of_a_turn_that_ended_lets_the_execution_go() -> None:
    world = World()
    turn = world.awaiting()
    say(world, turn, world.claim(turn))
    world.services.tiers.hand_off(turn, 1, "late", 3)

    assert ["token-1", "late"] == world.machine.succeeded
    assert [("on-call", "1")] == pages(world)


# --- claim, release, answer -------------------------------------------------------------------------------------------


def test_a_persons_answer_is_the_turns_outcome() -> None:
    world = World()
    turn = world.awaiting()
    answered = say(world, turn, world.claim(turn), output={"colour": "blue"})
    seen = world.get(f"/v1/turns/{turn}").json

    assert 200 == answered.status
    assert ("completed", "human", "Blue.", {"colour": "blue"}) == (
        seen["status"],
        seen["tier"],
        seen["reply"],
        seen["output"],
    )
    assert answered.json == seen
    assert ["token-1"] == world.machine.succeeded
    assert "completed" == world.services.tiers.conclude(turn, 1)


def test_an_answer_is_held_to_the_agents_schema() -> None:
    world = World()
    turn = world.awaiting()
    version = world.claim(turn)
    refused = say(world, turn, version, output={"colour": 7})

    assert (400, "invalid-output") == (refused.status, refused.code)
    assert 200 == say(world, turn, version).status


def test_a_double_click_is_one_answer() -> None:
    world = World()
    turn = world.awaiting()
    version = world.claim(turn)
    first, second = say(world, turn, version), say(world, turn, version)

    assert (200, 200, first.json) == (first.status, second.status, second.json)


def test_a_second_answer_is_refused() -> None:
    world = World()
    turn = world.awaiting()
    version = world.claim(turn)
    say(world, turn, version)

    assert (409, "conflict") == ((second := say(world, turn, version, "Red.")).status, second.code)
    assert "Blue." == world.get(f"/v1/turns/{turn}").json["reply"]


def test_two_operators_at_once_have_one_claim() -> None:
    world = World()
    turn = world.awaiting()

    def claim(name: str) -> bool:
        try:
            world.services.operators.claim(Operator(name, TENANT), turn)
        except TurnkeeperError:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        won = list(pool.map(claim, (f"o{n}" for n in range(20))))

    assert 1 == won.count(True)


def test_two_operators_at_once_have_one_answer() -> None:
    world = World()
    turn = world.awaiting()
    version = world.claim(turn)

    def reply(n: int) -> str:
        try:
            view = world.services.operators.answer(Operator("otto", TENANT), turn, version, f"answer {n}", None)
        except TurnkeeperError:
            return ""
        return str(view["reply"])

    with ThreadPoolExecutor(8) as pool:
        given = {text for text in pool.map(reply, range(20)) if text}

    assert {world.get(f"/v1/turns/{turn}").json["reply"]} == given


def test_a_claim_is_its_holders_until_it_lapses() -> None:
    world = World(env={"CLAIM_SECONDS": "900"})
    turn = world.awaiting()
    world.claim(turn)
    refused = world.post(f"/v1/escalations/{turn}/claim", {}, OLGA)
    world.later(901)
    taken = world.post(f"/v1/escalations/{turn}/claim", {}, OLGA)

    assert ((409, "conflict"), 200) == ((refused.status, refused.code), taken.status)


def test_a_lapsed_claim_lists_as_open_and_its_holder_may_still_answer() -> None:
    world = World(env={"CLAIM_SECONDS": "900"})
    turn = world.awaiting()
    version = world.claim(turn)
    claimed = (listed(world, "open"), listed(world, "claimed"))
    world.later(901)
    lapsed = (listed(world, "open"), listed(world, "claimed"))

    assert (([], [turn]), ([turn], [])) == (claimed, lapsed)
    assert 200 == say(world, turn, version).status
    assert ([], [], [turn]) == (listed(world, "open"), listed(world, "claimed"), listed(world, "answered"))


def test_a_lapsed_holder_may_not_answer_once_another_claimed() -> None:
    world = World(env={"CLAIM_SECONDS": "900"})
    turn = world.awaiting()
    version = world.claim(turn)
    world.later(901)
    world.claim(turn, OLGA)

    assert 409 == say(world, turn, version).status


def test_claiming_again_renews_the_claim_and_its_version() -> None:
    world = World()
    turn = world.awaiting()
    first, second = world.claim(turn), world.claim(turn)

    assert second == first + 1
    assert [409, 200] == [say(world, turn, version).status for version in (first, second)]


def test_an_answer_without_a_claim_is_refused() -> None:
    world = World()
    turn = world.awaiting()

    assert 409 == say(world, turn, 1).status
    world.claim(turn)
    assert 409 == say(world, turn, 1, who=OLGA).status


def test_a_released_claim_is_open_again_and_pages_at_once() -> None:
    world = World()
    turn = world.awaiting()
    version = world.claim(turn)
    refused = release(world, turn, version + 1)
    released = release(world, turn, version)
    world.reconcile()

    assert (409, 200, [turn]) == (refused.status, released.status, listed(world, "open"))
    assert 409 == say(world, turn, version).status
    assert [("on-call", "1"), ("on-call", "2")] == pages(world)


@pytest.mark.parametrize("action", ["claim", "release", "answer"])
def test_nobody_decides_by_get(action: str) -> None:
    world = World()
    turn = world.awaiting()

    assert 404 == world.get(f"/v1/escalations/{turn}/{action}", operator()).status
    assert [turn] == listed(world, "open")


def test_an_answer_whose_execution_cannot_be_told_is_still_the_outcome() -> None:
    world = World()
    turn = world.awaiting()
    version = world.claim(turn)

    def gone(token: str, payload: object) -> None:
        raise WorkflowUnavailable("down")

    world.machine.task_succeeded = gone  # type: ignore[method-assign]

    assert 200 == say(world, turn, version).status
    assert "completed" == world.services.tiers.conclude(turn, 1)


def test_an_answer_that_died_before_it_was_told_is_found_done() -> None:
    table = WatchedTable(MemoryTable())
    world = World(table=table)
    turn = world.awaiting()
    version = world.claim(turn)
    table.after = on("transact", "CONV#", kill)
    with pytest.raises(Killed):
        say(world, turn, version)

    assert 200 == say(world, turn, version).status
    assert "Blue." == world.get(f"/v1/turns/{turn}").json["reply"]


# --- time -------------------------------------------------------------------------------------------------------------


def test_nobody_answers_the_customer_is_told() -> None:
    world = World(env={"ANSWER_BY_SECONDS": "3600"})
    turn = world.awaiting()
    world.later(3601)
    world.reconcile()
    seen = world.get(f"/v1/turns/{turn}").json

    assert ("expired", None) == (seen["status"], seen["output"])
    assert "nobody could answer" in seen["reply"]
    assert ([], [turn]) == (listed(world, "open"), listed(world, "expired"))
    assert "expired" == world.services.tiers.conclude(turn, 1)


@pytest.mark.parametrize("reconciled", [True, False])
def test_an_answer_after_answer_by_is_410_and_kept_as_a_draft(reconciled: bool) -> None:
    world = World(env={"ANSWER_BY_SECONDS": "3600", "CLAIM_SECONDS": "9000"})
    turn = world.awaiting()
    version = world.claim(turn)
    world.later(3601)
    if reconciled:
        world.reconcile()
    late = say(world, turn, version)
    seen = world.get(f"/v1/escalations/{turn}", operator()).json

    assert (410, "answer-too-late") == (late.status, late.code)
    assert ("Blue.", "expired") == (seen["draft"]["reply"], seen["status"])
    assert "expired" == world.get(f"/v1/turns/{turn}").json["status"]


def test_a_late_answer_of_somebody_else_does_not_replace_the_claimants_draft() -> None:
    world = World(env={"ANSWER_BY_SECONDS": "3600", "CLAIM_SECONDS": "9000"})
    turn = world.awaiting()
    version = world.claim(turn)
    world.later(3601)
    late = [say(world, turn, version), say(world, turn, version, "Red.", who=OLGA)]
    seen = world.get(f"/v1/escalations/{turn}", operator()).json

    assert ([410, 410], "Blue.") == ([answer.status for answer in late], seen["draft"]["reply"])
    assert "yours is not" in late[1].json["detail"]


def test_the_execution_expires_nothing_that_was_answered_in_time() -> None:
    world = World(env={"ANSWER_BY_SECONDS": "3600"})
    turn = world.awaiting()
    say(world, turn, world.claim(turn))
    world.later(3601)
    world.reconcile()

    assert "completed" == world.services.tiers.conclude(turn, 1)


def test_an_escalation_cannot_be_claimed_after_its_time() -> None:
    world = World(env={"ANSWER_BY_SECONDS": "3600"})
    turn = world.awaiting()
    world.later(3601)

    assert 409 == world.post(f"/v1/escalations/{turn}/claim", {}, operator()).status


# --- pages ------------------------------------------------------------------------------------------------------------


def test_an_unclaimed_escalation_pages_again_and_then_the_second_level() -> None:
    world = World(env={"PAGE_SECONDS": "600", "SECOND_LEVEL_TOPIC_ARN": "second", "SECOND_LEVEL_PAGES": "2"})
    world.awaiting()
    for _ in range(3):
        world.later(601)
        world.reconcile()

    assert [("on-call", "1"), ("on-call", "2"), ("second", "3"), ("second", "4")] == pages(world)
    assert ["high", "high", "critical", "critical"] == [m.attributes["severity"] for _, m in world.topics.published]


def test_a_topic_that_stays_dead_leads_to_the_second_level() -> None:
    world = World(env={"PAGE_SECONDS": "600", "SECOND_LEVEL_TOPIC_ARN": "second", "SECOND_LEVEL_PAGES": "2"})
    world.topics.dead = {"on-call"}
    world.awaiting()
    for _ in range(21):
        world.later(60)
        world.reconcile()

    assert [("second", "3")] == pages(world)


def test_a_claimed_escalation_pages_nobody_until_the_claim_lapses() -> None:
    world = World(env={"PAGE_SECONDS": "600", "CLAIM_SECONDS": "1500"})
    turn = world.awaiting()
    world.claim(turn)
    world.later(1400)
    world.reconcile()
    held = len(pages(world))
    world.later(200)
    world.reconcile()

    assert (1, 2) == (held, len(pages(world)))


def test_a_page_that_could_not_be_published_is_repeated_under_its_own_key() -> None:
    world = World()
    world.topics.down = True
    world.awaiting()
    world.later(11)
    world.reconcile()
    world.topics.down = False
    world.later(11)
    world.reconcile()
    world.later(11)
    world.reconcile()

    assert [("on-call", "1")] == pages(world)


def test_a_page_whose_process_died_before_it_was_published_is_repeated() -> None:
    table = WatchedTable(MemoryTable())
    world = World(table=table)
    world.fail_all()
    turn = world.send().json["turn_id"]
    table.after = _when_paged(table)
    with pytest.raises(Killed):
        world.escalate(turn)
    table.after = lambda *_: None
    world.later(11)
    world.reconcile()

    assert [("on-call", "1")] == pages(world)


def _when_paged(table: WatchedTable) -> Any:
    def hook(name: str, keys: Any) -> None:
        if name == "write" and (table.inner.get(keys[0]) or {}).get("pages"):
            raise Killed

    return hook


def test_many_reconcilers_at_once_page_once() -> None:
    world = World()
    world.awaiting()
    world.later(601)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: world.reconcile(), range(8)))

    assert 2 == len({page for _, page in pages(world)})


# --- stop -------------------------------------------------------------------------------------------------------------


def test_an_operator_can_stop_a_turn_that_waits() -> None:
    world = World()
    turn = world.awaiting()
    stopped = stop(world, turn)
    seen = world.get(f"/v1/turns/{turn}").json

    assert (200, "failed", "stopped") == (stopped.status, seen["status"], seen["reason"])
    assert (["token-1"], []) == (world.machine.succeeded, listed(world, "open"))
    assert 409 == stop(world, turn).status


@pytest.mark.parametrize(("asked", "tier"), [(False, None), (True, "human")], ids=["in its tiers", "before people"])
def test_a_stopped_turn_was_a_persons_only_where_people_were_asked(asked: bool, tier: str | None) -> None:
    world = World()
    world.fail_all()
    turn = world.send().json["turn_id"]
    if asked:
        world.play(turn)
    stop(world, turn)
    counted = [about["tier"] for name, _, about in world.telemetry.counts if name == "TurnsByTier"]

    assert (tier, [tier] if tier else []) == (world.get(f"/v1/turns/{turn}").json["tier"], counted)


def test_a_turn_that_is_stopped_while_a_model_answers_stays_stopped_and_is_paid_for() -> None:
    world = World()
    stopped = []

    def meanwhile(_: object) -> Any:
        turn = next(key[0] for key in world.table._items if key[1] == "TURN")  # type: ignore[attr-defined]
        stopped.append(stop(world, turn.removeprefix("TURN#")))
        return answer()

    world.models.script["first"] = [meanwhile]
    sent = world.send(key="k")
    replay = world.send(key="k")

    assert (200, 503, 200) == (stopped[0].status, sent.status, replay.status)
    assert ("failed", 180, 0) == (
        replay.json["status"],
        world.spent().posted_micro_usd,
        world.spent().pending_micro_usd,
    )


def test_a_stopped_turn_calls_nothing_more() -> None:
    world = World()
    world.models.script["first"] = [answer(confidence=0.1)]
    turn = world.send().json["turn_id"]
    stop(world, turn)
    calls = len(world.models.calls)

    assert "failed" == world.play(turn)
    assert (calls, []) == (len(world.models.calls), world.topics.published)


def test_only_an_operator_stops_a_turn() -> None:
    world = World()
    turn = world.awaiting()

    assert [403, 403, 404] == [
        stop(world, turn, who).status for who in (service(), world_customer(), operator("o", "tenant-b"))
    ]


def world_customer() -> dict[str, str]:
    return {"sub": "carla", "username": "carla", "cognito:groups": f"tenant.{TENANT}", "token_use": "access"}


def test_a_turn_that_does_not_exist_cannot_be_stopped() -> None:
    assert 404 == stop(World(), "turn_none").status


# --- lists ------------------------------------------------------------------------------------------------------------


def test_a_long_list_has_pages() -> None:
    world = World(env={"turns.burst": 100, "turns.per_minute": 6000})
    turns = []
    for n in range(55):
        turn = world.send(key=f"k{n}", headers={"Prefer": "respond-async"}).json["turn_id"]
        world.escalate(turn, token=f"t{n}")
        turns.append(turn)
    first = world.get("/v1/escalations", operator()).json
    second = world.get("/v1/escalations", operator(), cursor=first["cursor"]).json

    assert (50, 5, None) == (len(first["escalations"]), len(second["escalations"]), second["cursor"])
    assert turns == [e["turn_id"] for e in first["escalations"] + second["escalations"]]


def everything(world: World, status: str) -> list[str]:
    """What a list shows over all of its pages."""
    page = world.get("/v1/escalations", operator(), status=status).json
    found = [e["turn_id"] for e in page["escalations"]]
    while page["cursor"]:
        page = world.get("/v1/escalations", operator(), status=status, cursor=page["cursor"]).json
        found += [e["turn_id"] for e in page["escalations"]]
    return found


def test_whoever_waits_is_in_a_page_however_many_claims_lapsed() -> None:
    world = World(env={"turns.burst": 200, "CLAIM_SECONDS": "900"})
    turns = []
    for n in range(125):
        turn = world.send(key=f"k{n}", headers={"Prefer": "respond-async"}).json["turn_id"]
        world.escalate(turn, token=f"t{n}")
        turns.append(turn)
    for turn in turns[:60]:
        world.claim(turn)
    world.later(901)
    held = turns[60:115]
    for turn in held:
        world.claim(turn)
    first = world.get("/v1/escalations", operator()).json["escalations"]

    assert turns[:50] == [e["turn_id"] for e in first]
    assert [turn for turn in turns if turn not in held] == everything(world, "open")
    assert held == everything(world, "claimed")


def test_a_page_is_full_where_claims_stand_before_what_is_open() -> None:
    world = World(env={"turns.burst": 200})
    turns = []
    for n in range(55):
        turn = world.send(key=f"k{n}", headers={"Prefer": "respond-async"}).json["turn_id"]
        world.escalate(turn, token=f"t{n}")
        turns.append(turn)
    for turn in turns[:54]:
        world.claim(turn)
    page = world.get("/v1/escalations", operator()).json

    assert ([turns[54]], None) == ([e["turn_id"] for e in page["escalations"]], page["cursor"])


@pytest.mark.parametrize("cursor", ["x", "e30=", "WzFd", "////"])
def test_a_cursor_that_is_not_ours_is_400(cursor: str) -> None:
    assert 400 == World().get("/v1/escalations", operator(), cursor=cursor).status


def test_health_tells_who_is_subscribed_to_each_topic() -> None:
    world = World(env={"SECOND_LEVEL_TOPIC_ARN": "second"})
    world.topics.subscribed = {"on-call": Subscriptions(1, 2), "second": Subscriptions(), "owner": Subscriptions(0, 1)}
    seen = world.get("/v1/health", operator()).json

    assert {
        "on_call": {"confirmed": 1, "unconfirmed": 2},
        "second_level": {"confirmed": 0, "unconfirmed": 0},
        "owner": {"confirmed": 0, "unconfirmed": 1},
    } == seen["subscriptions"]
    assert 2 == seen["unconfirmed_subscriptions"]  # of those who are paged


def test_health_counts_a_topic_once_that_is_the_second_level_too() -> None:
    world = World()
    world.topics.subscribed = {"on-call": Subscriptions(0, 1)}

    assert 1 == world.get("/v1/health", operator()).json["unconfirmed_subscriptions"]


def test_health_tells_of_a_topic_that_nobody_named() -> None:
    world = World(env={"OWNER_TOPIC_ARN": ""})
    seen = world.get("/v1/health", operator()).json

    assert {"confirmed": 0, "unconfirmed": 0} == seen["subscriptions"]["owner"]


def test_health_says_that_it_cannot_tell_who_is_subscribed() -> None:
    world = World()
    world.topics.down = True
    seen = world.get("/v1/health", operator()).json

    assert (None, None) == (seen["subscriptions"], seen["unconfirmed_subscriptions"])


def test_health_shows_breakers_and_the_backlog() -> None:
    world = World(env={"BREAKER_FAILURE_THRESHOLD": "1"})
    world.awaiting()
    world.later(60)
    seen = world.get("/v1/health", operator()).json

    assert {"open": 1, "more": False} == {k: seen["backlog"][k] for k in ("open", "more")}
    assert seen["backlog"]["oldest_s"] >= 60
    channels = ("notify:on_call", "notify:second_level", "notify:owner")
    states = {b["dependency"]: b["state"] for b in seen["breakers"]}
    assert dict.fromkeys(PRICES, "open") | dict.fromkeys(channels, "closed") == states
