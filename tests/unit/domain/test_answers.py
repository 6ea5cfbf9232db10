import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, Field
from turnkeeper.domain.answers import CORRECTION, MAX_ERRORS, Answer, correction, read_answer, shown, stored

from tests.contract.models.corpus import Aliased, Camel, Computed, ComputedWithin, Discriminated, OtherKinds, Size
from tests.support.world import Colour, paint

MODEL = paint().answer_model
OPTIONAL = paint(output_required=False).answer_model


def text(**changes: Any) -> str:
    return json.dumps({"reply": "It is red.", "confidence": 0.9, "output": {"colour": "red"}, **changes})


def test_a_valid_answer_is_read() -> None:
    assert Answer("It is red.", 0.9, Colour(colour="red")) == read_answer(text(), MODEL)


def test_an_answer_is_written_so_that_it_reads_back() -> None:
    answer = Answer("Es ist grün.", 0.9, Colour(colour="grün"))

    assert answer == read_answer(answer.to_json(), MODEL)
    assert {"colour": "grün"} == answer.output_json()


@pytest.mark.parametrize("confidence", [0, 1, 0.5])
def test_a_whole_number_is_a_confidence(confidence: float) -> None:
    assert isinstance(read_answer(text(confidence=confidence), MODEL), Answer)


@pytest.mark.parametrize(
    "sent",
    [
        "It is red.",
        "",
        "null",
        "[]",
        f"```json\n{text()}\n```",
        f"Here you are: {text()}",
        text() + text(),
        text()[:-1],
        text(reply=""),
        text(reply=None),
        text(reply=" "),
        text(reply="\n\t"),
        text(reply="\u200b"),
        text(reply="\u3164"),
        text(reply="\u2800"),
        text(reply="\x00"),
        text(reply="\ufe0f\u00ad\u2060"),
        text(confidence=1.1),
        text(confidence=-0.1),
        text(confidence="0.9"),
        text(confidence=float("nan")),
        text(confidence=float("inf")),
        text(confidence=None),
        text(output=None),
        text(output={}),
        text(output={"colour": 7}),
        text(output="red"),
        text(thoughts="hm"),
        json.dumps({"reply": "x", "output": {"colour": "red"}}),
    ],
)
def test_what_is_not_valid_is_listed_and_never_repaired(sent: str) -> None:
    errors = read_answer(sent, MODEL)

    assert isinstance(errors, list)
    assert 1 <= len(errors) <= MAX_ERRORS


def test_an_agent_may_have_no_output_yet() -> None:
    assert Answer("It is red.", 0.9, None) == read_answer(text(output=None), OPTIONAL)


def test_errors_say_where_and_not_what_was_sent() -> None:
    errors = read_answer(text(output={"colour": 4711}), MODEL)

    assert ["output.colour: Input should be a valid string"] == errors


def test_a_blank_reply_is_said_to_be_blank() -> None:
    assert ["reply: Value error, must not be blank"] == read_answer(text(reply="\u200b "), MODEL)


class Inner(BaseModel):
    share: float
    amount: Decimal = Decimal(1)


class Outer(BaseModel):
    inner: Inner
    many: list[Inner] = []
    maybe: Inner | None = None
    lax: float = Field(1, strict=False)


FIGURES = paint(output=Outer).answer_model


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999", "-1e999", '"NaN"', '"Infinity"'])
@pytest.mark.parametrize(
    "output",
    [
        {"inner": {"share": 4711}},
        {"inner": {"share": 1, "amount": 4711}},
        {"inner": {"share": 1}, "many": [{"share": 1}, {"share": 4711}]},
        {"inner": {"share": 1}, "maybe": {"share": 4711}},
        {"inner": {"share": 1}, "lax": 4711},
    ],
)
def test_a_number_that_is_not_finite_is_refused_at_every_depth(output: dict[str, Any], number: str) -> None:
    errors = read_answer(text(output=output).replace("4711", number), FIGURES)

    assert isinstance(errors, list)
    assert errors[0].startswith("output.")


@given(st.recursive(st.floats() | st.decimals() | st.integers(), lambda inner: st.lists(inner, max_size=2)))
def test_whatever_a_model_writes_an_accepted_answer_is_json(value: Any) -> None:
    written = json.dumps(value, default=str)
    sent = text(output={"inner": {"share": 4711, "amount": 4711}}).replace("4711", written)
    answer = read_answer(sent, FIGURES)

    if isinstance(answer, Answer):
        json.dumps(answer.output_json(), allow_nan=False)
        assert answer == read_answer(json.dumps(json.loads(answer.to_json()), allow_nan=False), FIGURES)


GIVEN: dict[str, tuple[type[BaseModel], dict[str, Any]]] = {
    "aliases": (Aliased, {"streetName": "Langstraße", "from": "Carla", "$size": "large"}),
    "generated aliases": (Camel, {"firstName": "Carla", "lastOrder": {"streetName": "x", "from": "y"}}),
    "a default": (Aliased, {"streetName": "Langstraße", "from": "Carla"}),
    "a discriminated union": (Discriminated, {"item": {"kind": "parcel", "grams": 3}}),
    "a computed field": (Computed, {"net": 1.0, "tax": 0.5}),
    "computed fields within": (ComputedWithin, {"lines": [{"net": 1.0, "tax": 0.5}]}),
    "other kinds": (OtherKinds, {"pairs": [{"key": "a", "value": 1.0}], "point": {"x": 1.0}, "path": [{"x": 2.0}]}),
}


@pytest.mark.parametrize(("model", "given"), GIVEN.values(), ids=GIVEN)
def test_an_output_is_kept_so_that_it_reads_back(model: type[BaseModel], given: dict[str, Any]) -> None:
    whole = paint(output=model).answer_model
    answer = read_answer(text(output=given), whole)

    assert isinstance(answer, Answer)
    assert answer == read_answer(answer.to_json(), whole)
    assert answer.output == model.model_validate_json(
        json.dumps(stored(answer.output or Colour(colour=""))), strict=True
    )
    assert given.keys() <= (answer.output_json() or {}).keys()


def test_an_output_is_shown_by_the_names_that_models_write() -> None:
    sent = Aliased(streetName="Langstraße", **{"from": "Carla"})

    assert {"streetName": "Langstraße", "from": "Carla", "$size": Size.SMALL} == shown(sent) == stored(sent)


def test_a_computed_field_is_shown_and_not_stored() -> None:
    lines = ComputedWithin(lines=[Computed(net=1, tax=0.5)])

    assert {"lines": [{"net": 1.0, "tax": 0.5, "grossTotal": 1.5}]} == shown(lines)
    assert {"lines": [{"net": 1.0, "tax": 0.5}]} == stored(lines)


def test_a_correction_lists_what_was_wrong() -> None:
    asked = correction(["output.colour: no", "confidence: no"])

    assert asked.startswith(CORRECTION)
    assert "- output.colour: no\n- confidence: no\n" in asked
