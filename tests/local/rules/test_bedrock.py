"""What Bedrock's Converse refuses, and how its models think, cache and bill, as the local provider plays them."""

import datetime as dt
import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from infra.local.model_provider.rules import RULES, refusal
from infra.local.model_provider.rules.rule import Sent
from tests.contract.models.official import CHECK_ANSWER, CHECK_REQUEST
from tests.local.rules.provider import ANSWER, QUERY, SIGNED, Clock, Json, calls, converse, play, provider, read

TODAY = dt.date(2026, 12, 1)
NOVA = "global.amazon.nova-2-lite-v1:0"
HAIKU, SONNET = "eu.anthropic.claude-haiku-5-5", "eu.anthropic.claude-sonnet-5-5"
OLDER = "eu.anthropic.claude-haiku-4-5-20251001-v1:0"
OSS = "openai.gpt-oss-20b-1:0"
SAYS: Json = {"role": "user", "content": [{"text": "My billing statement is wrong"}]}
SPEC: Json = {"name": "search_knowledge", "description": "Search.", "inputSchema": {"json": QUERY}}
TOOLS: Json = {"tools": [{"toolSpec": SPEC}]}
BASE: Json = {
    "system": [{"text": "Sort messages."}],
    "messages": [SAYS],
    "inferenceConfig": {"maxTokens": 4000},
    "toolConfig": TOOLS,
}
USE: Json = {"toolUse": {"toolUseId": "t1", "name": "search_knowledge", "input": {}}}
CALLED: Json = {"role": "assistant", "content": [USE]}
RESULT: Json = {"toolResult": {"toolUseId": "t1", "content": [{"text": "{}"}]}}
ANSWERED: Json = {"role": "user", "content": [RESULT]}
POINT: Json = {"cachePoint": {"type": "default"}}


def form(schema: Any) -> Json:
    """Return a request for an answer of a schema."""
    text = schema if isinstance(schema, str) else json.dumps(schema)
    structure = {"jsonSchema": {"name": "answer", "schema": text}}
    return {"outputConfig": {"textFormat": {"type": "json_schema", "structure": structure}}}


def extra(**fields: Any) -> Json:
    """Return a request with fields that are the model's own."""
    return {"additionalModelRequestFields": fields}


def use(**changes: Any) -> Json:
    """Return a conversation with a changed call, and its result."""
    called = {**USE["toolUse"], **changes}
    result = {**RESULT["toolResult"], "toolUseId": called["toolUseId"]}
    following = {"role": "user", "content": [{"toolResult": result}]}
    return {"messages": [SAYS, {"role": "assistant", "content": [{"toolUse": called}]}, following]}


def sent(model: str, changes: Mapping[str, Any], authorization: str = SIGNED) -> Sent:
    """Return a request with changes: None takes a field away."""
    body = {name: value for name, value in {**BASE, **changes}.items() if value is not None}
    return Sent(model, body, {"authorization": authorization}, "", TODAY)


WRONG: tuple[tuple[int, str, str, Json], ...] = (
    (26, NOVA, "pattern", use(toolUseId="find 0")),
    (26, NOVA, "less than or equal to 64", use(toolUseId="x" * 65)),
    (26, NOVA, "toolUse.name", use(name="functions.find now")),
    (26, NOVA, "toolUse.input", use(input=[])),
    (26, NOVA, "system.1", {"system": [{"text": ""}]}),
    (26, NOVA, "description", {"toolConfig": {"tools": [{"toolSpec": {**SPEC, "description": ""}}]}}),
    (26, NOVA, "toolConfig.tools", {"toolConfig": {"tools": []}}),
    (26, NOVA, "toolChoice.none", {"toolConfig": {**TOOLS, "toolChoice": {"none": {}}}}),
    (26, NOVA, "maxTokens", {"inferenceConfig": {"maxTokens": 0}}),
    (26, NOVA, "65535", {"inferenceConfig": {"maxTokens": 65_536}}),
    (26, NOVA, "temperature", {"inferenceConfig": {"temperature": 1.5}}),
    (26, NOVA, "serviceTier", {"serviceTier": {"type": "fast"}}),
    (26, NOVA, "output_config", {"output_config": {}}),
    (26, NOVA, "messages.1.member.role", {"messages": [{"role": "tool", "content": [{"text": "x"}]}]}),
    (26, NOVA, "expected list", {"messages": [{"role": "user", "content": "x"}]}),
    (26, NOVA, "is blank", {"messages": [{"role": "user", "content": [{"text": "\n"}]}]}),
    (26, NOVA, "is empty", {"messages": [{"role": "user", "content": []}]}),
    (26, NOVA, "start with a user", {"messages": []}),
    (26, NOVA, "start with a user", {"messages": [{"role": "assistant", "content": [{"text": "x"}]}, SAYS]}),
    (26, NOVA, "alternate", {"messages": [SAYS, SAYS]}),
    (26, NOVA, "must be defined", {"messages": [SAYS, CALLED, ANSWERED], "toolConfig": None}),
    (26, NOVA, "messages.2.content for", {"messages": [SAYS, CALLED, SAYS]}),
    (26, NOVA, "Expected toolResult", {"messages": [SAYS, CALLED]}),
    (26, NOVA, "exceeds", {"messages": [SAYS, {"role": "assistant", "content": [{"text": "x"}]}, ANSWERED]}),
    (26, NOVA, "duplicate", {"messages": [SAYS, {**CALLED, "content": [USE, USE]}, ANSWERED]}),
    (26, NOVA, "exceeds", {"messages": [SAYS, CALLED, {"role": "user", "content": [RESULT, RESULT]}]}),
    (26, NOVA, "same name", {"toolConfig": {"tools": TOOLS["tools"] * 2}}),
    (26, HAIKU, "prefill", {"messages": [SAYS, {"role": "assistant", "content": [{"text": "Well"}]}]}),
    (
        26,
        HAIKU,
        "immediately after",
        {"messages": [SAYS, CALLED, {"role": "user", "content": [{"text": "x"}, RESULT]}]},
    ),
    (26, HAIKU, "Found 5", {"system": [{"text": "x"}, POINT] * 5}),
    (26, OSS, "prompt caching", {"system": [{"text": "x"}, POINT]}),
    (27, NOVA, "textFormat", form(ANSWER)),
    (27, SONNET, "textFormat", form(ANSWER)),
    (27, OLDER, "JSON object", form("{")),
    (27, OLDER, "additionalProperties", form({**ANSWER, "additionalProperties": True})),
    (27, NOVA, "strict", {"toolConfig": {"tools": [{"toolSpec": {**SPEC, "strict": True}}]}}),
    (27, SONNET, "strict", {"toolConfig": {"tools": [{"toolSpec": {**SPEC, "strict": True}}]}}),
    (27, NOVA, "outputConfig.effort", {"outputConfig": {"effort": "low"}}),
    (29, HAIKU, "`temperature`", {"inferenceConfig": {"maxTokens": 4000, "temperature": 0.2}}),
    (29, SONNET, "forces tool use", {"toolConfig": {**TOOLS, "toolChoice": {"any": {}}}}),
    (
        29,
        "eu.anthropic.claude-sonnet-5",
        "forces tool use",
        {"toolConfig": {**TOOLS, "toolChoice": {"tool": {"name": "search_knowledge"}}}},
    ),
    (29, SONNET, "thinking.type.disabled", extra(thinking={"type": "disabled"})),
    (29, OLDER, "effort parameter", {"outputConfig": {"effort": "low"}}),
    (29, HAIKU, "output_config.effort", extra(output_config={"effort": "none"})),
    (29, HAIKU, "[reasoningConfig]", extra(reasoningConfig={"type": "enabled"})),
    (29, NOVA, "[thinking]", extra(thinking={"type": "adaptive"})),
    (29, NOVA, "low, medium or high", extra(reasoningConfig={"type": "enabled"})),
    (29, NOVA, "low, medium or high", extra(reasoningConfig={"type": "enabled", "maxReasoningEffort": "max"})),
    (29, NOVA, "must not be set", extra(reasoningConfig={"type": "enabled", "maxReasoningEffort": "high"})),
    (29, OSS, "reasoning_effort", extra(reasoning_effort="none")),
    (
        29,
        "eu.amazon.nova-lite-v1:0",
        "reasoningContent",
        {
            "messages": [
                SAYS,
                {**CALLED, "content": [{"reasoningContent": {"reasoningText": {"text": "x"}}}, USE]},
                ANSWERED,
            ]
        },
    ),
)
RIGHT: tuple[tuple[str, Json], ...] = (
    (NOVA, {}),
    (NOVA, {"inferenceConfig": {"temperature": 0.2, "topP": 0.9}}),
    (NOVA, use(toolUseId="functions.find:0")),
    (NOVA, {"messages": [SAYS, CALLED, {"role": "user", "content": [RESULT, {"text": "And?"}]}]}),
    (NOVA, extra(reasoningConfig={"type": "enabled", "maxReasoningEffort": "low"})),
    (NOVA, {**extra(reasoningConfig={"type": "enabled", "maxReasoningEffort": "high"}), "inferenceConfig": None}),
    (NOVA, {"toolConfig": {**TOOLS, "toolChoice": {"any": {}}}}),
    (NOVA, {"system": [{"text": "x"}, POINT], "serviceTier": {"type": "flex"}}),
    (HAIKU, {"outputConfig": {"effort": "low"}}),
    (HAIKU, {**extra(thinking={"type": "disabled"}), "toolConfig": {**TOOLS, "toolChoice": {"any": {}}}}),
    (SONNET, extra(thinking={"type": "between_tools"}, output_config={"effort": "low"})),
    (OLDER, form(ANSWER)),
    (OLDER, {**form(ANSWER), "toolConfig": {"tools": [{"toolSpec": {**SPEC, "strict": True}}]}}),
    (OLDER, extra(thinking={"type": "enabled", "budget_tokens": 1024})),
    (OLDER, {"inferenceConfig": {"maxTokens": 4000, "temperature": 0.2}}),
    (OSS, extra(reasoning_effort="low")),
    ("eu.meta.llama3-2-3b-instruct-v1:0", {}),
)


@pytest.mark.parametrize(("number", "model", "words", "changes"), WRONG)
def test_a_wrong_request_meets_its_rule(number: int, model: str, words: str, changes: Json) -> None:
    found = refusal("bedrock", sent(model, changes))

    assert found
    assert number == found[0].number
    assert words in found[1].message


@pytest.mark.parametrize(("model", "changes"), RIGHT)
def test_a_right_request_meets_no_rule(model: str, changes: Json) -> None:
    right = sent(model, changes)

    CHECK_REQUEST["bedrock"](dict(right.body))
    assert refusal("bedrock", right) is None


def test_every_rule_is_met_by_a_wrong_request() -> None:
    assert {rule.number for rule in RULES["bedrock"]} == {number for number, *_ in WRONG} | {28}


UNKNOWN, ON_DEMAND = (400, "identifier is invalid"), (400, "on-demand throughput")
OVER, LEGACY = (404, "end of its life"), (404, "Access denied. This Model is marked by provider as Legacy")


@pytest.mark.parametrize(
    ("model", "answer"),
    [
        ("amazon.nova-2-lite-v1:0", ON_DEMAND),
        ("amazon.nova-lite-v1:0", ON_DEMAND),
        ("anthropic.claude-haiku-5-5", ON_DEMAND),
        ("us.amazon.nova-2-lite-v1:0", UNKNOWN),
        ("au.anthropic.claude-haiku-5-5", UNKNOWN),
        ("eu.openai.gpt-6-luna", UNKNOWN),
        ("eu.anthropic.claude-haiku-9", UNKNOWN),
        ("amazon.nova-3-pro-v1:0", UNKNOWN),
        ("gpt-6-luna", UNKNOWN),
        ("eu.anthropic.claude-3-5-sonnet-20240620-v1:0", OVER),
        ("anthropic.claude-v2:1", OVER),
        ("eu.anthropic.claude-sonnet-4-20250514-v1:0", LEGACY),
        ("arn:aws:bedrock:eu-central-1:123456789012:inference-profile/us.amazon.nova-2-lite-v1:0", UNKNOWN),
    ],
)
def test_a_model_that_cannot_be_called_gets_its_own_answer(model: str, answer: tuple[int, str]) -> None:
    double = provider()

    response = converse(double, model, BASE)

    status, words = answer
    kind = "ResourceNotFoundException" if status == 404 else "ValidationException"
    assert (status, kind) == (response.status, response.headers["x-amzn-errortype"])
    assert words in json.loads(response.body)["message"]
    assert 28 == calls(double)[0]["refused"]["rule"]


@pytest.mark.parametrize(
    ("model", "region"),
    [
        ("amazon.nova-lite-v1:0", "us-east-1"),
        ("us.amazon.nova-2-lite-v1:0", "us-west-2"),
        ("jp.anthropic.claude-haiku-5-5", "ap-northeast-1"),
        ("global.openai.gpt-6-luna", "eu-central-1"),
        (OSS, "eu-central-1"),
        ("arn:aws:bedrock:eu-central-1:123456789012:application-inference-profile/abc123", "eu-central-1"),
    ],
)
def test_a_model_of_the_region_is_called(model: str, region: str) -> None:
    signed = SIGNED.replace("eu-central-1", region)

    assert refusal("bedrock", sent(model, {}, signed)) is None
    assert refusal("bedrock", sent(model, {}, "Bearer key")) is None or model == "amazon.nova-lite-v1:0"


def looped(first: Json, **changes: Any) -> Json:
    """Return the request that follows a call: its answer as it came, and a result for each call."""
    message = first["output"]["message"]
    uses = [block["toolUse"] for block in message["content"] if "toolUse" in block]
    results = [{"toolResult": {"toolUseId": one["toolUseId"], "content": [{"text": "{}"}]}} for one in uses]
    return {**BASE, "messages": [SAYS, message, {"role": "user", "content": results}], **changes}


@pytest.mark.parametrize(
    ("model", "fields", "seen"),
    [
        (HAIKU, {}, ""),
        (SONNET, {}, ""),
        ("eu.anthropic.claude-opus-5", {}, ""),
        (OLDER, {"thinking": {"type": "enabled", "budget_tokens": 1024}}, "Let me see"),
        (NOVA, {"reasoningConfig": {"type": "enabled", "maxReasoningEffort": "low"}}, "[REDACTED]"),
        (OSS, {}, "Let me see"),
        ("global.openai.gpt-6-luna", {}, "Let me see"),
    ],
)
def test_a_tool_loop_goes_on_with_its_reasoning(model: str, fields: Json, seen: str) -> None:
    double = provider()
    first = read(converse(double, model, {**BASE, **extra(**fields)}))
    second = read(converse(double, model, looped(first, **extra(**fields))))

    thought = first["output"]["message"]["content"][0]["reasoningContent"]["reasoningText"]
    assert thought["text"].startswith(seen)
    assert ("claude" in model) == ("signature" in thought)
    assert ("tool_use", "end_turn") == (first["stopReason"], second["stopReason"])
    for answer in (first, second):
        CHECK_ANSWER["bedrock"](answer)


def thought_with(**changes: Any) -> Callable[[list[Json]], list[Json]]:
    """Return what changes a thought, and takes away what is None."""

    def change(blocks: list[Json]) -> list[Json]:
        text = {**blocks[0]["reasoningContent"]["reasoningText"], **changes}
        kept = {name: value for name, value in text.items() if value is not None}
        return [{"reasoningContent": {"reasoningText": kept}}, *blocks[1:]]

    return change


@pytest.mark.parametrize(
    "change",
    [
        thought_with(text="Another."),
        thought_with(signature=None),
        thought_with(signature="x"),
        lambda blocks: blocks[1:],
    ],
    ids=["edited", "without a signature", "signed otherwise", "left out"],
)
def test_a_changed_thought_is_refused_in_a_loop(change: Callable[[list[Json]], list[Json]]) -> None:
    double = provider()
    following = looped(read(converse(double, HAIKU, BASE)))
    following["messages"][1]["content"] = change(following["messages"][1]["content"])

    assert 400 == converse(double, HAIKU, following).status
    assert 29 == calls(double)[-1]["refused"]["rule"]


def test_a_thought_is_bound_to_all_before_it() -> None:
    double = provider()
    first = read(converse(double, SONNET, BASE))

    answer = converse(double, SONNET, looped(first, system=[{"text": "It is Monday."}]))

    assert "ValidationException" == answer.headers["x-amzn-errortype"]
    assert b"bound to a different conversation" in answer.body


def test_thinking_leaves_no_room_in_too_small_a_limit() -> None:
    answer = read(converse(provider(), SONNET, {**BASE, "inferenceConfig": {"maxTokens": 800}}))

    assert ["reasoningContent"] == [next(iter(block)) for block in answer["output"]["message"]["content"]]
    assert ("max_tokens", 800) == (answer["stopReason"], answer["usage"]["outputTokens"])


@pytest.mark.parametrize("model", [NOVA, HAIKU])
def test_a_cache_point_is_written_once_and_read_while_it_lives(model: str) -> None:
    clock = Clock()
    double, body = provider(clock), {**BASE, "system": [{"text": "Be brief. " * 500}, POINT]}
    found = []
    for later_s in (0, 299, 301):
        clock.now += later_s
        usage = read(converse(double, model, body))["usage"]
        details = sum(detail["inputTokens"] for detail in usage["cacheDetails"])
        assert usage["cacheWriteInputTokens"] == details
        cached = usage["cacheWriteInputTokens"] + usage["cacheReadInputTokens"]
        assert calls(double)[-1]["tokens_in"] == usage["inputTokens"] + cached
        found.append((usage["cacheWriteInputTokens"] > 1000, usage["cacheReadInputTokens"] > 1000))

    assert [(True, False), (False, True), (True, False)] == found


def test_no_prompt_is_cached_beyond_what_is_billed() -> None:
    many = [{"role": "user", "content": [*[{"text": "A"}] * 2000, POINT]}]
    for model in (NOVA, HAIKU):
        usage = read(converse(provider(), model, {**BASE, "messages": many}))["usage"]

        assert usage["inputTokens"] >= 0 < usage["cacheWriteInputTokens"]


@pytest.mark.parametrize("mode", ["truncated", "blank", "other_model", "filter", "refusal", "empty", "prose"])
def test_every_answer_is_one_of_the_service_model(mode: str) -> None:
    double = provider()
    play(double, mode)
    answer = read(converse(double, HAIKU, BASE))

    CHECK_ANSWER["bedrock"](answer)
    wanted = {"truncated": "max_tokens", "filter": "content_filtered", "refusal": "content_filtered"}
    assert answer["stopReason"] == wanted.get(mode, "tool_use" if mode in ("blank", "other_model") else "end_turn")


def test_errors_have_the_services_own_shapes() -> None:
    double = provider()
    play(double, "error_in_200")
    hidden = converse(double, NOVA, BASE)
    play(double, "model_gone")
    gone = converse(double, NOVA, BASE)

    assert (200, "ThrottlingException") == (hidden.status, json.loads(hidden.body)["__type"])
    assert (404, "ResourceNotFoundException") == (gone.status, gone.headers["x-amzn-errortype"])
    assert "end of its life" in json.loads(gone.body)["message"]
