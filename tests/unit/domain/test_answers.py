import json
from typing import Any

import pytest
from turnkeeper.domain.answers import CORRECTION, MAX_ERRORS, Answer, correction, read_answer

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


def test_a_correction_lists_what_was_wrong() -> None:
    asked = correction(["output.colour: no", "confidence: no"])

    assert asked.startswith(CORRECTION)
    assert "- output.colour: no\n- confidence: no\n" in asked
