"""What operators see of each other and of what waits, in a list and in one escalation."""

from typing import Any

from tests.support.world import World, operator

OTTO = {**operator("3f2a91c0-6d1e-4b7a-9c55-0e8d7a41b2f6"), "username": "otto@example.com"}


def listed(world: World, status: str = "open") -> Any:
    [found] = world.get("/v1/escalations", OTTO, status=status).json["escalations"]
    return found


def test_a_list_shows_what_was_asked_in_one_short_line() -> None:
    world = World()
    world.awaiting(message="Which\n\ncolour?  " + "Please tell me soon. " * 20)
    line = listed(world)["message"]

    assert (120, "Which colour? Please tell", "…") == (len(line), line[:25], line[-1])


def test_a_list_shows_what_was_asked_also_where_notices_do_not() -> None:
    world = World(env={"NOTICE_SHOWS_MESSAGE": "false"})
    world.awaiting(message="My number is 42.")

    assert "My number is 42." == listed(world)["message"]


def test_one_escalation_shows_the_whole_message() -> None:
    world = World()
    turn = world.awaiting(message="Which colour? " * 20)

    assert "Which colour? " * 20 == world.get(f"/v1/escalations/{turn}", OTTO).json["message"]


def test_an_escalation_is_critical_from_the_second_levels_page_on() -> None:
    world = World(env={"PAGE_SECONDS": "600", "SECOND_LEVEL_PAGES": "1"})
    world.awaiting()
    first = listed(world)["severity"]
    world.later(601)
    world.reconcile()

    assert ("high", "critical") == (first, listed(world)["severity"])


def test_who_claimed_and_who_answered_have_a_name_besides_their_id() -> None:
    world = World()
    turn = world.awaiting()
    version = world.claim(turn, OTTO)
    claimed = listed(world, "claimed")
    world.post(f"/v1/escalations/{turn}/answer", {"version": version, "reply": "Blue."}, OTTO)
    answered = world.get(f"/v1/escalations/{turn}", OTTO).json

    assert (OTTO["sub"], "otto@example.com") == (claimed["claimant"], claimed["claimant_name"])
    assert (OTTO["sub"], "otto@example.com") == (answered["answer"]["by"], answered["answer"]["by_name"])
    assert (None, None) == (answered["claimant"], answered["claimant_name"])


def test_the_context_tells_which_confidence_each_tier_needed() -> None:
    world = World()
    turn = world.awaiting()
    seen = world.get(f"/v1/escalations/{turn}", OTTO).json

    assert {"first_attempt": 0.85, "corrected_retry": 0.85, "alternative_path": 0.7} == seen["accept_at"]
