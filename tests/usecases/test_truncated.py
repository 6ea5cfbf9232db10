"""An answer that was cut off: asked again once with a larger limit, money allowing."""

from typing import Any

import pytest
from turnkeeper import Alternative, Model
from turnkeeper.domain.chat import Finish, ModelReply, Usage

from tests.support.world import Scripted, World, answer, paint, prose

THINKING = {"effort": "low"}
PRICES = {
    name: {"input": "1", "output": "4"}
    for name in ("openai:gpt-6-luna", "anthropic:claude-haiku-5-5", "openai:gpt-6-sol", "openai:first")
}


def cut(text: str = "", *, tokens: int = 20) -> ModelReply:
    return ModelReply(text, (), Finish.LENGTH, Usage(100, tokens))


def thinker(**changes: Any) -> Any:
    chain = [Model("openai:gpt-6-luna", effort="low"), Model("anthropic:claude-haiku-5-5", effort="low")]
    other = Alternative("Simply.", [Model("openai:gpt-6-sol", effort="low")])
    return paint(**{"chain": chain, "alternative": other, **changes})


def world(**changes: Any) -> World:
    return World(thinker(**changes), prices=PRICES)


def limits(seen: World) -> list[tuple[str, int]]:
    return [(name, request.max_output_tokens) for name, request in seen.models.calls]


def test_thinking_has_room_beside_the_answer() -> None:
    seen = world()
    seen.models.script["gpt-6-luna"] = [answer()]
    seen.send()

    assert [("gpt-6-luna", 800 + 2_048)] == limits(seen)


@pytest.mark.parametrize("text", ["", '{"reply": "It is r'])
def test_it_is_asked_the_same_again_with_a_larger_limit(text: str) -> None:
    seen = world()
    seen.models.script["gpt-6-luna"] = [cut(text), answer()]
    sent = seen.send()

    assert (200, [("gpt-6-luna", 2_848), ("gpt-6-luna", 4 * 2_848)]) == (sent.status, limits(seen))
    first, again = (request for _, request in seen.models.calls)
    assert first.messages == again.messages


def test_that_is_the_one_re_ask_and_the_reason_is_truncated() -> None:
    seen = world()
    seen.models.script = {"gpt-6-luna": [cut()], "gpt-6-sol": [cut()]}
    turn = seen.send().json["turn_id"]

    assert "waiting" == seen.play(turn)
    assert ["gpt-6-luna", "gpt-6-luna", "gpt-6-sol", "gpt-6-sol"] == seen.models.names()
    assert "truncated" == seen.get(f"/v1/turns/{turn}").json["reason"]


@pytest.mark.parametrize("script", [[cut(), prose()], [prose(), cut()]])
def test_an_invalid_and_a_truncated_answer_are_two(script: list[Scripted]) -> None:
    seen = world()
    seen.models.script["gpt-6-luna"] = script

    assert 202 == seen.send().status
    assert 2 == len(seen.models.calls)


def test_a_larger_limit_that_does_not_fit_the_money_is_not_asked_for_and_no_person_is_either() -> None:
    seen = world(task_limit_usd="0.03")
    seen.models.script = {"gpt-6-luna": [cut()], "gpt-6-sol": [answer()]}
    turn = seen.send().json["turn_id"]

    assert ["gpt-6-luna"] == seen.models.names()
    assert "completed" == seen.play(turn)
    assert {"alternative_path", "corrected_retry"} >= {seen.get(f"/v1/turns/{turn}").json["tier"]}


def test_a_limit_of_ones_own_bounds_thinking_and_answer() -> None:
    mine = Model("openai:gpt-6-luna", effort="high", max_output_tokens=3_000)
    seen = World(thinker(chain=[mine]), prices=PRICES)
    seen.models.script["gpt-6-luna"] = [answer()]
    seen.send()

    assert [("gpt-6-luna", 3_000)] == limits(seen)


def test_no_limit_is_larger_than_what_the_model_can_write() -> None:
    mine = Model("openai:gpt-6-luna", max_output_tokens=128_000)
    seen = World(thinker(chain=[mine], task_limit_usd="3"), prices=PRICES)
    seen.models.script["gpt-6-luna"] = [cut(), answer()]

    assert 202 == seen.send().status
    assert [("gpt-6-luna", 128_000)] == limits(seen)


def test_what_is_reserved_is_the_thinking_too() -> None:
    reserved = {}
    for effort in ("none", "low", "high"):
        seen = World(thinker(chain=[Model("openai:gpt-6-luna", effort=effort)]), prices=PRICES)
        seen.models.script["gpt-6-luna"] = [answer(usage=None)]
        seen.send()
        reserved[effort] = seen.spent().posted_micro_usd

    assert [4 * 2_048, 4 * 16_384] == [reserved["low"] - reserved["none"], reserved["high"] - reserved["none"]]


def test_a_full_context_window_is_not_asked_again() -> None:
    seen = world()
    seen.models.script["gpt-6-luna"] = [ModelReply("", (), Finish.CONTEXT_FULL, Usage(100, 20))]
    turn = seen.send().json["turn_id"]

    assert ["gpt-6-luna"] == seen.models.names()
    assert "truncated" == seen.get(f"/v1/turns/{turn}").json["reason"]
