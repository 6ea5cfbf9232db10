"""What a request must be, and how an error looks."""

from typing import Any

import pytest

from tests.support.world import World, operator


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"message": ""},
        {"message": " \n"},
        {"message": "x" * 16_001},
        {"message": 7},
        {"message": None},
        {"message": "x", "colour": "red"},
        {"message": "x", "task_id": "a#b"},
        {"message": "x", "task_id": ""},
        {"message": "x", "customer_id": "a b"},
        {"message": "x", "intent": "é"},
        {"message": "x", "metadata": {f"k{n}": "v" for n in range(21)}},
        {"message": "x", "metadata": {"k": 7}},
        {"message": "x", "metadata": {"": "v"}},
        {"message": "x", "callback_url": "u" * 2_049},
        [],
        "text",
        "{",
        '{"message": NaN}',
        '{"message": "x", "metadata": ' + "[" * 5_000 + "]" * 5_000 + "}",
        None,
    ],
    ids=str,
)
def test_a_malformed_body_is_400(body: Any) -> None:
    world = World()

    sent = world.request("POST", "/v1/agents/paint/turns", body=body, headers={"Idempotency-Key": "k"})

    assert (400, "invalid-request", "application/problem+json") == (
        sent.status,
        sent.code,
        sent.headers["content-type"],
    )
    assert [] == world.models.calls


@pytest.mark.parametrize(
    "kind", ["application/x-www-form-urlencoded", "multipart/form-data", "text/plain", "Application/JSON"]
)
def test_a_body_is_json_whatever_the_client_calls_it(kind: str) -> None:
    """As a form, for one: so curl calls what follows -d."""
    sent = World().send(headers={"content-type": kind})

    assert 200 == sent.status


@pytest.mark.parametrize("key", ["", "a,b", "a b", "é", "x" * 256, "\t"])
def test_a_bad_key_is_400(key: str) -> None:
    sent = World().request("POST", "/v1/agents/paint/turns", body={"message": "x"}, headers={"Idempotency-Key": key})

    assert (400, "invalid-request") == (sent.status, sent.code)


def test_a_missing_key_is_400() -> None:
    assert 400 == World().request("POST", "/v1/agents/paint/turns", body={"message": "x"}).status


@pytest.mark.parametrize("key", ["x", "x" * 255, "!#$%&'()*+-./:;<=>?@[]^_`{|}~"])
def test_a_key_is_up_to_255_visible_ascii_characters(key: str) -> None:
    assert 200 == World().send(key=key).status


def test_the_longest_message_is_taken() -> None:
    assert 200 == World().send("é" * 16_000).status


def test_a_body_over_256_kib_is_413() -> None:
    sent = World().send("x" * (256 * 1024))

    assert (413, "payload-too-large") == (sent.status, sent.code)


@pytest.mark.parametrize("path", ["/v1/agents/nobody/turns", "/v1/agents/paint/turn", "/v2/agents/paint/turns"])
def test_what_is_not_there_is_404(path: str) -> None:
    sent = World().request("POST", path, body={"message": "x"}, headers={"Idempotency-Key": "k"})

    assert (404, "not-found") == (sent.status, sent.code)


@pytest.mark.parametrize("path", ["/v1/turns/turn_none", "/v1/turns/x", "/v1/conversations/conv_none"])
def test_a_turn_or_conversation_that_is_not_there_is_404(path: str) -> None:
    assert 404 == World().get(path).status


def test_an_error_says_nothing_of_the_message() -> None:
    sent = World().send("My secret is 42." + "x" * 16_000)

    assert "42" not in sent.text


def test_an_unknown_status_of_escalations_is_400() -> None:
    assert 400 == World().get("/v1/escalations", operator(), status="lost").status


@pytest.mark.parametrize(
    "body",
    [{}, {"version": 1}, {"version": 0, "reply": "x"}, {"version": 1, "reply": " "}, {"version": "1", "reply": "x"}],
)
def test_a_malformed_answer_of_a_person_is_400(body: dict[str, Any]) -> None:
    world = World()
    turn = world.awaiting()

    assert 400 == world.post(f"/v1/escalations/{turn}/answer", body, operator()).status


def test_every_action_line_is_free_of_what_was_said() -> None:
    world = World()
    world.send("My secret is 42.")

    assert "secret" not in str(world.telemetry.actions)
    assert {"model_call", "turn_end"} == {a["action_type"] for a in world.telemetry.actions}
