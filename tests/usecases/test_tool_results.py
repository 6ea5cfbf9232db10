"""What tools return and agents' own code raises: none of it breaks a run."""

import json
from typing import Annotated, Any

import pytest
from pydantic import AfterValidator, BaseModel, field_validator
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


def half(context: ToolContext) -> dict[str, str]:
    """Return half a surrogate pair, as a service's JSON may."""
    return {"name": "a\ud800b"}


@pytest.mark.parametrize("side_effect", [True, False])
def test_half_a_character_is_replaced(side_effect: bool) -> None:
    world = World(agent(half, side_effect=side_effect))
    world.models.script["first"] = [tool_call("half"), answer()]

    assert 200 == world.send().status
    assert {"name": "a?b"} == heard(world)


@pytest.mark.parametrize("side_effect", [True, False])
def test_arguments_that_are_too_large_are_an_error_for_the_model(side_effect: bool) -> None:
    def note(context: ToolContext, text: str) -> None:
        """Note."""
        raise AssertionError

    world = World(agent(note, side_effect=side_effect))
    world.models.script["first"] = [tool_call("note", text="x" * 450_000), answer()]

    assert 200 == world.send().status
    assert {"error": "the arguments are too large: send less"} == heard(world)


@pytest.mark.parametrize("error", [ToolError("\ud800" * 450_000), PersonNeeded("\ud800" * 450_000)])
def test_what_a_tool_says_at_length_is_cut(error: Exception) -> None:
    def look(context: ToolContext) -> None:
        """Look."""
        raise error

    world = World(agent(look))
    world.models.script["first"] = [tool_call("look"), answer()]
    sent = world.send()

    if isinstance(error, ToolError):
        assert (200, 2_001) == (sent.status, len(heard(world)["error"]))
    else:
        assert (202, "person_needed") == (sent.status, sent.json["reason"])


def test_a_type_of_an_argument_that_raises_is_a_fault_of_the_tool() -> None:
    def broken(_: str) -> str:
        raise KeyError

    def look(context: ToolContext, at: Annotated[str, AfterValidator(broken)]) -> None:
        """Look."""

    world = World(agent(look))
    world.models.script["first"] = [tool_call("look", at="nine"), answer()]
    sent = world.send()

    assert (202, "tool_unavailable") == (sent.status, sent.json["reason"])


class Picky(BaseModel):
    """An output whose rule is broken."""

    colour: str

    @field_validator("colour")
    @classmethod
    def _known(cls, colour: str) -> str:
        return {"blue": "blue"}[colour]


def raises(*_: Any) -> Any:
    raise ZeroDivisionError("carla's secret")


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"check": raises}, "ZeroDivisionError"),
        ({"score": raises}, "ZeroDivisionError"),
        ({"score": lambda *_: None}, "TypeError"),
        ({"output": Picky}, "KeyError"),
    ],
)
def test_an_agents_own_code_that_raises_leaves_the_turn_to_the_next_tiers_and_then_to_a_person(
    changes: dict[str, Any], error: str
) -> None:
    world = World(paint(**changes))
    sent = world.send()
    turn = sent.json["turn_id"]

    assert (202, "agent_fault", "waiting") == (sent.status, sent.json["reason"], world.play(turn))
    attempts = world.get(f"/v1/escalations/{turn}", operator()).json["attempts"]
    assert [("agent_fault", [f"the agent's own code raised {error}"])] * 3 == [
        (a["reason"], a["errors"]) for a in attempts
    ]


def test_a_check_that_says_too_much_is_cut() -> None:
    def check(*_: Any) -> None:
        raise ValueError("no\ud800" * 150_000)

    world = World(paint(check=check))
    sent = world.send()

    assert (202, "invalid_output") == (sent.status, sent.json["reason"])
    assert len(world.models.calls[1][1].messages[-1].text) < 3_000
