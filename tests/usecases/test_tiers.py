"""The ways a turn is answered: first attempt, corrected retry, alternative path, and tiers that are skipped."""

import json
from itertools import pairwise

import pytest
from turnkeeper.agent import AnswerContext, Model
from turnkeeper.domain.chat import Finish, ModelReply, Usage
from turnkeeper.domain.failures import Failure
from turnkeeper.domain.tier import Tier
from turnkeeper.errors import DependencyError, NotConcluded

from tests.support.world import Colour, World, answer, failing, paint, prose


def refusal() -> ModelReply:
    return ModelReply("I cannot help with that.", (), Finish.REFUSAL, Usage(100, 10))


def escalated(world: World) -> str:
    sent = world.send()
    assert 202 == sent.status
    turn: str = sent.json["turn_id"]
    return turn


@pytest.mark.parametrize(("confidence", "status"), [(0.85, 200), (0.849, 202)])
def test_the_first_attempt_is_accepted_from_85_percent_on(confidence: float, status: int) -> None:
    world = World()
    world.models.script["first"] = [answer(confidence=confidence)]

    assert status == world.send().status


@pytest.mark.parametrize(
    ("confidence", "tier"), [(0.85, "corrected_retry"), (0.849, "alternative_path"), (0.70, "alternative_path")]
)
def test_a_corrected_retry_is_accepted_from_85_percent_on_and_the_alternative_from_70(
    confidence: float, tier: str
) -> None:
    world = World()
    world.models.script = {"first": [answer(confidence=0.1), answer(confidence=confidence)]}
    world.models.script["third"] = [answer(confidence=confidence)]
    turn = escalated(world)

    assert "completed" == world.play(turn)
    assert (tier, confidence) == (
        (seen := world.get(f"/v1/turns/{turn}").json)["tier"],
        seen["confidence"],
    )


def test_an_alternative_below_70_percent_goes_to_a_person() -> None:
    world = World()
    world.models.script = {name: [answer(confidence=0.69)] for name in ("first", "second", "third")}
    turn = escalated(world)

    assert "waiting" == world.play(turn)
    assert "awaiting_human" == world.get(f"/v1/turns/{turn}").json["status"]
    assert ["first", "first", "third"] == world.models.names()


def test_an_agents_own_score_replaces_the_models_confidence() -> None:
    world = World(paint(score=lambda output, _: 0.1 if output and output.colour == "red" else 1))

    assert 202 == world.send().status
    world.models.script["first"] = [answer("blue", confidence=0.1)]
    assert 200 == world.send().status


def test_prose_is_asked_for_again_once_and_then_accepted() -> None:
    world = World()
    world.models.script["first"] = [prose(), answer()]
    sent = world.send()
    asked = world.models.calls[1][1].messages[-1].text

    assert (200, ["first", "first"]) == (sent.status, world.models.names())
    assert "was not valid" in asked
    assert 230 == sent.json["usage"]["input_tokens"] + sent.json["usage"]["output_tokens"]


def test_an_impossible_schema_costs_exactly_two_answering_calls_an_attempt() -> None:
    world = World()
    world.models.script = {name: [prose()] for name in ("first", "second", "third")}
    turn = escalated(world)
    after_first = world.models.names()
    world.play(turn)

    assert ["first", "first"] == after_first
    assert ["first", "first", "third", "third"] == world.models.names()  # it re-asked, so no corrected retry


def test_a_business_rule_that_is_broken_is_asked_for_again() -> None:
    def no_red(output: object, _: object) -> None:
        if getattr(output, "colour", "") == "red":
            raise ValueError("red is sold out")

    world = World(paint(check=no_red))
    world.models.script["first"] = [answer("red"), answer("blue")]
    sent = world.send()

    assert (200, "blue") == (sent.status, sent.json["output"]["colour"])
    assert "red is sold out" in world.models.calls[1][1].messages[-1].text


def test_a_corrected_retry_is_told_what_failed_and_the_alternative_has_its_own_words() -> None:
    world = World()
    world.models.script = {name: [answer(confidence=0.1)] for name in ("first", "second", "third")}
    world.play(escalated(world))
    asked = [request for _, request in world.models.calls]
    notes = [request.messages[-1].note for request in asked]

    assert ["failed" in note and "low_confidence" in note for note in notes] == [False, True, False]
    assert [False, False, True] == ["Say it simply." in request.system for request in asked]


def test_a_failed_dependency_moves_on_to_the_next_model() -> None:
    world = World()
    world.models.script["first"] = list(failing(Failure.SERVER_ERROR))
    sent = world.send()

    assert (200, "anthropic:second", ["first", "second"]) == (sent.status, sent.json["model"], world.models.names())


@pytest.mark.parametrize("failure", [Failure.EMPTY, Failure.GARBAGE, Failure.NO_CREDIT, Failure.BAD_KEY])
def test_an_answer_that_cannot_be_read_and_a_bad_account_are_the_models_failure(failure: Failure) -> None:
    world = World()
    world.models.script["first"] = list(failing(failure))

    assert "anthropic:second" == world.send().json["model"]


@pytest.mark.parametrize("failure", [Failure.NO_CREDIT, Failure.BAD_KEY, Failure.BAD_REQUEST])
def test_what_only_an_owner_can_mend_is_told_to_the_owner(failure: Failure) -> None:
    world = World()
    world.models.script["first"] = list(failing(failure))
    world.send()

    assert [f"openai:first: {failure}"] == [what for what, _ in world.telemetry.warnings]


def test_a_hung_first_model_leaves_time_for_the_second() -> None:
    world = World(paint(chain=[Model("openai:first", 20_000), Model("anthropic:second", 10_000)]))
    world.models.script["first"] = list(failing(Failure.TIMEOUT))
    began = world.clock.now
    sent = world.send()

    assert (200, "anthropic:second") == (sent.status, sent.json["model"])
    assert world.clock.now - began < 14


def test_an_attempt_never_takes_longer_than_its_deadline() -> None:
    world = World()
    world.fail_all(Failure.TIMEOUT)
    began = world.clock.now
    world.send()

    assert world.clock.now - began <= 20


def test_a_refusal_is_not_routed_around_and_goes_to_a_person() -> None:
    world = World()
    world.models.script["first"] = [refusal()]
    turn = escalated(world)

    assert "waiting" == world.play(turn)
    assert ["first"] == world.models.names()


def test_a_refusal_in_a_later_tier_is_not_routed_around_either() -> None:
    world = World()
    world.models.script["first"] = [answer(confidence=0.1), refusal()]
    turn = escalated(world)

    assert ("waiting", ["first", "first"]) == (world.play(turn), world.models.names())
    assert "HandOffToHuman" == world.services.tiers.route(turn, 1)


def test_a_refusal_moves_on_where_the_agent_opts_in() -> None:
    world = World(paint(answer_after_refusal=True))
    world.models.script["first"] = [refusal()]

    assert "anthropic:second" == world.send().json["model"]


def test_an_answer_that_was_cut_off_is_asked_for_again() -> None:
    world = World()
    cut = ModelReply(answer().text[:20], (), Finish.LENGTH, Usage(100, 800))
    world.models.script["first"] = [cut, answer()]

    assert (200, ["first", "first"]) == (world.send().status, world.models.names())


def test_a_tier_whose_models_are_all_open_is_skipped_at_no_cost() -> None:
    world = World(env={"BREAKER_FAILURE_THRESHOLD": "1"})
    world.models.script = {"first": list(failing()), "second": list(failing())}
    turn = escalated(world)
    calls = len(world.models.calls)

    assert "skipped" == world.tier(turn, Tier.CORRECTED_RETRY)
    assert calls == len(world.models.calls)
    assert "completed" == world.play(turn)
    assert "alternative_path" == world.get(f"/v1/turns/{turn}").json["tier"]


def test_a_tier_is_run_once_however_often_its_task_is_tried() -> None:
    world = World()
    world.models.script = {name: [answer(confidence=0.1)] for name in ("first", "second", "third")}
    turn = escalated(world)
    outcomes = [world.tier(turn, Tier.CORRECTED_RETRY) for _ in range(3)]

    assert ["rejected", "skipped", "skipped"] == outcomes
    assert ["first", "first"] == world.models.names()


def test_a_task_tried_again_after_the_turn_was_answered_only_concludes() -> None:
    world = World()
    world.models.script["first"] = [answer(confidence=0.1), answer()]
    turn = escalated(world)
    outcomes = [world.tier(turn, Tier.CORRECTED_RETRY) for _ in range(2)]

    assert ["accepted", "accepted"] == outcomes
    assert ("Conclude", "completed") == (world.services.tiers.route(turn, 1), world.services.tiers.conclude(turn, 1))


def test_an_execution_cannot_conclude_a_turn_that_is_open() -> None:
    world = World()
    turn = world.awaiting()

    with pytest.raises(NotConcluded):
        world.services.tiers.conclude(turn, 1)


def test_the_whole_turns_cost_is_told_at_its_end() -> None:
    world = World()
    world.models.script["first"] = [answer(confidence=0.1), answer()]
    turn = escalated(world)
    world.play(turn)

    assert "0.000360" == world.get(f"/v1/turns/{turn}").json["cost_usd"]


def test_a_retry_of_a_call_is_paid_for_by_the_retry_budget() -> None:
    world = World()
    for _ in range(10):
        world.send()
    world.models.calls.clear()
    world.models.script["first"] = [DependencyError(Failure.SERVER_ERROR), answer()]

    assert ("openai:first", ["first", "first"]) == (world.send().json["model"], world.models.names())


def test_an_outage_is_met_with_a_tenth_more_calls_than_turns_at_most() -> None:
    """Models that are skipped earn nothing, and neither do later tiers."""
    world = World(env={"BREAKER_FAILURE_THRESHOLD": "1000", "turns.burst": 1000})
    world.models.script["first"] = list(failing(Failure.SERVER_ERROR))
    turns = 60
    for n in range(turns):
        world.models.script["second"] = [DependencyError(Failure.SERVER_ERROR), answer()] if n % 3 == 0 else [answer()]
        world.send()
    retries = sum(a == b for a, b in pairwise(world.models.names()))

    assert 0 < retries <= turns / 10


# --- cached answers ---------------------------------------------------------------------------------------------------


def test_when_no_model_can_be_reached_the_customer_gets_their_own_last_answer() -> None:
    world = World(paint(cache_seconds=600))
    world.send("Which?")
    world.fail_all()
    again = world.send("Which?")
    other = world.send("Which?", who={**_claims("carl")})

    assert (200, True, "It is red.") == (again.status, again.json["degraded"], again.json["reply"])
    assert 202 == other.status


def test_a_refusal_is_never_followed_by_a_cached_answer() -> None:
    """The agent lets other models answer after a refusal, and none of them can be reached."""
    world = World(paint(cache_seconds=600, answer_after_refusal=True))
    world.send("Which?")
    world.models.script = {"first": [refusal()], "second": list(failing()), "third": list(failing())}
    sent = world.send("Which?")

    assert 202 == sent.status
    assert "waiting" == world.play(sent.json["turn_id"])


def test_rules_that_were_written_anew_make_another_version() -> None:
    def lenient(output: Colour | None, context: AnswerContext) -> None: ...

    def strict(output: Colour | None, context: AnswerContext) -> None:
        if output and output.colour == "red":
            raise ValueError("not red")

    agents = [paint(), paint(accept_at=0.99), paint(check=lenient), paint(check=strict), paint(score=lambda o, c: 0.9)]

    assert len(agents) == len({agent.version for agent in agents})
    assert paint(check=strict).version == paint(check=strict).version


def _claims(name: str) -> dict[str, str]:
    return {"sub": name, "username": name, "cognito:groups": "tenant.tenant-a", "token_use": "access"}


def test_a_cached_answer_is_for_the_same_question_only_and_not_for_ever() -> None:
    world = World(paint(cache_seconds=600))
    world.send("Which?")
    world.fail_all()
    other = world.send("Why?")
    world.later(601)

    assert [202, 202] == [other.status, world.send("Which?").status]


def test_an_agent_that_allows_no_cached_answer_gives_none() -> None:
    world = World()
    world.send("Which?")
    world.fail_all()

    assert 202 == world.send("Which?").status


@pytest.mark.parametrize("reply", [refusal(), answer(confidence=0.1), prose()])
def test_an_answer_that_was_refused_or_rejected_is_never_replaced_by_a_cached_one(reply: ModelReply) -> None:
    world = World(paint(cache_seconds=600))
    world.send("Which?")
    world.models.script = {name: [reply] for name in ("first", "second", "third")}

    assert (202, "waiting") == ((sent := world.send("Which?")).status, world.play(sent.json["turn_id"]))


def test_a_cached_answer_is_valid_json_of_the_agents_schema() -> None:
    world = World(paint(cache_seconds=600))
    first = world.send("Which?").json
    world.fail_all()
    again = world.send("Which?").json

    assert json.dumps(first["output"]) == json.dumps(again["output"])
    assert (first["model"], "0.000000") == (again["model"], again["cost_usd"])
