"""Each of OpenAI's rules: a request that meets it, and one beside it that is taken."""

import datetime as dt
import inspect
import json
import re
from typing import Any

import pytest
from openai.types.shared import chat_model

from infra.local.http_service import Request
from infra.local.model_provider.annotated import Annotations
from infra.local.model_provider.app import Provider
from infra.local.model_provider.brain import Brain
from infra.local.model_provider.rules import RULES
from infra.local.model_provider.rules.openai_models import model, retires
from tests.local.asking import BEARER, CHAT_FORM, CHAT_TOOL, FORM, SAYS, TOOL, Clock, Double, Json, chat, response
from tests.local.chats import NOW

CHAT, RESPONSES = "/v1/chat/completions", "/v1/responses"
DAY_S = 86_400
USER = {"role": "user", "content": SAYS}
CHAT_CALL = {"id": "call_1", "type": "function", "function": {"name": "search", "arguments": '{"query": "x"}'}}
CHAT_CALLS = {"role": "assistant", "content": None, "tool_calls": [CHAT_CALL]}
CHAT_RESULT = {"role": "tool", "tool_call_id": "call_1", "content": "[]"}
CALL = {"type": "function_call", "call_id": "call_1", "name": "search", "arguments": '{"query": "x"}'}
OUTPUT = {"type": "function_call_output", "call_id": "call_1", "output": "[]"}
NONE = {"effort": "none"}


def named(name: str) -> Json:
    return {**TOOL, "name": name}


def chat_named(name: str) -> Json:
    return {**CHAT_TOOL, "function": {**CHAT_TOOL["function"], "name": name}}


Wrong = tuple[int, Json, str | None, str | None]
WRONG_CHATS: list[Wrong] = [
    (1, chat(model="gpt-4.1-nano"), "model_not_found", "model"),
    (1, chat(model="gpt-3.5-turbo"), "model_not_found", "model"),
    (1, chat(model="gpt-4o-2024-05-13"), "model_not_found", "model"),
    (2, chat(tools=[CHAT_TOOL]), None, "reasoning_effort"),
    (2, chat(model="gpt-5.6-terra", tools=[CHAT_TOOL], reasoning_effort="low"), None, "reasoning_effort"),
    (2, chat(model="gpt-5.5", tools=[CHAT_TOOL]), None, "reasoning_effort"),
    (2, chat(model="gpt-5.4-mini", tools=[CHAT_TOOL], reasoning_effort="low"), None, "reasoning_effort"),
    (2, chat(model="gpt-6.1-sol", tools=[CHAT_TOOL]), None, "reasoning_effort"),
    (2, chat(model="gpt-6-astra", tools=[CHAT_TOOL], reasoning_effort="low"), None, "reasoning_effort"),
    (2, chat(model="gpt-7.3-nova", tools=[CHAT_TOOL]), None, "reasoning_effort"),
    (3, chat(model="gpt-6.1-sol", reasoning_effort="none"), "unsupported_value", "reasoning_effort"),
    (3, chat(model="gpt-6-luna", reasoning_effort="minimal"), "unsupported_value", "reasoning_effort"),
    (3, chat(model="gpt-5.4-mini", reasoning_effort="max"), "unsupported_value", "reasoning_effort"),
    (3, chat(model="gpt-4.1", reasoning_effort="low"), "unsupported_parameter", "reasoning_effort"),
    (3, chat(reasoning_effort="enormous"), "invalid_value", "reasoning_effort"),
    (4, chat(temperature=0.2), "unsupported_parameter", "temperature"),
    (4, chat(model="gpt-5-mini", top_p=1), "unsupported_parameter", "top_p"),
    (4, chat(logprobs=True), "unsupported_parameter", "logprobs"),
    (5, chat(max_tokens=100), "unsupported_parameter", "max_tokens"),
    (5, chat(model="gpt-5.4-mini", max_tokens=100), "unsupported_parameter", "max_tokens"),
    (6, chat(model="gpt-4.1", tools=[chat_named("functions.find now")]), "invalid_value", "tools[0].function.name"),
    (6, chat(model="gpt-4.1", tools=[chat_named("n" * 65)]), "invalid_value", "tools[0].function.name"),
    (6, chat(model="gpt-4.1", tools=[CHAT_TOOL, CHAT_TOOL]), None, "tools"),
    (
        6,
        chat(messages=[USER, {**CHAT_CALLS, "tool_calls": [{**CHAT_CALL, "id": "c" * 41}]}]),
        "string_above_max_length",
        "messages[1].tool_calls[0].id",
    ),
    (6, chat(messages=[USER, {**CHAT_CALLS, "tool_calls": [CHAT_CALL, CHAT_CALL]}, CHAT_RESULT]), None, "messages"),
    (6, chat(safety_identifier="a" * 129), "string_above_max_length", "safety_identifier"),
    (
        6,
        chat(response_format={**CHAT_FORM, "json_schema": {**CHAT_FORM["json_schema"], "name": "an answer"}}),
        "invalid_value",
        "response_format.json_schema.name",
    ),
    (
        7,
        chat(model="gpt-4.1", tools=[chat_named(f"tool_{n}") for n in range(129)]),
        "array_above_max_length",
        "tools",
    ),
    (7, chat(tools=[]), "empty_array", "tools"),
    (
        8,
        chat(response_format={"type": "json_schema", "json_schema": {"name": "a", "strict": True, "schema": {}}}),
        None,
        "response_format",
    ),
    (
        8,
        chat(
            model="gpt-4.1",
            tools=[{**CHAT_TOOL, "function": {**CHAT_TOOL["function"], "parameters": {"type": "object"}}}],
        ),
        "invalid_function_parameters",
        "tools[0].function.parameters",
    ),
    (9, chat(messages=[USER, CHAT_CALLS]), None, "messages.[2].role"),
    (9, chat(messages=[USER, CHAT_CALLS, USER, CHAT_RESULT]), None, "messages.[2].role"),
    (9, chat(messages=[USER, CHAT_RESULT]), None, "messages.[1].role"),
    (9, chat(messages=[USER, CHAT_CALLS, CHAT_RESULT, CHAT_RESULT]), None, "messages.[3].role"),
    (13, chat(brand_new=1), "unknown_parameter", "brand_new"),
    (13, chat(max_output_tokens=100), "unknown_parameter", "max_output_tokens"),
    (13, chat(tools=[TOOL]), "unknown_parameter", None),
    (13, chat(messages=[{**USER, "reasoning_content": "x"}]), "unknown_parameter", "messages[0].reasoning_content"),
    (13, chat(service_tier="ultrafast"), "invalid_value", "service_tier"),
    (13, chat(tool_choice="required"), None, "tool_choice"),
    (13, chat(model="gpt-5.4-mini", prompt_cache_options={"ttl": "12h"}), "unsupported_parameter", None),
]
WRONG_RESPONSES: list[Wrong] = [
    (1, response(model="o4-mini"), "model_not_found", "model"),
    (3, response(model="gpt-6.2-sol", reasoning=NONE), "unsupported_value", "reasoning.effort"),
    (3, response(model="gpt-6.2-astra", reasoning={"effort": "minimal"}), "unsupported_value", "reasoning.effort"),
    (4, response(temperature=1), "unsupported_parameter", "temperature"),
    (4, response(include=["message.output_text.logprobs"]), "unsupported_parameter", "include"),
    (4, response(model="gpt-6-astra", top_p=0.5), "unsupported_parameter", "top_p"),
    (5, response(max_output_tokens=15), "integer_below_min_value", "max_output_tokens"),
    (6, response(tools=[named("find now")]), "invalid_value", "tools[0].name"),
    (6, response(tools=[TOOL, TOOL]), None, "tools"),
    (6, response(text={"format": {**FORM["format"], "name": "ü"}}), "invalid_value", "text.format.name"),
    (
        6,
        response(input=[USER, {**CALL, "call_id": "c" * 65}, {**OUTPUT, "call_id": "c" * 65}]),
        "string_above_max_length",
        "input[1].call_id",
    ),
    (6, response(input=[USER, {**CALL, "id": "call_1"}, OUTPUT]), "invalid_value", "input[1].id"),
    (6, response(input=[USER, CALL, CALL, OUTPUT]), None, "input"),
    (7, response(tools=[named(f"tool_{n}") for n in range(129)]), "array_above_max_length", "tools"),
    (7, response(tools=[{**TOOL, "strict": None}]), "missing_required_parameter", "tools[0].strict"),
    (
        8,
        response(text={"format": {**FORM["format"], "schema": {"type": "array", "items": {"type": "string"}}}}),
        "invalid_json_schema",
        "text.format.schema",
    ),
    (
        8,
        response(tools=[{**TOOL, "parameters": {"type": "object", "properties": {"a": {}}}}]),
        "invalid_function_parameters",
        "tools[0].parameters",
    ),
    (9, response(input=[USER, CALL]), None, "input"),
    (9, response(input=[USER, OUTPUT]), None, "input"),
    (9, response(input=[USER, OUTPUT, CALL]), None, "input"),
    (9, response(input=[USER, CALL, OUTPUT, OUTPUT]), None, "input"),
    (13, response(brand_new=1), "unknown_parameter", "brand_new"),
    (13, response(messages=[USER], input=None), "unsupported_parameter", "messages"),
    (13, response(response_format=CHAT_FORM), "unsupported_parameter", "response_format"),
    (13, response(reasoning_effort="low"), "unsupported_parameter", "reasoning_effort"),
    (13, response(max_tokens=100), "unsupported_parameter", "max_tokens"),
    (13, response(tools=[CHAT_TOOL]), "missing_required_parameter", "tools[0].name"),
    (13, response(text={"format": CHAT_FORM}), "unknown_parameter", "text.format.json_schema"),
    (13, response(input=[{**USER, "tool_calls": []}]), "unknown_parameter", "input[0].tool_calls"),
    (13, response(input=[{"role": "tool", "content": "x"}]), "invalid_value", "input[0].role"),
    (
        13,
        response(input=[{"role": "assistant", "content": [{"type": "input_text", "text": "x"}]}, USER]),
        "invalid_value",
        "input[0].content[0].type",
    ),
    (13, response(include=["everything"]), "invalid_value", "include"),
    (13, response(input=3), "invalid_type", "input"),
    (13, response(input=[3]), "invalid_type", "input[0]"),
    (13, response(store="false"), "invalid_type", "store"),
    (13, response(max_output_tokens=True), "invalid_type", "max_output_tokens"),
    (13, response(tools=[{**TOOL, "type": "web"}]), "invalid_value", "tools[0].type"),
    (13, response(input=[{"role": "user"}]), "missing_required_parameter", "input[0].content"),
]
RIGHT_CHATS: dict[str, Json] = {
    "a model that lives": chat(model="gpt-4.1-mini"),
    "a name that no source knows": chat(model="llama-of-my-own", max_tokens=50, temperature=0.3, tools=[CHAT_TOOL]),
    "tools without thinking": chat(tools=[CHAT_TOOL], reasoning_effort="none"),
    "tools where none is the default": chat(model="gpt-5.4-mini", tools=[CHAT_TOOL]),
    "tools on an older model that thinks": chat(model="gpt-5-mini", tools=[CHAT_TOOL]),
    "an effort of the model": chat(model="gpt-6.1-sol", reasoning_effort="max"),
    "sampling without thinking": chat(reasoning_effort="none", temperature=0.2, top_p=0.9),
    "the newer limit": chat(max_completion_tokens=5_000),
    "max_tokens on an older model": chat(model="gpt-4.1", max_tokens=100),
    "a call and its result": chat(messages=[USER, CHAT_CALLS, CHAT_RESULT]),
    "128 tools": chat(model="gpt-4.1", tools=[chat_named(f"tool_{n}") for n in range(128)]),
    "a loose schema": chat(response_format={"type": "json_schema", "json_schema": {"name": "a", "schema": {}}}),
    "a strict schema": chat(response_format=CHAT_FORM),
    "fields of the SDK": chat(store=False, service_tier="fast", prompt_cache_key="k", safety_identifier="a" * 128),
}
RIGHT_RESPONSES: dict[str, Json] = {
    "plain": response(),
    "a text": response(input="Hello"),
    "tools while thinking": response(tools=[TOOL], reasoning={"effort": "high"}),
    "tools of a model that always thinks": response(model="gpt-6-astra", tools=[TOOL]),
    "the least limit": response(max_output_tokens=16),
    "sampling without thinking": response(reasoning=NONE, temperature=0),
    "a call of another model": response(input=[USER, CALL, OUTPUT]),
    "a tool that is not strict": response(tools=[{**TOOL, "strict": False, "parameters": {"type": "object"}}]),
    "a strict schema": response(text={**FORM, "verbosity": "low"}),
    "fields of the SDK": response(
        include=["reasoning.encrypted_content"],
        service_tier="priority",
        prompt_cache_key="k",
        prompt_cache_options={"mode": "implicit", "ttl": "12h"},
        parallel_tool_calls=False,
        truncation="disabled",
    ),
}


def check(path: str, wrong: Wrong) -> None:
    number, body, code, param = wrong
    double = Double()
    status, answer = double.post(path, body)

    error = answer["error"]
    assert (404 if number == 1 else 400, "invalid_request_error", code) == (status, error["type"], error["code"])
    assert param is None or param == error["param"]
    (call,) = double.calls()
    assert ("refused", number, body["model"]) == (call["mode"], call["refused"]["rule"], call["model"])


@pytest.mark.parametrize("wrong", WRONG_CHATS, ids=lambda w: f"{w[0]}-{w[3]}")
def test_a_wrong_chat_meets_its_rule(wrong: Wrong) -> None:
    check(CHAT, wrong)


@pytest.mark.parametrize("wrong", WRONG_RESPONSES, ids=lambda w: f"{w[0]}-{w[3]}")
def test_a_wrong_response_meets_its_rule(wrong: Wrong) -> None:
    check(RESPONSES, wrong)


@pytest.mark.parametrize("body", RIGHT_CHATS.values(), ids=RIGHT_CHATS)
def test_a_right_chat_is_answered(body: Json) -> None:
    assert Double().ok(CHAT, body)["choices"]


@pytest.mark.parametrize("body", RIGHT_RESPONSES.values(), ids=RIGHT_RESPONSES)
def test_a_right_response_is_answered(body: Json) -> None:
    assert "response" == Double().ok(RESPONSES, body)["object"]


@pytest.mark.parametrize("path", [CHAT, RESPONSES])
def test_azure_refuses_the_same_with_its_own_word_for_a_retired_model(path: str) -> None:
    azure = f"/azure/openai{path}"
    wrong = chat(model="gpt-4.1-nano") if path == CHAT else response(model="gpt-4.1-nano")

    assert "DeploymentNotFound" == Double().post(azure, wrong)[1]["error"]["code"]
    assert 400 == Double().post(azure, {**wrong, "model": "gpt-6-luna", "temperature": 0.1})[0]


def test_a_model_answers_until_the_day_of_its_shutdown() -> None:
    clock, body = Clock(), chat(model="gpt-5-mini")
    double = Double(clock)
    double.ok(CHAT, body)
    clock.now = NOW + 17 * DAY_S
    double.ok(CHAT, body)
    clock.now = NOW + 18 * DAY_S

    status, answer = double.post(CHAT, body)

    assert 404 == status
    assert "has been deprecated" in answer["error"]["message"]
    assert 404 == double.post(CHAT, {**body, "model": "gpt-5-mini-2025-08-07"})[0]


def test_the_official_sdk_names_the_same_days_of_shutdown() -> None:
    said = " ".join(inspect.getsource(chat_model).split())
    told = {
        name: dt.date.fromisoformat(day)
        for names, day in re.findall(r'- ((?:"[^"]+",? ?)+): Announced shutdown date: (\d{4}-\d\d-\d\d)', said)
        for name in re.findall(r'"([^"]+)"', names)
    }

    assert {name: day for name, day in told.items() if retires(name, "openai") != day} == {}


@pytest.mark.parametrize(
    ("name", "effort"),
    [
        ("gpt-35-turbo", "none"),
        ("gpt-oss-20b", "none"),
        ("gpt-6.3-sol", "medium"),
        ("openai/gpt-6-luna", "medium"),
        ("gpt-6-luna-2026-09-01", "medium"),
        ("gpt-5.3-codex", "none"),
        ("my-own", "none"),
    ],
)
def test_a_name_that_no_source_knows_is_taken_for_one_of_its_version(name: str, effort: str) -> None:
    assert effort == model(name).effort


def test_the_refusal_of_tools_names_the_other_api() -> None:
    assert "/v1/responses" in Double().post(CHAT, chat(tools=[CHAT_TOOL]))[1]["error"]["message"]


@pytest.mark.parametrize("body", [{}, {"model": "m"}, {"model": "", "input": "x"}, {"model": 3, "input": "x"}, [], "x"])
def test_a_request_of_another_shape_is_refused_and_listed(body: Any) -> None:
    double = Double()

    assert 400 == double.post(RESPONSES, body)[0]
    assert [("refused", None)] == [(call["mode"], call["refused"]["rule"]) for call in double.calls()]


def test_what_is_not_played_is_not_answered_otherwise() -> None:
    double = Double()

    for name in ("stream", "background", "previous_response_id"):
        status, answer = double.post(
            RESPONSES, response(**{name: True if name != "previous_response_id" else "resp_1"})
        )
        assert (400, f"{name} is not played here") == (status, answer["error"]["message"])
    assert {"gpt-6-luna"} == {call["model"] for call in double.calls()}


@pytest.mark.parametrize(
    "text", ['{"model": "m", "input": NaN}', '{"model": "m", "input": "\\ud800"}', "{", "[" * 9_000]
)
def test_what_is_no_json_is_refused(text: str) -> None:
    answer = Provider(Brain(Annotations()))(Request("POST", RESPONSES, {}, BEARER, text.encode()))

    assert 400 == answer.status


def test_every_rule_has_a_number_of_its_own_and_a_source() -> None:
    for wire in ("chat", "responses"):
        numbers = [rule.number for rule in RULES[wire]]
        assert len(numbers) == len(set(numbers))
        assert all(rule.source and rule.says for rule in RULES[wire])


def test_the_rules_are_listed_with_their_sources() -> None:
    answer = Provider(Brain(Annotations()))(Request("GET", "/_rules", {}, {}, b""))

    found = json.loads(answer.body)
    assert {"wire": "chat", "rule": 4, "is_sure": True} in [
        {name: rule[name] for name in ("wire", "rule", "is_sure")} for rule in found
    ]
    assert sum(map(len, RULES.values())) == len(found)


def test_every_rule_that_refuses_is_met_here_or_in_the_tests_of_histories_and_servers() -> None:
    elsewhere, shapes_answers = {10, 11, 12, 30}, {14}

    met = {wrong[0] for wrong in (*WRONG_CHATS, *WRONG_RESPONSES)} | elsewhere | shapes_answers
    assert {rule.number for wire in ("chat", "responses") for rule in RULES[wire]} == met
