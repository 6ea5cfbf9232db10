"""A model that is gone: asked once, left alone for a day, its owner told once. And why a provider said no."""

import json
from typing import Any

import pytest
from turnkeeper.agent import Model
from turnkeeper.domain.breaker import State
from turnkeeper.domain.failures import Failure
from turnkeeper.errors import DependencyError, StoreUnavailable

from tests.support.world import World, answer, operator, paint

FIRST = "openai:first"
SAID = "The model `first` has been deprecated, see https://example.com/gone"
DAY_S = 86_400


def gone(said: str = SAID) -> DependencyError:
    return DependencyError(Failure.MODEL_GONE, "404 model_not_found", said=said)


@pytest.fixture
def world() -> World:
    """A deployment whose first model is gone."""
    world = World(env={"turns.burst": 1000})
    world.models.script["first"] = [gone()]
    return world


def told(world: World) -> list[dict[str, Any]]:
    return [json.loads(m.data) for topic, m in world.topics.published if topic == "owner"]


def warnings(world: World) -> list[str]:
    return [name for name, _, _ in world.telemetry.counts if name == "OwnerWarning"]


def test_it_is_asked_once_and_the_next_model_answers(world: World) -> None:
    answers = []
    for _ in range(8):
        world.restart()
        answers.append(world.send().json["model"])

    assert 8 * ["anthropic:second"] == answers
    assert 1 == world.models.names().count("first")
    assert 0 == world.spent().pending_micro_usd


def test_the_owner_is_told_once_by_name_with_what_the_provider_said(world: World) -> None:
    for _ in range(8):
        world.restart()
        world.send()
    (notice,) = told(world)
    ((_, message),) = [pair for pair in world.topics.published if pair[0] == "owner"]

    assert ("model_gone", FIRST, SAID) == (notice["type"], notice["model"], notice["said"])
    assert {"kind": "model_gone", "dedup_key": f"{FIRST}#1"} == dict(message.attributes)
    assert "[Turnkeeper] the model openai:first is gone" == message.subject
    assert "turnkeeper models" in message.text
    assert f"`turnkeeper models retry {FIRST}`" in message.text
    assert "has been deprecated" in message.text
    assert "https://" not in message.text
    assert 1 == len(warnings(world))


def test_fifty_environments_at_once_make_one_notice(world: World) -> None:
    made = [world.restart() for _ in range(50)]
    permits = [services.guard.enter(FIRST, 4) for services in made]
    opened = [
        services.guard.failed(permit, Failure.MODEL_GONE, None, SAID)
        for services, permit in zip(made, permits, strict=True)
    ]

    assert 1 == len([breaker for breaker in opened if breaker])


def test_after_a_day_it_is_asked_once_more_and_told_once_more(world: World) -> None:
    for _ in range(3):
        world.send()
        world.send()
        world.later(DAY_S * 1.2)
        world.restart()

    assert (3, 3) == (world.models.names().count("first"), len(told(world)))


def test_its_owner_lets_the_next_call_ask_it(world: World) -> None:
    world.send()
    world.models.script["first"] = [answer()]
    other = world.restart()
    world.send()
    other.stores.breakers.retry(FIRST)

    assert [FIRST, FIRST] == [world.send().json["model"], world.send().json["model"]]


def test_it_is_left_alone_again_if_it_is_still_gone(world: World) -> None:
    world.send()
    world.services.stores.breakers.retry(FIRST)
    for _ in range(3):
        world.send()

    assert (2, 2) == (world.models.names().count("first"), len(told(world)))


@pytest.mark.parametrize("probes", [True, False])
def test_a_notice_that_is_late_keeps_its_key_and_says_no_moment_that_has_passed(world: World, *, probes: bool) -> None:
    world.topics.dead = {"owner"}
    world.send()
    world.later(DAY_S * 1.2)
    made = world.restart()
    if probes:
        made.guard.refresh(FIRST)
        made.guard.enter(FIRST, 4)
    world.topics.dead = set()
    world.reconcile()
    world.later(600)
    world.reconcile()
    ((_, message),) = [pair for pair in world.topics.published if pair[0] == "owner"]
    (notice,) = told(world)

    assert (None, f"{FIRST}#1") == (notice["asked_again_at"], notice["dedup_key"])
    assert "asked again" not in message.text


def test_once_it_is_there_again_it_answers(world: World) -> None:
    world.send()
    world.models.script["first"] = [answer()]
    world.later(DAY_S * 1.2)
    world.restart()

    assert [FIRST, FIRST] == [world.send().json["model"], world.send().json["model"]]


def test_a_notice_that_was_not_published_is_published_by_the_reconciler(world: World) -> None:
    world.topics.dead = {"owner"}
    world.send()
    world.topics.dead = set()
    before = told(world)
    world.later(600)
    world.restart()
    world.reconcile()
    world.reconcile()
    world.later(600)
    world.reconcile()

    assert ([], [FIRST]) == (before, [notice["model"] for notice in told(world)])


def test_a_death_between_the_transition_and_the_notice_loses_no_notice(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def dies(*_: object) -> None:
        raise StoreUnavailable("dead")

    monkeypatch.setattr(world.services.endings, "_commit", dies)
    world.send()
    before = told(world)
    monkeypatch.undo()
    world.later(600)
    world.restart()
    world.reconcile()
    world.reconcile()

    assert ([], [FIRST]) == (before, [notice["model"] for notice in told(world)])


def test_health_says_by_what_it_opened_and_not_what_the_provider_said(world: World) -> None:
    world.send()
    seen = world.get("/v1/health", operator()).json["breakers"]

    assert {FIRST: "model_gone"} == {b["dependency"]: b["why"] for b in seen if b["state"] != "closed"}
    assert {None} == {b["why"] for b in seen if b["state"] == "closed"}


def test_a_chain_of_models_that_are_gone_goes_to_a_person_and_costs_nothing() -> None:
    world = World(paint(chain=[Model(FIRST, 4_000)], alternative=paint().alternative))
    world.models.script = {"first": [gone()], "third": [gone()]}
    sent = world.send()
    (breaker,) = world.restart().stores.breakers.read([FIRST])

    assert (202, State.OPEN) == (sent.status, breaker.state)
    assert "0.000000" == sent.json["cost_usd"]


# --- why a provider said no -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("failure", [Failure.BAD_KEY, Failure.NO_CREDIT, Failure.BAD_REQUEST])
def test_the_warning_has_the_failure_and_its_code_and_not_the_providers_sentence(failure: Failure) -> None:
    world = World()
    world.models.script["first"] = [DependencyError(failure, "400", said="Do this, then that.")]
    world.send()

    (warning,) = [text for text, _ in world.telemetry.warnings]
    assert f"openai:first: {failure.value}: 400" == warning


def test_the_sentence_is_kept_with_the_attempt_and_the_reservation_and_shown_to_operators_only() -> None:
    world = World(paint(chain=[Model(FIRST, 4_000)]))
    world.models.script["first"] = [DependencyError(Failure.RATE_LIMITED, "429", said="Slow down.")]
    sent = world.send()
    whole = world.services.stores.turns.whole(sent.json["turn_id"])
    assert whole

    assert {"Slow down."} == {r.why for r in whole.reservations}
    assert {"Slow down."} == {call.why for attempt in whole.attempts for call in attempt.calls}
    assert "Slow down." not in json.dumps(sent.json)
    assert "Slow down." not in str(world.telemetry.actions) + str(world.telemetry.counts)
    assert "Slow down." not in str(world.telemetry.warnings)


@pytest.mark.parametrize("charged", [False, True])
def test_an_error_that_came_with_work_is_posted_in_full_whatever_it_is(charged: bool) -> None:
    world = World(paint(chain=[Model(FIRST, 4_000)]))
    error = DependencyError(Failure.RATE_LIMITED, "an error inside a 2xx")
    error.charged = charged
    world.models.script["first"] = [error]
    world.send()

    assert charged is (world.spent().posted_micro_usd > 0)
    assert 0 == world.spent().pending_micro_usd
