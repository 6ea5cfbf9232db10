"""What every provider's adapter makes of an answer, whatever the format."""

import json

import pytest
from turnkeeper.domain.chat import Finish, ToolCall, Usage
from turnkeeper.domain.failures import Failure
from turnkeeper.errors import DependencyError

from infra.local.http_service import Response
from tests.contract.models.conftest import Provider
from tests.contract.models.wires import CALLS


def test_a_plain_answer_is_read_as_it_was_written(provider: Provider) -> None:
    reply = provider.replies(provider.wire.ok('{"reply": "Grüezi 👋"}\n'))

    assert reply.text == '{"reply": "Grüezi 👋"}\n'
    assert (reply.finish, reply.tool_calls) == (Finish.STOP, ())
    assert reply.usage == Usage(10, 5)


def test_one_request_goes_out_for_one_question_to_the_documented_path(provider: Provider) -> None:
    provider.replies(provider.wire.ok())

    assert [(r.method, r.path) for r in provider.service.requests] == [("POST", provider.wire.path)]


def test_every_call_of_a_tool_is_read_with_its_id_name_and_arguments(provider: Provider) -> None:
    reply = provider.replies(provider.wire.ok("Let me see.", CALLS))

    assert reply.text == "Let me see."
    assert reply.finish is Finish.TOOL_CALLS
    assert [(c.id, c.name, json.loads(c.arguments)) for c in reply.tool_calls] == [
        (c.id, c.name, json.loads(c.arguments)) for c in CALLS
    ]


def test_a_call_of_a_tool_needs_no_text_beside_it(provider: Provider) -> None:
    reply = provider.replies(provider.wire.ok("", CALLS))

    assert reply.text == ""
    assert len(reply.tool_calls) == 2


def test_every_documented_reason_to_stop_is_told(provider: Provider) -> None:
    for finish, words in provider.wire.stops.items():
        calls = CALLS if finish is Finish.TOOL_CALLS else ()
        for word in words:
            assert provider.replies(provider.wire.ok("Half an answ", calls, word)).finish is finish, word


def test_a_reason_to_stop_that_is_new_does_not_lose_the_answer(provider: Provider) -> None:
    reply = provider.replies(provider.wire.ok("Hello.", stop="brand_new"))

    assert (reply.text, reply.finish) == ("Hello.", Finish.OTHER)


def test_the_calls_of_an_answer_that_was_cut_off_or_turned_away_are_not_made(provider: Provider) -> None:
    for finish in (Finish.LENGTH, Finish.REFUSAL, Finish.CONTENT_FILTER):
        for word in provider.wire.stops.get(finish, ()):
            reply = provider.replies(provider.wire.ok("Book", [ToolCall("call_1", "book", '{"city": "Zü"}')], word))

            assert (reply.finish, reply.tool_calls) == (finish, ())


def test_a_refusal_without_a_word_is_a_refusal_and_not_an_empty_answer(provider: Provider) -> None:
    turned_away = [w for f in (Finish.REFUSAL, Finish.CONTENT_FILTER) for w in provider.wire.stops.get(f, ())]

    for word in turned_away:
        assert provider.replies(provider.wire.ok("", stop=word)).finish in (Finish.REFUSAL, Finish.CONTENT_FILTER)
    assert turned_away


@pytest.mark.parametrize("provider", ["chat"], indirect=True)
def test_openais_refusal_field_is_a_refusal(provider: Provider) -> None:
    body = provider.wire.answer("", (), "stop", provider.wire.usage(10, 5, 0, 0))
    body["choices"][0]["message"]["refusal"] = "I can't help with that."

    reply = provider.replies(Response.of_json(200, body))

    assert (reply.text, reply.finish, reply.usage) == ("I can't help with that.", Finish.REFUSAL, Usage(10, 5))


def test_an_answer_without_content_is_the_models_failure(provider: Provider) -> None:
    with pytest.raises(DependencyError) as caught:
        provider.replies(provider.wire.ok(""))

    assert caught.value.failure is Failure.EMPTY


def test_an_answer_cut_off_before_its_first_word_is_cut_off(provider: Provider) -> None:
    assert provider.replies(provider.wire.ok("", stop=provider.wire.stops[Finish.LENGTH][0])).finish is Finish.LENGTH


def test_half_a_surrogate_pair_can_be_stored(provider: Provider) -> None:
    body = provider.wire.answer("Hi \ud83d!", (), provider.wire.stops[Finish.STOP][0], None)
    told = Response(200, json.dumps(body).encode(), {"Content-Type": "application/json"})

    assert provider.replies(told).text.encode() == b"Hi ?!"


def test_an_answer_of_absurd_length_is_garbage(provider: Provider) -> None:
    with pytest.raises(DependencyError) as caught:
        provider.replies(provider.wire.ok("x" * 1_100_000))

    assert caught.value.failure is Failure.GARBAGE


@pytest.mark.parametrize("provider", ["bedrock"], indirect=True)
def test_what_amazons_models_think_aloud_is_no_part_of_the_answer(provider: Provider) -> None:
    reply = provider.replies(
        provider.wire.ok('<thinking> Two\nplaces. </thinking>\n\n{"reply": "<thinking> is a tag"}')
    )

    assert reply.text == '{"reply": "<thinking> is a tag"}'


@pytest.mark.parametrize("provider", ["chat"], indirect=True)
def test_content_in_parts_is_joined(provider: Provider) -> None:
    body = provider.wire.answer("", (), "stop", None)
    body["choices"][0]["message"]["content"] = [{"type": "text", "text": "Hel"}, {"type": "text", "text": "lo."}]

    assert provider.replies(Response.of_json(200, body)).text == "Hello."
