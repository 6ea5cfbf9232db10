"""Responses and chat completions: what an answer is made of, what it bills, and how it ends."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from openai.types.chat import ChatCompletion
from openai.types.chat.completion_create_params import CompletionCreateParamsNonStreaming
from openai.types.responses import Response
from openai.types.responses.response_create_params import ResponseCreateParamsNonStreaming

from infra.local.model_provider.chat import thinking_tokens
from infra.local.model_provider.rules.openai_fields import RESPONSES_FIELDS
from infra.local.model_provider.rules.servers import CHAT_FIELDS
from tests.contract.models.official import _modelled, _typed
from tests.local.asking import (
    CHAT_FORM,
    CHAT_TOOL,
    FORM,
    PATHS,
    RESPONSES,
    SAYS,
    TOOL,
    Clock,
    Double,
    Json,
    chat,
    response,
)

CHAT = PATHS["openai"]
NONE = {"effort": "none"}
LONG = "Shipping takes two days, and returns are free. " * 200
"""Some 2,350 tokens."""

ANSWERS: dict[str, tuple[Json, str]] = {
    "a text": ({}, ""),
    "a structured answer": ({"text": FORM}, ""),
    "a call": ({"tools": [TOOL]}, ""),
    "a call with text beside it": ({"tools": [TOOL]}, "blank"),
    "no thinking": ({"reasoning": NONE}, ""),
    "cut off": ({"max_output_tokens": 16}, ""),
    "a refusal": ({}, "refusal"),
    "a filter": ({}, "filter"),
    "truncated": ({}, "truncated"),
    "a failure in a 200": ({}, "error_in_200"),
    "no usage": ({}, "no_usage"),
    "another model": ({}, "other_model"),
    "everything that is repeated": (
        {
            "tools": [TOOL],
            "tool_choice": {"type": "function", "name": "search"},
            "text": {**FORM, "verbosity": "low"},
            "service_tier": "flex",
            "prompt_cache_key": "k",
            "safety_identifier": "s",
            "metadata": {"a": "b"},
            "max_output_tokens": 5_000,
        },
        "",
    ),
}


def playing(mode: str) -> Double:
    double = Double()
    if mode:
        double.plays(mode)
    return double


@pytest.mark.parametrize(("changes", "mode"), ANSWERS.values(), ids=ANSWERS)
def test_a_response_is_one_that_the_official_sdk_expects(changes: Json, mode: str) -> None:
    body = response(**changes)

    _typed(ResponseCreateParamsNonStreaming)(body)
    _modelled(Response)(playing(mode).ok(RESPONSES, body))


@pytest.mark.parametrize("mode", ["", "blank", "refusal", "filter", "truncated", "no_usage", "other_model"])
@pytest.mark.parametrize(
    "changes", [{}, {"tools": [CHAT_TOOL], "reasoning_effort": "none"}, {"response_format": CHAT_FORM}]
)
def test_a_chat_completion_is_one_that_the_official_sdk_expects(changes: Json, mode: str) -> None:
    body = chat(**changes)

    _typed(CompletionCreateParamsNonStreaming)(body)
    _modelled(ChatCompletion)(playing(mode).ok(CHAT, body))


def test_the_fields_that_are_known_are_those_of_the_official_sdk() -> None:
    assert ResponseCreateParamsNonStreaming.__annotations__.keys() == RESPONSES_FIELDS
    assert CompletionCreateParamsNonStreaming.__annotations__.keys() == CHAT_FIELDS


ODD: list[Any] = [None, 3, True, "", "x", [], {}, [3], [{}], {"a": 1}]
WHOLE = {
    PATHS["openai"]: chat(model="gpt-4.1", tools=[CHAT_TOOL], response_format=CHAT_FORM, max_tokens=900),
    RESPONSES: response(tools=[TOOL], text=FORM, reasoning={"effort": "low"}, include=["reasoning.encrypted_content"]),
}


def changed(node: Any, value: Any) -> Iterator[Any]:
    """A request with one part after the other changed to a value."""
    yield value
    if isinstance(node, dict):
        yield from ({**node, key: new} for key, part in node.items() for new in changed(part, value))
    if isinstance(node, list):
        yield from ([*node[:n], new, *node[n + 1 :]] for n, part in enumerate(node) for new in changed(part, value))


@pytest.mark.parametrize("path", WHOLE)
@pytest.mark.parametrize("value", ODD, ids=json.dumps)
def test_whatever_is_answered_is_a_request_that_the_official_sdk_would_send(path: str, value: Any) -> None:
    double = Double()
    typed = _typed(ResponseCreateParamsNonStreaming if path == RESPONSES else CompletionCreateParamsNonStreaming)
    for body in changed(WHOLE[path], value):
        status, _ = double.post(path, body)
        assert status in (200, 400)
        if status == 200:
            typed(body)


@pytest.mark.parametrize("effort", ["none", "low", "medium", "high", "xhigh", "max"])
def test_thinking_is_billed_as_output_by_effort(effort: str) -> None:
    double = Double()
    used = double.ok(RESPONSES, response(reasoning={"effort": effort}))["usage"]
    quiet = double.ok(RESPONSES, response(reasoning=NONE))["usage"]
    chatted = double.ok(CHAT, chat(reasoning_effort=effort))["usage"]

    assert thinking_tokens(effort) == used["output_tokens_details"]["reasoning_tokens"]
    assert used["output_tokens"] == quiet["output_tokens"] + thinking_tokens(effort)
    assert used["total_tokens"] == used["input_tokens"] + used["output_tokens"]
    assert thinking_tokens(effort) == chatted["completion_tokens_details"]["reasoning_tokens"]


def test_a_model_thinks_by_its_own_default() -> None:
    double = Double()

    def thought(model: str) -> int:
        used = double.ok(RESPONSES, response(model=model))["usage"]
        return int(used["output_tokens_details"]["reasoning_tokens"])

    assert {"gpt-6-astra": 256, "gpt-5.4-mini": 0, "gpt-5.6-luna": 256, "gpt-4.1": 0, "own": 0} == {
        model: thought(model) for model in ("gpt-6-astra", "gpt-5.4-mini", "gpt-5.6-luna", "gpt-4.1", "own")
    }


@pytest.mark.parametrize("limit", [16, 100, 256])
def test_too_small_a_limit_ends_after_thinking_without_a_word(limit: int) -> None:
    double = Double()
    answer = double.ok(RESPONSES, response(max_output_tokens=limit))
    chatted = double.ok(CHAT, chat(max_completion_tokens=limit))

    assert ("incomplete", {"reason": "max_output_tokens"}) == (answer["status"], answer["incomplete_details"])
    assert ["reasoning"] == [item["type"] for item in answer["output"]]
    assert limit == answer["usage"]["output_tokens"] == answer["usage"]["output_tokens_details"]["reasoning_tokens"]
    assert ("length", None) == (chatted["choices"][0]["finish_reason"], chatted["choices"][0]["message"]["content"])
    assert limit == chatted["usage"]["completion_tokens"]


def test_what_is_left_after_thinking_is_said_and_calls_are_not_cut_in_half() -> None:
    double = Double()
    cut = double.ok(RESPONSES, response(max_output_tokens=259))
    called = double.ok(RESPONSES, response(max_output_tokens=259, tools=[TOOL]))

    assert "incomplete" == cut["status"] == cut["output"][1]["status"]
    assert 0 < len(cut["output"][1]["content"][0]["text"]) <= 12
    assert ["reasoning"] == [item["type"] for item in called["output"]]


@pytest.mark.parametrize(
    ("asked", "served"),
    [(None, "default"), ("auto", "default"), ("flex", "flex"), ("priority", "priority"), ("fast", "priority")],
)
def test_an_answer_names_the_service_tier_that_served_it(asked: str | None, served: str) -> None:
    double = Double()

    assert served == double.ok(RESPONSES, response(service_tier=asked))["service_tier"]
    assert served == double.ok(CHAT, chat(service_tier=asked))["service_tier"]


def cached(double: Double, **changes: Any) -> tuple[int, int]:
    details = double.ok(RESPONSES, response(**changes))["usage"]["input_tokens_details"]
    return details["cached_tokens"], details["cache_write_tokens"]


def test_a_second_turn_reads_its_prefix_from_the_cache() -> None:
    double = Double()
    first = cached(double, instructions=LONG)
    longer = [
        {"role": "user", "content": SAYS},
        {"role": "assistant", "content": LONG},
        {"role": "user", "content": "?"},
    ]

    assert (0, True) == (first[0], first[1] > 2_000)
    assert cached(double, instructions=LONG) == (first[1], 0)
    read, written = cached(double, instructions=LONG, input=longer)
    assert first[1] == read
    assert 2_000 < written
    assert read % 128 == written % 128 == 0


@pytest.mark.parametrize(
    "changes",
    [
        {"instructions": "!" + LONG},
        {"instructions": LONG, "tools": [TOOL]},
        {"instructions": LONG, "model": "gpt-6-sol"},
        {"instructions": LONG, "text": FORM},
        {"instructions": LONG, "reasoning": NONE},
        {"instructions": LONG, "prompt_cache_key": "other"},
        {"instructions": LONG, "prompt_cache_options": {"mode": "explicit"}},
        {"instructions": "Be brief."},
    ],
)
def test_another_beginning_reads_nothing_from_the_cache(changes: Json) -> None:
    double = Double()
    cached(double, instructions=LONG)

    assert 0 == cached(double, **changes)[0]


def test_an_older_model_reads_from_the_cache_and_writes_for_nothing() -> None:
    double = Double()

    assert (0, 0) == cached(double, instructions=LONG, model="gpt-5.4-mini")
    assert 2_000 < cached(double, instructions=LONG, model="gpt-5.4-mini")[0]


def test_a_cached_prefix_lives_as_long_as_was_asked() -> None:
    clock = Clock()
    double, asks = Double(clock), {"instructions": LONG}
    long = {**asks, "prompt_cache_options": {"ttl": "12h"}, "prompt_cache_key": "long"}
    cached(double, **asks)
    cached(double, **long)
    clock.now += 1_900

    assert 0 == cached(double, **asks)[0]
    assert cached(double, **long)[0]


def test_chat_completions_are_cached_too_and_the_calls_are_listed_with_it() -> None:
    double, body = Double(), chat(messages=[{"role": "system", "content": LONG}, {"role": "user", "content": SAYS}])
    double.ok(CHAT, body)
    used = double.ok(CHAT, body)["usage"]

    first, second = double.calls()
    assert 2_000 < used["prompt_tokens_details"]["cached_tokens"] == second["cache_read"]
    assert (0, used["prompt_tokens_details"]["cached_tokens"]) == (first["cache_read"], first["cache_written"])
    assert (0, 256) == (second["cache_written"], second["thinking"])
    assert used["prompt_tokens"] == second["tokens_in"] > second["cache_read"]


def test_a_failed_call_writes_nothing_into_the_cache() -> None:
    double = Double()
    double.plays("error", times=1)
    double.post(RESPONSES, response(instructions=LONG))

    assert 0 == cached(double, instructions=LONG)[0]


def test_modes_as_they_look_on_responses() -> None:
    def output(mode: str, **changes: Any) -> Json:
        found: Json = playing(mode).ok(RESPONSES, response(**changes))
        return found

    truncated, failed = output("truncated", max_output_tokens=4_000), output("error_in_200")
    filtered, other = output("filter"), output("other_model")

    assert ("incomplete", 4_000) == (truncated["status"], truncated["usage"]["output_tokens"])
    assert ["reasoning"] == [item["type"] for item in truncated["output"]]
    assert ("failed", "rate_limit_exceeded", []) == (failed["status"], failed["error"]["code"], failed["output"])
    assert {"reason": "content_filter"} == filtered["incomplete_details"]
    assert "gpt-6-luna" != other["model"]
    assert {"gpt-6-luna"} == {output(mode)["model"] for mode in ("truncated", "error_in_200", "filter")}


def test_a_model_that_does_not_think_is_truncated_without_reasoning() -> None:
    answer = playing("truncated").ok(RESPONSES, response(reasoning=NONE, max_output_tokens=500))

    assert (500, []) == (answer["usage"]["output_tokens"], answer["output"])
    assert 0 == answer["usage"]["output_tokens_details"]["reasoning_tokens"]


def test_a_choice_of_no_tool_is_kept() -> None:
    double = Double()
    answer = double.ok(RESPONSES, response(tools=[TOOL], tool_choice="none"))
    chatted = double.ok(CHAT, chat(tools=[CHAT_TOOL], tool_choice="none", reasoning_effort="none"))

    assert "message" == answer["output"][-1]["type"]
    assert "tool_calls" not in chatted["choices"][0]["message"]


def test_a_blank_reply_keeps_its_form() -> None:
    structured = playing("blank").ok(RESPONSES, response(text=FORM))["output"][1]["content"][0]["text"]
    beside = playing("blank").ok(CHAT, chat(tools=[CHAT_TOOL], reasoning_effort="none"))["choices"][0]["message"]

    assert not json.loads(structured)["reply"].strip()
    assert "confidence" in json.loads(structured)
    assert beside["tool_calls"]
    assert not beside["content"].strip()


@pytest.mark.parametrize("mode", ["model_gone", "error_in_200"])
def test_what_is_not_answered_is_not_billed(mode: str) -> None:
    double = playing(mode)
    double.post(RESPONSES, response())

    (call,) = double.calls()
    assert (mode, 0, 0) == (call["mode"], call["tokens_in"], call["tokens_out"])
