"""What a turn becomes when a model answers in each of the odd ways in which providers do, on every wire."""

import json
from typing import Any

import pytest
from turnkeeper.domain.breaker import State

from tests.local.chains.chain import PRICE, Deployment, Double, Json, Script, desk
from tests.local.chains.conftest import Deploy
from tests.local.chains.lineup import MODELS, check, model

ONE_CALL = Script([[("find", {"query": "maps"})]])
SECOND = "anthropic:claude-opus-5-5"
FIRSTS = [name for name in MODELS if name != SECOND]
OTHERS = {
    "openai:gpt-6-luna": "gpt-6.1-sol",
    "openrouter:openai/gpt-6-sol": "gpt-6.1-sol",
    "anthropic:claude-haiku-5-5": "claude-sonnet-5-5",
}
"""Models in whose place the double lets another answer, which the answer names."""


def turn_in(double: Double, deploy: Deploy, first: str, mode: str, **more: Any) -> tuple[Deployment, Json]:
    """Have a turn whose first model plays a mode once it was asked."""
    double.reset(ONE_CALL)
    world = deploy(desk(model(first), model(SECOND)))
    double.plays({"model": model(first).name, "mode": mode, **more})
    return world, world.says("Where are your maps?")


def asked(double: Double) -> list[str]:
    return [exchange.model for exchange in double.exchanges]


def told(world: Deployment) -> list[Json]:
    return [json.loads(message.data) for topic, message in world.topics.published if topic == "owner"]


def limit_of(body: Json) -> int:
    """The limit of an answer."""
    names = ("max_output_tokens", "max_completion_tokens", "max_tokens")
    found = next((body[name] for name in names if name in body), None)
    limit: int = body["inferenceConfig"]["maxTokens"] if found is None else found
    return limit


@pytest.mark.parametrize("first", FIRSTS)
def test_truncated_is_asked_again_with_more_room(first: str, double: Double, deploy: Deploy) -> None:
    _, turn = turn_in(double, deploy, first, "truncated", times=1)

    check(double)
    assert ("completed", "first_attempt", first) == (turn["status"], turn["tier"], turn["model"])
    cut, again, _ = double.exchanges
    known = model(first).known
    assert min(limit_of(cut.body) * 4, known.most_output_tokens if known else 10**9) == limit_of(again.body)


@pytest.mark.parametrize("first", FIRSTS)
def test_a_model_that_is_gone_is_left_alone(first: str, double: Double, deploy: Deploy) -> None:
    world, turn = turn_in(double, deploy, first, "model_gone")
    world.says("Where are your maps?")

    check(double)
    assert ("completed", SECOND) == (turn["status"], turn["model"])
    assert 1 == asked(double).count(model(first).name)
    assert [("model_gone", first)] == [(notice["type"], notice["model"]) for notice in told(world)]
    (breaker,) = world.services.stores.breakers.read([first])
    assert (State.OPEN, True) == (breaker.state, breaker.open_until > world.clock.now + 86_000)


@pytest.mark.parametrize("first", FIRSTS)
def test_an_error_in_a_200_is_that_error(first: str, double: Double, deploy: Deploy) -> None:
    world, turn = turn_in(double, deploy, first, "error_in_200", times=1)

    check(double)
    assert ("completed", SECOND) == (turn["status"], turn["model"])
    whole = world.services.stores.turns.whole(turn["turn_id"])
    assert whole is not None
    failed = [r for r in whole.reservations if r.model == first]
    assert [(0, "rate_limited")] == [(r.actual_micro_usd, r.error) for r in failed]


@pytest.mark.parametrize("first", FIRSTS)
def test_blank_is_asked_again(first: str, double: Double, deploy: Deploy) -> None:
    double.reset(ONE_CALL)
    world = deploy(desk(model(first), model(SECOND)))
    double.after[model(first).name] = (1, [{"mode": "blank", "times": 1}])

    turn = world.says("Where are your maps?")

    check(double)
    assert ("completed", first) == (turn["status"], turn["model"])
    assert 3 * [model(first).name] == asked(double)
    assert turn["reply"].strip()


@pytest.mark.parametrize("has_price", [True, False])
@pytest.mark.parametrize("first", OTHERS)
def test_another_model_is_warned_of_and_priced_as_itself(
    first: str, has_price: bool, double: Double, deploy: Deploy
) -> None:
    double.reset(ONE_CALL)
    other = f"{first.partition(':')[0]}:{OTHERS[first]}"
    prices = {first: PRICE, SECOND: PRICE} | ({other: {"input": "3", "output": "3"}} if has_price else {})
    world = deploy(desk(model(first), model(SECOND)), prices=prices)
    double.plays({"model": model(first).name, "mode": "other_model", "times": 1})

    turn = world.says("Where are your maps?")

    check(double)
    assert ("completed", first) == (turn["status"], turn["model"])
    ((warning, _),) = world.telemetry.warnings
    assert f"{OTHERS[first]} answered in the place of {model(first).name}" in warning
    whole = world.services.stores.turns.whole(turn["turn_id"])
    assert whole is not None
    (paid,) = (r for r in whole.reservations if r.tokens_in == double.calls()[0]["tokens_in"])
    as_itself = 3 * (paid.tokens_in + paid.tokens_out)
    assert (as_itself if has_price else paid.reserved_micro_usd) == paid.actual_micro_usd


@pytest.mark.parametrize("first", FIRSTS)
def test_what_a_filter_stops_goes_to_a_person(first: str, double: Double, deploy: Deploy) -> None:
    _, turn = turn_in(double, deploy, first, "filter", times=1)

    check(double)
    assert ("awaiting_human", [model(first).name]) == (turn["status"], asked(double))
