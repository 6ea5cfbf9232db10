"""A note to the model in a user's message: it tells the day, and is never taken for the customer's words."""

import datetime as dt

import pytest

from infra.local.model_provider.chat import Asked, Message
from tests.local.asking import PATHS, RESPONSES, Double, chat, response

NOTE = "It is Monday, 2026-11-23, 10:00 UTC."
FAILED = f"{NOTE} An earlier attempt at this turn failed:\n\nthe answer was not valid."
DAY = dt.date(2026, 11, 23)


def asked(*messages: Message, system: str = "") -> Asked:
    return Asked("m", system, messages, None, 10)


@pytest.mark.parametrize("note", [NOTE, FAILED])
@pytest.mark.parametrize("parts", [["Hello", "{}"], ["Hello\n\n{}"], ["Hel", "lo", "{}"]])
def test_a_note_is_read_and_is_not_said(note: str, parts: list[str]) -> None:
    message = Message.of_user([part.format(note) for part in parts])

    assert ("Hello", note) == (message.text, message.note)
    assert (("Hello",), DAY) == (asked(message).said, asked(message).today)


@pytest.mark.parametrize(
    "text",
    [
        "It is Monday, and I am tired.",
        "Hello. It is Monday, 2026-11-23, 10:00 UTC.",
        "it is Monday, 2026-11-23, 10:00 UTC.",
        "It is Monday, 2026-11-23, 10:00 CET.",
        "It is 2026-11-23.",
    ],
)
def test_what_only_resembles_a_note_was_said(text: str) -> None:
    assert (text, "") == (Message.of_user([text]).text, Message.of_user([text]).note)


def test_a_customer_who_writes_like_a_note_is_heard_where_the_note_follows() -> None:
    assert f"A\n\n{NOTE} B" == Message.of_user([f"A\n\n{NOTE} B\n\n{NOTE}"]).text
    assert f"{NOTE} B" == Message.of_user([f"{NOTE} B", NOTE]).text


def test_a_note_alone_is_no_saying_and_hides_no_results() -> None:
    hello, alone = Message.of_user(["Hello"]), Message.of_user([NOTE])

    assert ("Hello",) == asked(hello, alone).said
    assert ("",) == asked(Message.of_user([""])).said


def test_the_last_note_counts_before_the_system_prompt() -> None:
    older = Message.of_user(["Hello", NOTE.replace("11-23", "11-20")])
    newer = Message.of_user(["And?", NOTE])

    assert DAY == asked(older, newer, system="It is Friday, 2026-11-27, ...").today
    assert dt.date(2026, 11, 27) == asked(Message.of_user(["Hello"]), system="It is Friday, 2026-11-27, ...").today


def test_the_wires_read_notes() -> None:
    double = Double()
    tool = {"name": "search", "parameters": {"type": "object", "required": ["query"]}, "strict": False}
    plain = f"How do returns work?\n\n{NOTE}"
    parts = [{"type": "input_text", "text": text} for text in ("How do returns work?", NOTE)]

    chatted = double.ok(
        PATHS["openai"],
        chat(
            model="gpt-4.1",
            tools=[{"type": "function", "function": tool}],
            messages=[{"role": "user", "content": plain}],
        ),
    )
    answered = double.ok(
        RESPONSES, response(tools=[{"type": "function", **tool}], input=[{"role": "user", "content": parts}])
    )

    expected = '{"query": "How do returns work?"}'
    assert expected == chatted["choices"][0]["message"]["tool_calls"][0]["function"]["arguments"]
    assert expected == answered["output"][1]["arguments"]
