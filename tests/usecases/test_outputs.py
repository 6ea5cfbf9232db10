"""Outputs from the model to the client and back: JSON whatever a model writes, and the same by every way it is read."""

import json
import math
from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, Field, PlainSerializer, computed_field, field_validator
from turnkeeper import ToolContext, tool
from turnkeeper.domain.chat import Finish, ModelReply, ToolCall, Usage
from turnkeeper.domain.failures import Failure
from turnkeeper.errors import DependencyError

from tests.support.world import World, answer, operator, paint, tool_call


class Line(BaseModel):
    """A part of it."""

    model_config = ConfigDict(extra="forbid")

    unit_price: float = Field(alias="unitPrice")
    amount: Decimal = Decimal(1)


class Invoice(BaseModel):
    """An output with an alias, a default and a computed field, also within."""

    model_config = ConfigDict(extra="forbid")

    lines: list[Line]
    paid_by: str = Field("card", alias="paidBy")

    @computed_field(alias="grandTotal")  # type: ignore[prop-decorator]  # as pydantic's documentation says
    @property
    def total(self) -> float:
        """All of it."""
        return sum(line.unit_price for line in self.lines)


WRITTEN = {"lines": [{"unitPrice": 1.5}, {"unitPrice": 2.0}], "paidBy": "cash"}
READ = {"lines": [{"unitPrice": 1.5, "amount": "1"}, {"unitPrice": 2.0, "amount": "1"}], "paidBy": "cash"}
SHOWN = READ | {"grandTotal": 3.5}


def said(output: str, reply: str = "Here it is.") -> ModelReply:
    """An answer whose output is this JSON text."""
    text = f'{{"reply": {json.dumps(reply)}, "confidence": 0.95, "output": {output}}}'
    return ModelReply(text, (), Finish.STOP, Usage(100, 20))


def strictly(text: str) -> Any:
    """Read JSON, and no NaN."""
    return json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))


def invoices(env: Mapping[str, Any] | None = None, **changes: Any) -> World:
    world = World(paint(output=Invoice, **changes), env=env)
    world.models.script = {name: [said(json.dumps(WRITTEN))] for name in ("first", "second", "third")}
    return world


def person(world: World, turn: str, version: int, **body: Any) -> Any:
    return world.post(f"/v1/escalations/{turn}/answer", {"version": version, "reply": "Blue.", **body}, operator())


def test_an_output_is_shown_by_the_names_that_the_model_wrote() -> None:
    assert SHOWN == invoices().send().json["output"]


def test_a_replay_shows_the_same() -> None:
    world = invoices()
    sent = world.send(key="once")

    assert sent.text == world.send(key="once").text
    assert SHOWN == world.get(f"/v1/turns/{sent.json['turn_id']}").json["output"]


def test_a_cached_answer_is_the_same() -> None:
    world = invoices(cache_seconds=600)
    world.send("How much?")
    world.models.script = {name: [DependencyError(Failure.SERVER_ERROR)] for name in ("first", "second", "third")}
    cached = world.send("How much?").json

    assert (True, SHOWN) == (cached["degraded"], cached["output"])


def test_a_draft_for_a_person_can_be_sent_as_it_is() -> None:
    world = invoices(score=lambda *_: 0.1)
    turn = world.send().json["turn_id"]
    world.play(turn)
    seen = world.get(f"/v1/escalations/{turn}", operator()).json
    draft = json.loads(seen["attempts"][0]["draft"])["output"]
    given = person(world, turn, world.claim(turn), output=draft)

    assert READ == draft
    assert (200, SHOWN) == (given.status, given.json["output"])


def test_a_late_answer_of_a_person_is_kept_so_that_it_can_be_sent_again() -> None:
    world = invoices(env={"ANSWER_BY_SECONDS": "3600", "CLAIM_SECONDS": "9000"})
    turn = world.awaiting()
    version = world.claim(turn)
    world.later(3601)

    assert 410 == person(world, turn, version, output=WRITTEN).status
    assert READ == world.get(f"/v1/escalations/{turn}", operator()).json["draft"]["output"]


NUMBERS = ["NaN", "Infinity", "-Infinity", "1e999", '"NaN"']


@pytest.mark.parametrize("number", NUMBERS)
def test_a_number_that_is_not_finite_is_asked_for_again(number: str) -> None:
    world = invoices()
    world.models.script["first"] = [said(f'{{"lines": [{{"unitPrice": {number}}}]}}'), said(json.dumps(WRITTEN))]
    sent = world.send()

    assert (200, SHOWN) == (sent.status, strictly(sent.text)["output"])
    assert "output.lines.0.unitPrice: Input should be a" in world.models.calls[1][1].messages[-1].text


def test_a_computed_field_that_is_not_finite_is_invalid_output() -> None:
    world = invoices()
    world.models.script["first"] = [said('{"lines": [{"unitPrice": 1e308}, {"unitPrice": 1e308}]}')]
    sent = world.send()

    assert (202, "invalid_output") == (sent.status, sent.json["reason"])


class Ratio(BaseModel):
    """What is computed of it, and how that is written, may fail."""

    whole: float
    part: float

    @field_validator("part")
    @classmethod
    def _known(cls, part: float) -> float:
        return {100.0: part, 1.0: part}[part]

    @computed_field  # type: ignore[prop-decorator]  # as pydantic's documentation says
    @property
    def huge(self) -> Annotated[float, PlainSerializer(lambda huge: huge * 1e308, return_type=float)]:
        """Too much of it."""
        return self.part

    @computed_field  # type: ignore[prop-decorator]  # as pydantic's documentation says
    @property
    def ratio(self) -> float:
        """One of it."""
        return 1 / self.whole


def test_a_serializer_that_writes_no_number_is_invalid_output() -> None:
    world = World(paint(output=Ratio))
    world.models.script["first"] = [said('{"whole": 1, "part": 100}')]
    sent = world.send()

    assert (202, "invalid_output") == (sent.status, sent.json["reason"])


def test_a_computed_field_that_raises_is_a_fault_of_the_agent() -> None:
    world = World(paint(output=Ratio))
    world.models.script["first"] = [said('{"whole": 0, "part": 1}')]
    sent = world.send()

    assert (202, "agent_fault") == (sent.status, sent.json["reason"])


@pytest.mark.parametrize(
    ("output", "error"), [({"whole": 0, "part": 1}, "ZeroDivisionError"), ({"whole": 1, "part": 2}, "KeyError")]
)
def test_a_persons_output_on_which_the_agents_code_raises_is_refused(output: dict[str, int], error: str) -> None:
    world = World(paint(output=Ratio))
    turn = world.awaiting()
    version = world.claim(turn)
    refused = person(world, turn, version, output=output)

    assert (400, "invalid-output") == (refused.status, refused.code)
    assert f"output: the agent's own code raised {error} on it" in refused.text
    assert 200 == person(world, turn, version).status


@pytest.mark.parametrize("number", NUMBERS)
def test_a_persons_number_that_is_not_finite_is_refused(number: str) -> None:
    world = invoices()
    turn = world.awaiting()
    body = f'{{"version": {world.claim(turn)}, "reply": "Blue.", "output": {{"lines": [{{"unitPrice": {number}}}]}}}}'
    refused = world.request("POST", f"/v1/escalations/{turn}/answer", body=body, who=operator())

    assert 400 == refused.status
    assert refused.code == ("invalid-request" if number in {"NaN", "Infinity", "-Infinity"} else "invalid-output")
    assert "awaiting_human" == world.get(f"/v1/turns/{turn}").json["status"]


def measure(context: ToolContext, share: float, others: list[float] = []) -> Any:  # noqa: B006 - never changed
    """Measure."""
    return {"share": share, "ratios": [math.nan, math.inf, 1.5], "deep": {"x": (-math.inf,)}, "line": Invoice(lines=[])}


@pytest.mark.parametrize("side_effect", [True, False])
@pytest.mark.parametrize("arguments", ['{"share": %s}', '{"share": 1, "others": [0, %s]}'])
@pytest.mark.parametrize("number", NUMBERS)
def test_arguments_that_are_not_finite_are_an_error_for_the_model(
    number: str, arguments: str, side_effect: bool
) -> None:
    world = World(paint(tools=[tool(side_effect=side_effect)(measure)]))
    call = ToolCall("call_1", "measure", arguments.replace("%s", number))
    world.models.script["first"] = [ModelReply("", (call,), Finish.TOOL_CALLS, Usage(100, 10)), answer()]

    assert 200 == world.send().status
    assert ["error"] == list(strictly(world.models.calls[1][1].messages[-1].text))


@pytest.mark.parametrize("side_effect", [True, False])
def test_a_result_that_is_not_finite_is_null_and_what_was_done_stays_known(side_effect: bool) -> None:
    world = World(paint(tools=[tool(side_effect=side_effect)(measure)], accept_at=0.9, score=lambda *_: 0.1))
    world.models.script["first"] = [tool_call("measure", share=1), answer()]
    turn = world.send().json["turn_id"]
    world.play(turn)
    told = strictly(world.models.calls[1][1].messages[-1].text)
    seen = world.get(f"/v1/escalations/{turn}", operator())
    strictly(seen.text)

    assert ([None, None, 1.5], {"x": [None]}) == (told["ratios"], told["deep"])
    if side_effect:
        (effect,) = seen.json["effects"]
        assert "done" == effect["state"]
        assert told == strictly(effect["result"])


def test_a_null_for_an_argument_with_a_default_is_the_default() -> None:
    heard = []

    def look(context: ToolContext, city: str, limit: int = 10, near: str | None = None) -> None:
        """Look."""
        heard.append((city, limit, near))

    world = World(paint(tools=[tool(look)]))
    world.models.script["first"] = [tool_call("look", city="Bern", limit=None, near=None), answer()]
    world.send()

    assert [("Bern", 10, None)] == heard


BLANK = [" ", "\n", "\u200b", "\x00", "\u3164", "\u2800", "\ufe0f", "\u00ad\u2060\ufeff", "\U000e0020"]


@pytest.mark.parametrize("blank", BLANK)
def test_a_blank_reply_of_a_model_is_asked_for_again(blank: str) -> None:
    world = invoices()
    world.models.script["first"] = [said(json.dumps(WRITTEN), reply=blank), said(json.dumps(WRITTEN))]
    sent = world.send()

    assert (200, "Here it is.") == (sent.status, sent.json["reply"])
    assert "- reply: Value error, must not be blank" in world.models.calls[1][1].messages[-1].text


@pytest.mark.parametrize("blank", BLANK)
def test_a_blank_message_or_reply_of_a_person_is_refused(blank: str) -> None:
    world = World()
    turn = world.awaiting()
    asked = len(world.models.calls)
    message = world.send(blank)
    reply = person(world, turn, world.claim(turn), reply=blank)

    assert (400, 400) == (message.status, reply.status)
    assert "must not be blank" in message.text
    assert "must not be blank" in reply.text
    assert asked == len(world.models.calls)


VALUES = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=4,
)


@settings(max_examples=60, deadline=None)
@given(price=VALUES, amount=VALUES, result=VALUES, argument=VALUES)
def test_whatever_models_and_tools_say_what_we_answer_is_json(
    price: Any, amount: Any, result: Any, argument: Any
) -> None:
    def look(context: ToolContext, share: float = 1, facts: Any = None) -> Any:
        """Look."""
        return result

    world = World(paint(output=Invoice, tools=[tool(side_effect=True)(look)]))
    output = json.dumps({"lines": [{"unitPrice": price, "amount": amount}]})
    calls = [tool_call("look", share=argument), tool_call("look", facts=argument)]
    world.models.script = {"first": [calls[0], said(output)], "second": [calls[1], said(output)]}
    turn = world.send()
    strictly(turn.text)
    if turn.status == 202:
        world.play(turn.json["turn_id"])
        strictly(world.get(f"/v1/escalations/{turn.json['turn_id']}", operator()).text)
    for message in [m for _, request in world.models.calls for m in request.messages if m.role == "tool"]:
        strictly(message.text)
