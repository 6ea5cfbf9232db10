"""What tools return: large results, and refusals that come after a call whose outcome is not known."""

import json
from typing import Any

import pytest
from turnkeeper import Agent, PersonNeeded, ToolContext, ToolError, tool
from turnkeeper.domain.failures import Failure
from turnkeeper.errors import DependencyError

from tests.support.world import World, answer, operator, paint, tool_call


def agent(function: Any, **options: Any) -> Agent[Any]:
    return paint(tools=[tool(**options)(function)])


def heard(world: World) -> Any:
    """What the model heard of its tool call."""
    return json.loads(world.models.calls[1][1].messages[-1].text)


def huge(context: ToolContext) -> str:
    """Return more than anybody wants."""
    return "x" * 500_000


def test_a_result_that_is_too_large_is_an_error_for_the_model() -> None:
    world = World(agent(huge))
    world.models.script["first"] = [tool_call("huge"), answer()]

    assert 200 == world.send().status
    assert {"error": "the result is too large: ask for less"} == heard(world)


def test_an_effect_whose_result_is_too_large_is_done_and_its_result_cut() -> None:
    world = World(agent(huge, side_effect=True))
    world.models.script["first"] = [tool_call("huge"), answer()]

    assert 200 == world.send().status
    assert heard(world)["done"] is True
    assert 50_000 == len(heard(world)["result_begins"])


@pytest.mark.parametrize("refusal", [ToolError("taken"), PersonNeeded("too much")])
def test_a_refusal_after_a_call_that_may_have_happened_goes_to_a_person(refusal: Exception) -> None:
    plan = [DependencyError(Failure.TIMEOUT), refusal]

    def book(context: ToolContext, slot: str) -> None:
        """Book."""
        raise plan.pop(0)

    world = World(agent(book, side_effect=True, honours_keys=True))
    world.models.script["first"] = [tool_call("book", slot="nine"), answer()]
    sent = world.send()
    world.play(sent.json["turn_id"])
    effects = world.get(f"/v1/escalations/{sent.json['turn_id']}", operator()).json["effects"]

    assert (202, "outcome_unknown", ["started"]) == (sent.status, sent.json["reason"], [e["state"] for e in effects])


def test_what_a_tool_returns_that_is_no_json_is_a_fault_of_the_tool() -> None:
    def look(context: ToolContext) -> Any:
        """Look."""
        return object()

    world = World(agent(look))
    world.models.script["first"] = [tool_call("look"), answer()]
    sent = world.send()

    assert (202, "tool_unavailable") == (sent.status, sent.json["reason"])
