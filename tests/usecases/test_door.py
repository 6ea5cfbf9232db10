"""What a model says wrongly does not stop the chain: the model is told, and whoever is asked next can go on."""

import json
from typing import Any

import pytest
from turnkeeper import tool
from turnkeeper.agent import ToolContext
from turnkeeper.domain.breaker import State
from turnkeeper.domain.chat import Finish, ModelReply, ToolCall, Usage
from turnkeeper.domain.failures import Failure
from turnkeeper.errors import DependencyError

from tests.support.world import World, answer, paint


@tool
def find(context: ToolContext, city: str) -> dict[str, Any]:
    """Find a place."""
    return {"city": city}


def calling(*calls: ToolCall, text: str = "") -> ModelReply:
    return ModelReply(text, calls, Finish.TOOL_CALLS, Usage(100, 10))


WRONG = {
    "a name that no tool has": ToolCall("1", "functions.find now", '{"city": "Bern"}'),
    "no arguments that are an object": ToolCall("1", "find", "[1]"),
    "no JSON": ToolCall("1", "find", "city=Bern"),
    "no number": ToolCall("1", "find", '{"city": NaN}'),
    "no id": ToolCall("", "find", '{"city": "Bern"}'),
}


@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG)
def test_a_wrong_call_is_told_and_the_chain_goes_on(wrong: ToolCall) -> None:
    world = World(paint(tools=[find]))
    world.models.script["first"] = [calling(wrong), DependencyError(Failure.SERVER_ERROR)]
    world.models.script["second"] = [answer()]

    assert (200, "anthropic:second") == ((sent := world.send()).status, sent.json["model"])
    request = world.models.calls[-1][1]
    said, result = request.messages[-2:]
    assert [said.tool_calls[0].id] == [result.tool_call_id]
    assert isinstance(json.loads(said.tool_calls[0].arguments), dict)
    assert wrong.id == "" or "error" in json.loads(result.text)


def test_two_calls_with_one_id_have_a_result_each() -> None:
    world = World(paint(tools=[find]))
    twice = [ToolCall("same", "find", '{"city": "Bern"}'), ToolCall("same", "find", '{"city": "Genf"}')]
    world.models.script["first"] = [calling(*twice), answer()]
    world.send()

    said, *results = world.models.calls[-1][1].messages[-3:]
    assert [call.id for call in said.tool_calls] == [result.tool_call_id for result in results]
    assert ["Bern", "Genf"] == [json.loads(result.text)["city"] for result in results]
    assert 2 == len({call.id for call in said.tool_calls})


@pytest.mark.parametrize("blank", ["\n", "\u200b", "\x00"])
def test_a_blank_answer_is_invalid_output_and_asked_for_again(blank: str) -> None:
    world = World()
    world.models.script["first"] = [ModelReply(blank, (), Finish.STOP, Usage(100, 1)), answer()]

    assert 200 == world.send().status
    assert ["first", "first"] == world.models.names()
    assert "(nothing)" == world.models.calls[-1][1].messages[-2].text


def refused() -> DependencyError:
    return DependencyError(Failure.INVALID_OUTPUT, "400 json_validate_failed", sent=False)


def test_an_answer_that_the_provider_itself_found_invalid_is_asked_for_again_and_not_billed() -> None:
    world, usual = World(), World()
    usual.models.script["first"] = [answer()]
    usual.send()
    world.models.script["first"] = [refused(), answer()]

    assert (200, ["first", "first"]) == (world.send().status, world.models.names())
    assert usual.spent() == world.spent()
    assert [] == world.telemetry.warnings


def test_such_answers_end_the_attempt_as_invalid_output_and_open_no_breaker() -> None:
    world = World(env={"turns.burst": 1000})
    for _ in range(6):
        world.models.script["first"] = [refused(), refused()]
        sent = world.send()
        assert (202, "invalid_output") == (sent.status, sent.json["reason"])

    (breaker,) = world.restart().stores.breakers.read(["openai:first"])
    assert State.CLOSED is breaker.state


def test_blank_text_beside_a_call_is_left_out() -> None:
    world = World(paint(tools=[find]))
    world.models.script["first"] = [calling(ToolCall("1", "find", '{"city": "Bern"}'), text="\n"), answer()]
    world.send()

    assert "" == world.models.calls[-1][1].messages[-2].text
