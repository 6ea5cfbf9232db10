"""`turnkeeper turn` and `turnkeeper chat`: turns from the terminal, whichever way they end."""

import io
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from infra.local.http_service import Response
from tests.cli.conftest import SERVICE, Run, Stack
from tests.support.world import answer, operator, prose


def turn_of(out: str) -> Any:
    return json.loads(out)


def plays(stack: Stack) -> Callable[[], object]:
    """Play the turn that was sent last, up to its end or a person."""

    def play() -> object:
        (name,) = list(stack.world.machine.running)[-1:]
        return stack.world.play(name.rpartition("-")[0])

    return play


def test_a_turn_is_printed_as_json(stack: Stack, run: Run) -> None:
    result = run("turn", "paint", "Which colour?", "--customer", "carla")

    assert (0, "") == (result.code, result.err)
    assert ("completed", "carla", "It is red.") == tuple(
        turn_of(result.out)[name] for name in ("status", "customer_id", "reply")
    )


def test_a_turn_that_is_escalated_is_waited_for(stack: Stack, run: Run) -> None:
    stack.world.models.script["first"] = [prose(), prose(), answer("blue")]
    stack.at_get = [plays(stack)]
    result = run("turn", "paint", "Which colour?")

    assert (0, "alternative_path") == (result.code, turn_of(result.out)["tier"])
    assert ["POST", "GET"] == [request.method for request in stack.requests]


def test_a_turn_that_is_not_waited_for_is_shown_as_it_is(stack: Stack, run: Run) -> None:
    stack.world.fail_all()
    result = run("turn", "paint", "Which colour?", "--wait", "0")

    assert (1, "escalating") == (result.code, turn_of(result.out)["status"])
    assert "_delay" not in turn_of(result.out)


def test_a_persons_own_token_names_the_customer(stack: Stack, run: Run) -> None:
    assert "carla" == turn_of(run("turn", "paint", "Hi", "--who", "customer").out)["customer_id"]


def test_a_busy_api_is_asked_again_with_the_same_key(stack: Stack, run: Run) -> None:
    stack.refusals = [Response(503, b'{"type": "urn:turnkeeper:error:outcome-pending"}', {"Retry-After": "0"})] * 2

    assert 0 == run("turn", "paint", "Which colour?").code
    assert 1 == len({request.headers["idempotency-key"] for request in stack.requests})
    assert 3 == len(stack.requests)


def test_a_refusal_says_why(stack: Stack, run: Run) -> None:
    stack.world.restart()
    result = run("turn", "nobody", "Hi")

    assert (1, "") == (result.code, result.out)
    assert "404 not-found: there is no agent 'nobody'" in result.err


def test_a_field_that_is_not_admitted_is_named(stack: Stack, run: Run) -> None:
    result = run("turn", "paint", "Hi", "--customer", "carla carl")

    assert "400 invalid-request: customer_id: " in result.err


@pytest.mark.parametrize("token", ["é", "two\nlines"])
def test_a_token_that_cannot_be_sent_says_so(stack: Stack, run: Run, token: str) -> None:
    assert "a token is one line of ASCII characters" in run("turn", "paint", "Hi", "--token", token).err


@pytest.mark.parametrize("wait", ["nan", "inf", "-1"])
def test_a_time_to_wait_is_a_number_of_seconds(stack: Stack, run: Run, wait: str) -> None:
    result = run("turn", "paint", "Hi", f"--wait={wait}")

    assert 2 == result.code
    assert "write seconds, such as 30" in result.err


@pytest.mark.parametrize("url", ["foo", "foo.example/prod", "ftp://foo.example", "https://", "https://foo:x/"])
def test_an_address_that_is_no_url_says_what_one_looks_like(stack: Stack, run: Run, url: str) -> None:
    result = run("turn", "paint", "Hi", "--api-url", url, "--token", SERVICE)

    assert "is no URL: write https://ID.execute-api.REGION.amazonaws.com/prod" in result.err


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"api_url": "http://127.0.0.1:9", "tokens": {}}', "\xff"])
def test_a_stack_file_that_is_damaged_or_older_says_what_to_do(project: Path, run: Run, text: str) -> None:
    (project / ".local/stack.json").write_bytes(text.encode("latin-1"))

    for command in (["turn", "paint", "Hi"], ["trace", "turn_1"], ["callback-secret", "acme"]):
        assert "run `make down`, then `make up`" in run(*command).err


def test_an_expired_token_says_what_to_do(stack: Stack, run: Run) -> None:
    stack.refusals = [Response(401, b'{"message": "The incoming token has expired"}')]

    assert "the local stack's tokens are good for 24 h" in run("turn", "paint", "Hi").err


def test_a_stack_that_is_not_up_says_what_to_do(project: Path, run: Run) -> None:
    assert (1, "turnkeeper: the local stack is not up: run `make up`, and try again\n") == (
        run("turn", "paint", "Hi").code,
        run("chat", "paint").err,
    )


def test_a_stack_that_went_away_says_what_to_do(project: Path, run: Run) -> None:
    Stack(None, project).write_stack_file("http://127.0.0.1:9")  # type: ignore[arg-type]

    assert "nothing answers at http://127.0.0.1:9: run `make up`" in run("turn", "paint", "Hi").err


def test_something_else_that_answers_is_told_apart(stack: Stack, run: Run) -> None:
    stack.refusals = [Response(200, b"<html>")]

    assert "answered 200, and no JSON: is that a Turnkeeper API?" in run("turn", "paint", "Hi").err


def test_another_api_needs_a_token(stack: Stack, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    url = json.loads((stack.folder / ".local/stack.json").read_text())["api_url"]
    (stack.folder / ".local/stack.json").unlink()

    assert "set TURNKEEPER_TOKEN" in run("turn", "paint", "Hi", "--api-url", url).err
    monkeypatch.setenv("TURNKEEPER_TOKEN", SERVICE)
    assert 0 == run("turn", "paint", "Hi", "--api-url", url).code


# --- chat -------------------------------------------------------------------------------------------------------------


@pytest.fixture
def types(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Give a way to type lines."""
    return lambda text: monkeypatch.setattr("sys.stdin", io.StringIO(text))


def test_a_conversation_goes_on_and_each_turn_shows_its_cost(
    stack: Stack, run: Run, types: Callable[[str], None]
) -> None:
    types("Which colour?\nAnd now?\nexit\nnot sent\n")
    stack.world.models.script["first"] = [answer("red"), answer("blue")]
    result = run("chat", "paint")
    conversations = {r.json().get("conversation_id") for r in stack.requests}

    assert 0 == result.code
    assert "It is red.\n  completed · first_attempt · openai:first · $0.000180 · 0.5" in result.out
    assert re.search(r" s · turn_[0-9a-f]{32}\nIt is blue\.", result.out)
    assert "2 turns, $0.000360. conv_" in result.out
    assert 2 == len(stack.requests) == len(conversations)


def test_a_person_who_answers_is_waited_for(stack: Stack, run: Run, types: Callable[[str], None]) -> None:
    world = stack.world
    world.fail_all()

    def person() -> None:
        turn = next(iter(world.machine.running)).rpartition("-")[0]
        body = {"version": world.claim(turn), "reply": "Green, says Sam.", "output": {"colour": "green"}}
        world.request(
            "POST", f"/v1/escalations/{turn}/answer", body=body, who=operator(), headers={"Idempotency-Key": "a"}
        )

    stack.at_get = [plays(stack), person]
    types("Which colour?\n")
    result = run("chat", "paint")

    assert "other ways are tried" in result.out
    assert "a person was paged" in result.out
    assert "Green, says Sam.\n  completed · human" in result.out


def test_a_turn_that_takes_too_long_goes_on_alone(stack: Stack, run: Run, types: Callable[[str], None]) -> None:
    stack.world.fail_all()
    types("Which colour?\n")
    result = run("chat", "paint", "--wait", "0.1")

    assert "(no answer)\n  escalating" in result.out
    assert "It continues without you: turnkeeper trace turn_" in result.out


def test_an_error_in_the_middle_does_not_end_the_conversation(
    stack: Stack, run: Run, types: Callable[[str], None]
) -> None:
    types("Which colour?\n" + "x" * 20_000 + "\nAnd now?\n")
    result = run("chat", "paint")

    assert "400 " in result.out
    assert "2 turns" in result.out


def test_what_a_model_writes_cannot_move_the_cursor(stack: Stack, run: Run, types: Callable[[str], None]) -> None:
    stack.world.models.script["first"] = [answer("\x1b[2Jred [bold]x[/bold]")]
    types("Which colour?\n")
    result = run("chat", "paint")

    assert "\x1b" not in result.out
    assert "[2Jred [bold]x[/bold]." in result.out
