"""A tool's signature is its schema, for the model, for mypy and for an editor."""

import datetime as dt
from enum import StrEnum
from typing import Annotated, Any, assert_type

import pytest
from pydantic import BaseModel, Field, ValidationError
from turnkeeper import Agent, Alternative, Model, Tool, ToolContext, tool


class Size(StrEnum):
    SMALL = "small"
    LARGE = "large"


class Room(BaseModel):
    """A room."""

    number: int
    free_on: dt.date


@tool
def find_room(context: ToolContext, size: Size, floor: Annotated[int, Field(ge=0, le=9)] = 0) -> Room:
    """Find a room.

    The floor is 0 to 9.
    """
    return Room(number=floor * 100 + len(size), free_on=context.now.date())


CONTEXT = ToolContext("shop", "carla", "turn_1", "key", http=None, now=dt.datetime(2026, 12, 4, tzinfo=dt.UTC))  # type: ignore[arg-type]


def test_the_signature_is_the_schema() -> None:
    schema = find_room.schema

    assert ("find_room", "Find a room.\n\nThe floor is 0 to 9.") == (find_room.name, find_room.description)
    assert {"size", "floor"} == set(schema["properties"])
    assert ["size"] == schema["required"]
    assert {"default": 0, "maximum": 9, "minimum": 0, "title": "Floor", "type": "integer"} == schema["properties"][
        "floor"
    ]
    assert schema["additionalProperties"] is False


@pytest.mark.parametrize("wrong", [{}, {"size": "huge"}, {"size": "small", "floor": 10}, {"size": "small", "who": "x"}])
def test_arguments_that_do_not_fit_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        find_room.arguments.model_validate(wrong)


def test_a_tool_is_given_typed_arguments_and_returns_json() -> None:
    arguments = find_room.arguments.model_validate_json('{"size": "large", "floor": 3}')

    assert {"number": 305, "free_on": "2026-12-04"} == find_room.run(CONTEXT, arguments)


def test_called_as_a_function_it_is_the_function_with_its_types() -> None:
    room = find_room(CONTEXT, Size.SMALL, floor=1)

    assert_type(room, Room)
    assert Room(number=105, free_on=dt.date(2026, 12, 4)) == room


def test_the_output_type_of_an_agent_is_known() -> None:
    agent = Agent(
        name="rooms",
        instructions="Find a room.",
        output=Room,
        chain=[Model("openai:first")],
        alternative=Alternative("Find one.", [Model("openai:second")]),
        tools=[find_room],
    )

    assert_type(agent, Agent[Room])
    assert isinstance(agent.tool("find_room"), Tool)
    assert agent.tool("lose_room") is None
