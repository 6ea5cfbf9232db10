"""What a model says is made safe once: whatever follows it is valid for every provider."""

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from turnkeeper.domain.chat import Finish, Message, ModelReply, Native, ToolCall
from turnkeeper.domain.door import admitted, only_own

ANTHROPIC = re.compile(r"[a-zA-Z0-9_-]+")
NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")
MISTRAL = re.compile(r"[a-zA-Z0-9]{9}")


def said(*calls: ToolCall, text: str = "", native: Any = None) -> ModelReply:
    return ModelReply(text, calls, Finish.TOOL_CALLS, None, native=native)


def let_in(*calls: ToolCall, before: tuple[Message, ...] = ()) -> tuple[ToolCall, ...]:
    return admitted(said(*calls), "groq:x", before).tool_calls


@given(st.lists(st.builds(ToolCall, st.text(max_size=80), st.text(max_size=80), st.text(max_size=40)), max_size=5))
def test_every_call_has_an_id_a_name_and_arguments_that_every_provider_takes(calls: list[ToolCall]) -> None:
    found = let_in(*calls)

    assert len({call.id for call in found}) == len(calls)
    for call in found:
        assert MISTRAL.fullmatch(call.id)
        assert NAME.fullmatch(call.name)
        assert isinstance(json.loads(call.arguments), dict)
        assert not call.native_id or (ANTHROPIC.fullmatch(call.native_id) and len(call.native_id) <= 64)
    natives = [call.native_id for call in found if call.native_id]
    assert len(set(natives)) == len(natives)


def test_ids_go_on_from_those_of_earlier_answers() -> None:
    first = let_in(ToolCall("a", "find", "{}"), ToolCall("b", "find", "{}"))
    later = let_in(ToolCall("a", "find", "{}"), before=(Message("assistant", "", first),))

    assert ["call00001", "call00002", "call00003"] == [call.id for call in (*first, *later)]
    assert ["a", "b", ""] == [call.native_id for call in (*first, *later)]


@pytest.mark.parametrize("name", ["functions.find now", "find()", "", "fi nd", "x" * 65, "fïnd", "find\n"])
def test_a_name_that_no_provider_takes_back_is_no_tools_even_if_it_looks_like_one(name: str) -> None:
    (call,) = let_in(ToolCall("1", name, '{"city": "Bern"}'))

    assert NAME.fullmatch(call.name)
    assert f"there is no tool {name[:64]!r}" == call.problem


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ("[1]", "not a JSON object"),
        ('"x"', "not a JSON object"),
        ("null", "not a JSON object"),
        ("3", "not a JSON object"),
        ("{", "not valid JSON"),
        ("city=Bern", "not valid JSON"),
        ('{"x": NaN}', "NaN is not a number in JSON"),
        ('{"x": [{"y": -Infinity}]}', "-Infinity is not a number in JSON"),
        ('{"x": [{"y": 1e999}]}', "a number that is too large"),
        ("[" * 100_000, "not valid JSON"),
        ('{"x": ' * 70 + "1" + "}" * 70, "nested too deeply"),
        ('{"x": ["\\ud800"]}', "half a character"),
        ('{"\\udc00": 1}', "half a character"),
    ],
)
def test_arguments_that_are_no_object_are_empty_and_the_call_is_not_made(arguments: str, problem: str) -> None:
    (call,) = let_in(ToolCall("1", "find", arguments))

    assert "{}" == call.arguments
    assert problem in call.problem


@pytest.mark.parametrize("arguments", ["", " \n"])
def test_a_call_without_arguments_is_one(arguments: str) -> None:
    (call,) = let_in(ToolCall("1", "find", arguments))

    assert ("{}", "") == (call.arguments, call.problem)


def test_right_arguments_stay_as_the_model_wrote_them() -> None:
    (call,) = let_in(ToolCall("toolu_01A", "find", '{"city":  "Zürich", "n": 1.0}'))

    assert ('{"city":  "Zürich", "n": 1.0}', "toolu_01A", "") == (call.arguments, call.native_id, call.problem)


@pytest.mark.parametrize("native", ["functions.find:0", "", "a b", "x" * 65, "é"])
def test_an_id_that_cannot_be_sent_back_is_not(native: str) -> None:
    assert "" == let_in(ToolCall(native, "find", "{}"))[0].native_id


def test_an_id_that_looks_like_ours_is_not_sent_back() -> None:
    first, second = let_in(ToolCall("call00002", "find", "{}"), ToolCall("call00002", "find", "{}"))

    assert ["call00001", "call00002"] == [first.id, second.id]
    assert ["", ""] == [first.native_id, second.native_id]


def test_a_model_without_tools_has_called_none() -> None:
    wrong = said(ToolCall("1", "find", "{}"), text="Hi.", native=Native([{"type": "tool_use"}]))
    reply = admitted(wrong, "anthropic:a", (), has_tools=False)

    assert ("Hi.", (), None) == (reply.text, reply.tool_calls, reply.native)


def test_what_cannot_be_written_is_not_kept_in_a_providers_own_form() -> None:
    half = Native([{"type": "text", "text": "Let me see \ud83d"}])

    assert admitted(said(text="Hi.", native=half), "anthropic:a", ()).native is None


@pytest.mark.parametrize("blank", ["", "\n", " \t", "\u200b", "\x00", "\u2060\ufeff", "\u3164"])
def test_text_of_which_nothing_can_be_seen_is_empty(blank: str) -> None:
    assert "" == admitted(said(ToolCall("1", "find", "{}"), text=blank), "groq:x", ()).text


def test_what_a_model_thought_is_only_sent_to_itself() -> None:
    reply = admitted(said(text="Hi.", native=Native([{"type": "thinking"}])), "anthropic:a", ())
    message = Message("assistant", reply.text, native=reply.native)

    assert (message,) == only_own([message], "anthropic:a")
    for other in ("anthropic:b", "bedrock:a"):
        assert [None] == [m.native for m in only_own([message], other)]


@pytest.mark.parametrize("native", ["call00001", "call00002", "call99999"])
def test_a_models_own_id_that_looks_like_ours_is_not_sent_back(native: str) -> None:
    first = let_in(ToolCall("functions.find:0", "find", "{}"))
    later = let_in(
        ToolCall(native, "find", "{}"), ToolCall("x y", "find", "{}"), before=(Message("assistant", "", first),)
    )

    sent = [call.native_id or call.id for call in (*first, *later)]
    assert len(sent) == len(set(sent))
