"""Reasoning in a tool loop: what must come back, what is refused, and what is silently left out."""

from typing import Any

import pytest

from tests.local.asking import CHAT_TOOL, SAYS, TOOL, Double, Json, chat, response

RESPONSES = "/v1/responses"
RESULT = '{"passages": ["Shipping takes two days."]}'
USER = {"role": "user", "content": SAYS}
ELSEWHERE = {"authorization": "Bearer key-of-bob"}


def step(double: Double, body: Json) -> tuple[list[Json], list[Json]]:
    """Ask, and answer the calls: returns the items of the answer, and the input of the next request."""
    output = double.ok(RESPONSES, body)["output"]
    results = [
        {"type": "function_call_output", "call_id": item["call_id"], "output": RESULT}
        for item in output
        if item["type"] == "function_call"
    ]
    return output, [*body["input"], *output, *results]


def begun(double: Double, **changes: Any) -> tuple[list[Json], Json]:
    """A loop after its first step: the items of the answer, and the next request."""
    body = response(tools=[TOOL], **changes)
    output, given = step(double, body)
    return output, {**body, "input": given}


def test_a_loop_that_sends_everything_back_ends_with_an_answer() -> None:
    double = Double()
    output, body = begun(double)

    answer = double.ok(RESPONSES, body)

    assert ["reasoning", "function_call"] == [item["type"] for item in output]
    assert ["rs", "fc"] == [item["id"][:2] for item in output]
    assert ["reasoning", "message"] == [item["type"] for item in answer["output"]]
    assert "final_answer" == answer["output"][1]["phase"]
    assert "two days" in answer["output"][1]["content"][0]["text"]
    assert "input_transformations" not in answer


def test_a_loop_of_two_steps_keeps_both_thoughts() -> None:
    double = Double()
    _, body = begun(double)
    again = {**body, "input": [*body["input"], {"role": "user", "content": "And how do returns work?"}]}
    _, given = step(double, again)

    assert "input_transformations" not in double.ok(RESPONSES, {**body, "input": given})
    assert 2 == [item.get("type") for item in given].count("reasoning")


def test_a_call_without_its_reasoning_is_refused() -> None:
    double = Double()
    (reasoning, call), body = begun(double)
    without = [item for item in body["input"] if item.get("type") != "reasoning"]

    status, answer = double.post(RESPONSES, {**body, "input": without})

    said = f"Item '{call['id']}' of type 'function_call' was provided without its required 'reasoning' item: "
    assert (400, f"{said}'{reasoning['id']}'.") == (status, answer["error"]["message"])
    assert 10 == double.calls()[-1]["refused"]["rule"]


def test_reasoning_without_what_followed_it_is_refused() -> None:
    double = Double()
    (reasoning, _), body = begun(double)

    for given in ([USER, reasoning], [USER, reasoning, USER]):
        status, answer = double.post(RESPONSES, {**body, "input": given})
        assert 400 == status
        assert "without its required following item" in answer["error"]["message"]


def test_reasoning_before_the_call_of_another_answer_is_refused() -> None:
    double = Double()
    (reasoning, _), _ = begun(double)
    (_, call), body = begun(double)
    result = body["input"][-1]

    assert 400 == double.post(RESPONSES, {**body, "input": [USER, reasoning, call, result]})[0]


def test_ids_may_be_left_out_but_not_the_content() -> None:
    double = Double()
    _, body = begun(double)
    without_ids = [{k: v for k, v in item.items() if k != "id"} for item in body["input"]]
    empty = [{k: v for k, v in item.items() if k != "encrypted_content"} for item in body["input"]]

    assert "input_transformations" not in double.ok(RESPONSES, {**body, "input": without_ids})
    status, answer = double.post(RESPONSES, {**body, "input": empty})
    assert 404 == status
    assert "Items are not persisted" in answer["error"]["message"]


def test_the_id_of_a_call_may_be_another_one() -> None:
    double = Double()
    (reasoning, call), body = begun(double)
    own = {**{k: v for k, v in call.items() if k != "id"}, "call_id": "own-1"}
    result = {**body["input"][-1], "call_id": "own-1"}

    double.ok(RESPONSES, {**body, "input": [USER, reasoning, own, result]})


@pytest.mark.parametrize(
    "change", [lambda s: s[:-1] + ("0" if s[-1] != "0" else "1"), lambda s: "A" + s, lambda _: "x"]
)
def test_changed_reasoning_cannot_be_read(change: Any) -> None:
    double = Double()
    (reasoning, *rest), body = begun(double)
    changed = {**reasoning, "encrypted_content": change(reasoning["encrypted_content"])}

    status, answer = double.post(RESPONSES, {**body, "input": [USER, changed, *rest, body["input"][-1]]})

    assert (400, "invalid_encrypted_content") == (status, answer["error"]["code"])
    assert 11 == double.calls()[-1]["refused"]["rule"]


def test_reasoning_of_another_model_account_or_prefix_is_left_out_and_listed() -> None:
    double = Double()
    (reasoning, _), body = begun(double)
    changed = {**USER, "content": "Something else"}
    requests = {
        "model_mismatch": double.ok(RESPONSES, {**body, "model": "gpt-6-sol"}),
        "organization_mismatch": double.ok(RESPONSES, body, ELSEWHERE),
        "prefix_mismatch": double.ok(RESPONSES, {**body, "instructions": "Be long."}),
    }
    edited = double.ok(RESPONSES, {**body, "input": [changed, *body["input"][1:]]})

    for reason, answer in (*requests.items(), ("prefix_mismatch", edited)):
        expected = [{"id": reasoning["id"], "action": "removed", "reason": reason, "type": "reasoning"}]
        assert expected == answer["input_transformations"]


def test_a_message_that_lost_its_phase_is_taken_with_a_warning() -> None:
    double = Double()
    body = response(reasoning={"effort": "none"})
    (message,) = double.ok(RESPONSES, body)["output"]
    lost = {k: v for k, v in message.items() if k != "phase"}

    double.ok(RESPONSES, {**body, "input": [USER, message, USER]})
    double.ok(RESPONSES, {**body, "input": [USER, lost, USER]})

    _, whole, warned = double.calls()
    assert "warned" not in whole
    assert [12] == [warning["rule"] for warning in warned["warned"]]


def test_a_chat_completion_answers_calls_right_after_they_were_made() -> None:
    double = Double()
    body = chat(reasoning_effort="none", tools=[CHAT_TOOL])
    message = double.ok("/v1/chat/completions", body)["choices"][0]["message"]
    result = {"role": "tool", "tool_call_id": message["tool_calls"][0]["id"], "content": RESULT}
    asked = {k: v for k, v in message.items() if k != "refusal"}

    answer = double.ok("/v1/chat/completions", {**body, "messages": [*body["messages"], asked, result]})

    assert "two days" in answer["choices"][0]["message"]["content"]
