"""Executions end with their turns, and a state machine that is away does not keep a turn from people."""

from turnkeeper.domain.tier import Tier
from turnkeeper.errors import WorkflowUnavailable

from tests.support.world import World, answer, operator, prose


def answered(world: World, turn: str) -> int:
    version = world.claim(turn)
    return world.post(f"/v1/escalations/{turn}/answer", {"version": version, "reply": "Red."}, operator()).status


def test_an_expired_turn_ends_its_waiting_execution() -> None:
    world = World(env={"ANSWER_BY_SECONDS": "600"})
    world.awaiting()
    world.later(601)
    world.reconcile()

    assert ["token-1"] == world.machine.succeeded


def test_an_execution_that_was_not_told_of_an_answer_is_told_later_and_once() -> None:
    world = World()
    turn = world.awaiting()
    away(world)
    status = answered(world, turn)
    world.later(30)
    world.reconcile()
    before = list(world.machine.succeeded)
    back(world)
    for _ in range(3):
        world.later(30)
        world.reconcile()

    assert (200, [], ["token-1"]) == (status, before, world.machine.succeeded)


def test_the_newest_token_is_told_when_the_task_was_retried_meanwhile() -> None:
    world = World()
    turn = world.awaiting()
    world.services.tiers.hand_off(turn, 1, "newer", 1)
    answered(world, turn)

    assert ["newer"] == world.machine.succeeded


def test_the_execution_of_a_stopped_turn_ends_by_itself() -> None:
    world = World()
    turn = world.awaiting()
    away(world)
    status = world.request("POST", f"/v1/turns/{turn}/stop", who=operator()).status
    back(world)
    world.later(30)
    world.reconcile()

    assert (200, ["token-1"]) == (status, world.machine.succeeded)
    assert "failed" == world.services.tiers.conclude(turn, 1)


def test_the_execution_of_a_turn_that_was_stopped_in_its_tiers_has_only_to_conclude() -> None:
    world = World()
    world.fail_all()
    turn = world.send().json["turn_id"]
    world.request("POST", f"/v1/turns/{turn}/stop", who=operator())
    world.later(30)
    world.reconcile()

    assert ("Conclude", "accepted") == (world.services.tiers.route(turn, 1), world.tier(turn, Tier.ALTERNATIVE_PATH))
    assert ([], 0) == (world.machine.succeeded, world.reconcile().looked_at)


def test_people_are_asked_when_the_state_machine_stays_away() -> None:
    world = World()
    world.fail_all()
    world.machine.down = True
    turn = world.send().json["turn_id"]
    world.later(60)
    world.reconcile()
    early = len(pages(world))
    world.later(300)
    world.reconcile()

    assert (0, 1) == (early, len(pages(world)))
    assert 200 == answered(world, turn)


def test_people_are_asked_when_executions_fail_again_and_again() -> None:
    world = World()
    world.fail_all()
    turn = world.send().json["turn_id"]
    for n in (1, 2, 3):
        assert f"{turn}-{n}" in world.machine.running
        world.machine.close(f"{turn}-{n}")
        world.later(60)
        world.reconcile()

    assert (1, {}) == (len(pages(world)), world.machine.running)


def test_an_attempt_of_the_state_machine_that_re_asked_skips_the_corrected_retry() -> None:
    world = World()
    world.models.script["first"] = [prose(), prose(), answer()]
    turn = world.send(headers={"Prefer": "respond-async"}).json["turn_id"]
    world.play(turn)

    assert "alternative_path" == world.get(f"/v1/turns/{turn}").json["tier"]


def test_an_attempt_that_did_not_re_ask_is_corrected() -> None:
    world = World()
    world.models.script["first"] = [answer(confidence=0.5), answer()]
    turn = world.send(headers={"Prefer": "respond-async"}).json["turn_id"]
    world.play(turn)

    assert "corrected_retry" == world.get(f"/v1/turns/{turn}").json["tier"]


def pages(world: World) -> list[str]:
    return [m.attributes["dedup_key"] for topic, m in world.topics.published if topic == "on-call"]


def away(world: World) -> None:
    def refuse(*_: object) -> None:
        raise WorkflowUnavailable("away")

    world.machine.task_succeeded = refuse  # type: ignore[method-assign, assignment]


def back(world: World) -> None:
    del world.machine.task_succeeded
