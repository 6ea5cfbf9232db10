"""Conversations of the data set, where it is at hand: the model answers from their annotations."""

from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from turnkeeper.domain.answers import Answer

from infra.local import sgd
from infra.local.model_provider.annotated import Annotations
from infra.local.model_provider.app import Provider
from infra.local.model_provider.brain import Brain
from infra.local.model_provider.chat import Asked, Message
from infra.local.tools_service.app import ToolsService
from tests.local.chats import Conversation, client, send, serving

SAMPLE = 40


@pytest.fixture(scope="module")
def url(dialogues: list[sgd.Dialogue]) -> Iterator[str]:
    with serving(Provider(Brain(Annotations(dialogues)))) as url:
        yield url


def test_conversations_end_in_the_annotated_booking(url: str, dialogues: list[sgd.Dialogue]) -> None:
    model, service = client("responses", url), ToolsService(dialogues)
    for dialogue in dialogues[:: len(dialogues) // SAMPLE]:
        send(service, "DELETE", "/_state")
        chat = Conversation(model, service)

        answers = [chat.say(turn["user"]) for turn in dialogue.turns]

        assert _last_booking(answers) == _annotated(dialogue), dialogue.dialogue_id


def test_a_slot_that_another_customer_took_is_told_and_not_claimed(url: str, dialogues: list[sgd.Dialogue]) -> None:
    dialogue = next(d for d in dialogues if d.booking and all(_found(turn) for turn in d.turns))
    model, service = client("responses", url), ToolsService(dialogues)
    first, second = Conversation(model, service, customer="ann"), Conversation(model, service, customer="bob")

    booked = _last_booking([first.say(turn["user"]) for turn in dialogue.turns])
    refused = [second.say(turn["user"]) for turn in dialogue.turns]

    assert booked == _annotated(dialogue)
    assert _last_booking(refused) is None
    assert any("could not be booked" in answer.reply for answer in refused)


def test_a_conversation_is_known_though_its_beginning_was_dropped(dialogues: list[sgd.Dialogue]) -> None:
    dialogue = next(d for d in dialogues if len(d.turns) > 8)
    left = [turn["user"] for turn in dialogue.turns[2:6]]

    reply = Annotations(dialogues).reply(_asked(left))

    assert reply == Annotations([dialogue]).reply(_asked(turn["user"] for turn in dialogue.turns[:6]))


def test_other_words_match_nothing(dialogues: list[sgd.Dialogue]) -> None:
    annotations = Annotations(dialogues)

    assert annotations.reply(_asked(["A dentist on the moon, please"])) is None
    assert annotations.reply(_asked(["A dentist on the moon, please", "Yes"])) is None


def _asked(said: Any) -> Asked:
    return Asked("m", "", tuple(Message("user", text) for text in said), None, 10)


def _found(turn: dict[str, Any]) -> bool:
    return bool(turn.get("results")) or not turn.get("call")


def _last_booking(answers: Sequence[Answer]) -> tuple[str, ...] | None:
    outputs = [output for answer in answers if (output := answer.output_json())]
    return (outputs[-1]["name"], outputs[-1]["date"], outputs[-1]["time"][:5]) if outputs else None


def _annotated(dialogue: sgd.Dialogue) -> tuple[str, ...] | None:
    slots = dialogue.booking
    return (sgd.name_in(slots), slots["appointment_date"], slots["appointment_time"]) if slots else None
