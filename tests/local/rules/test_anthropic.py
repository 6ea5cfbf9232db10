"""What Anthropic's API refuses, and how Claude thinks, caches and bills, as the local provider plays it."""

import datetime as dt
import json
from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Any, Literal

import pytest
from anthropic import transform_schema
from pydantic import BaseModel, Field

from infra.local.model_provider.rules import RULES, refusal
from infra.local.model_provider.rules.anthropic_schemas import refused
from infra.local.model_provider.rules.rule import Sent
from tests.contract.models.official import CHECK_ANSWER
from tests.local.rules.provider import ANSWER, QUERY, VERSION, Clock, Json, calls, messages, play, provider, read

TODAY = dt.date(2026, 12, 1)
HAIKU, SONNET, OPUS = "claude-haiku-5-5", "claude-sonnet-5-5", "claude-opus-5-5"
THINKERS = (HAIKU, SONNET, OPUS, "claude-fable-5-2", "claude-sonnet-5", "claude-opus-5")
SAYS: Json = {"role": "user", "content": "My billing statement is wrong"}
TOOL: Json = {"name": "search_knowledge", "description": "Search.", "input_schema": QUERY}
BASE: Json = {"model": HAIKU, "max_tokens": 8000, "system": "Sort messages.", "messages": [SAYS], "tools": [TOOL]}
FORMAT: Json = {"type": "json_schema", "schema": ANSWER}
CONTROL: Json = {"type": "ephemeral"}
BLOCK: Json = {"type": "text", "text": "A"}
ANSWERED: Json = {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t1", "content": "{}"}]}
CALLED: Json = {
    "role": "assistant",
    "content": [{"type": "tool_use", "id": "t1", "name": "search_knowledge", "input": {}}],
}
STRICT = [{**TOOL, "name": f"tool_{number}", "strict": True} for number in range(21)]
RECURSIVE: Json = {
    **ANSWER,
    "properties": {"next": {"$ref": "#/$defs/Node"}},
    "required": ["next"],
    "$defs": {"Node": {**ANSWER, "properties": {"next": {"$ref": "#/$defs/Node"}}, "required": ["next"]}},
}


def schema(**parts: Any) -> Json:
    """Return a request whose answer has the parts as properties; all are required."""
    made = {"type": "object", "properties": parts, "required": [*parts], "additionalProperties": False}
    return {"output_config": {"format": {"type": "json_schema", "schema": made}}}


def optional(count: int) -> Json:
    """Return a request whose answer has so many optional parts."""
    made = schema(**{f"p{number}": {"type": "string"} for number in range(count)})
    made["output_config"]["format"]["schema"]["required"] = []
    return made


def unions(count: int) -> Json:
    """Return a request whose answer has so many parts of several types."""
    nullable = {"anyOf": [{"type": "string"}, {"type": "null"}]}
    return schema(**{f"p{number}": nullable for number in range(count)})


def sent(changes: Mapping[str, Any], version: str | None = VERSION) -> Sent:
    """Return a request with changes: None takes a field away."""
    body = {name: value for name, value in {**BASE, **changes}.items() if value is not None}
    headers = {"x-api-key": "k"} | ({"anthropic-version": version} if version else {})
    return Sent(body["model"], body, headers, "", TODAY)


WRONG: tuple[tuple[int, str, Json], ...] = (
    (1, "model: claude", {"model": "claude-sonnet-4-5"}),
    (1, "model: claude", {"model": "claude-sonnet-4-5-20250929"}),
    (1, "model: claude", {"model": "claude-3-5-haiku-latest"}),
    (15, "temperature", {"temperature": 0.2}),
    (15, "top_k", {"top_k": 10}),
    (15, "top_p", {"model": "claude-opus-4-7", "top_p": 0.9}),
    (
        15,
        "when thinking is enabled",
        {"model": "claude-haiku-4-5", "temperature": 0.2, "thinking": {"type": "enabled", "budget_tokens": 1024}},
    ),
    (16, "thinking.type.enabled", {"thinking": {"type": "enabled", "budget_tokens": 2000}}),
    (16, "thinking.type.adaptive", {"model": "claude-haiku-4-5", "thinking": {"type": "adaptive"}}),
    (16, "thinking.type.disabled", {"model": SONNET, "thinking": {"type": "disabled"}}),
    (16, "thinking.type.disabled", {"model": OPUS, "thinking": {"type": "disabled"}}),
    (16, "thinking.type.between_tools", {"model": OPUS, "thinking": {"type": "between_tools"}}),
    (16, "between_tools.display", {"model": SONNET, "thinking": {"type": "between_tools", "display": "omitted"}}),
    (
        16,
        "at effort 'xhigh'",
        {"model": SONNET, "thinking": {"type": "between_tools"}, "output_config": {"effort": "xhigh"}},
    ),
    (16, "at effort 'max'", {"thinking": {"type": "disabled"}, "output_config": {"effort": "max"}}),
    (16, "effort parameter", {"model": "claude-haiku-4-5", "output_config": {"effort": "low"}}),
    (16, "output_config.effort", {"output_config": {"effort": "none"}}),
    (16, "Input tag 'auto'", {"thinking": {"type": "auto"}}),
    (16, "block_binding", {"thinking": {"type": "adaptive", "block_binding": {}}}),
    (17, "equal to 1024", {"model": "claude-haiku-4-5", "thinking": {"type": "enabled", "budget_tokens": 1023}}),
    (17, "must be greater than", {"model": "claude-haiku-4-5", "thinking": {"type": "enabled", "budget_tokens": 8000}}),
    (17, "128001 > 128000", {"max_tokens": 128_001}),
    (17, "64001 > 64000", {"model": "claude-haiku-4-5", "max_tokens": 64_001}),
    (18, "forces tool use", {"model": SONNET, "tool_choice": {"type": "any"}}),
    (18, "forces tool use", {"model": OPUS, "tool_choice": {"type": "tool", "name": "search_knowledge"}}),
    (18, "'another' not found", {"tool_choice": {"type": "tool", "name": "another"}}),
    (18, "while providing tools", {"tools": None, "tool_choice": {"type": "any"}}),
    (19, "at least one message", {"messages": []}),
    (19, "first message", {"messages": [{"role": "assistant", "content": "Hello"}, SAYS]}),
    (19, "prefill", {"messages": [SAYS, {"role": "assistant", "content": "Well"}]}),
    (20, "non-empty content", {"messages": [{"role": "user", "content": ""}]}),
    (20, "non-empty content", {"messages": [{"role": "user", "content": []}]}),
    (20, "non-whitespace", {"messages": [{"role": "user", "content": [{"type": "text", "text": "\n"}]}]}),
    (20, "non-empty content", {"messages": [SAYS, {"role": "assistant", "content": ""}, SAYS]}),
    (20, "system: text", {"system": [{"type": "text", "text": " "}]}),
    (
        20,
        "non-whitespace",
        {"messages": [SAYS, {**CALLED, "content": [{"type": "text", "text": "\n"}, *CALLED["content"]]}, ANSWERED]},
    ),
    (21, "immediately after: t1", {"messages": [SAYS, CALLED, {"role": "user", "content": "And?"}]}),
    (
        21,
        "immediately after: t1",
        {"messages": [SAYS, CALLED, {"role": "user", "content": [BLOCK, *ANSWERED["content"]]}]},
    ),
    (21, "unexpected `tool_use_id`", {"messages": [SAYS, ANSWERED]}),
    (21, "single result", {"messages": [SAYS, CALLED, {"role": "user", "content": ANSWERED["content"] * 2}]}),
    (21, "must be unique", {"messages": [SAYS, CALLED, ANSWERED, CALLED, ANSWERED]}),
    (
        21,
        "tool_use.id",
        {"messages": [SAYS, {**CALLED, "content": [{**CALLED["content"][0], "id": "find:0"}]}, ANSWERED]},
    ),
    (
        21,
        "tool_use.name",
        {"messages": [SAYS, {**CALLED, "content": [{**CALLED["content"][0], "name": "a.b c"}]}, ANSWERED]},
    ),
    (
        21,
        "tool_use.input",
        {"messages": [SAYS, {**CALLED, "content": [{**CALLED["content"][0], "input": "{}"}]}, ANSWERED]},
    ),
    (21, "custom.name", {"tools": [{**TOOL, "name": "n" * 65}]}),
    (21, "names must be unique", {"tools": [TOOL, TOOL]}),
    (24, "minimum", schema(x={"type": "integer", "minimum": 0})),
    (24, "maxLength", schema(x={"type": "string", "maxLength": 9})),
    (24, "minItems", schema(x={"type": "array", "items": {"type": "string"}, "minItems": 2})),
    (24, "'items' is required", schema(x={"type": "array"})),
    (24, "additionalProperties", schema(x={"type": "object", "additionalProperties": {"type": "number"}})),
    (24, "additionalProperties", schema(x={"type": "object", "properties": {}})),
    (24, "Schema must have", schema(x={})),
    (24, "oneOf", schema(x={"oneOf": [{"type": "string"}]})),
    (24, "allOf with $ref", schema(x={"allOf": [{"$ref": "#/properties/y"}]}, y={"type": "string"})),
    (24, "does not point", schema(x={"$ref": "https://example.com/schema"})),
    (24, "Enum and const", schema(x={"enum": [{"a": 1}]})),
    (24, "look-around", schema(x={"type": "string", "pattern": "(?=a)b"})),
    (24, "boundary", schema(x={"type": "string", "pattern": r"^a\b"})),
    (24, "'binary'", schema(x={"type": "string", "format": "binary"})),
    (24, "Recursive", {"output_config": {"format": {"type": "json_schema", "schema": RECURSIVE}}}),
    (24, "25 optional", optional(25)),
    (24, "17 parameters", unions(17)),
    (24, "21 > 20", {"tools": STRICT}),
    (
        24,
        "additionalProperties",
        {"tools": [{**TOOL, "strict": True, "input_schema": {**QUERY, "additionalProperties": True}}]},
    ),
    (24, "top level", {"tools": [{**TOOL, "input_schema": {**QUERY, "anyOf": []}}]}),
    (25, "Found 5", {"system": [{**BLOCK, "cache_control": CONTROL}] * 5}),
    (25, "Found 5", {"system": [{**BLOCK, "cache_control": CONTROL}] * 4, "cache_control": CONTROL}),
    (25, "'5m' or '1h'", {"system": [{**BLOCK, "cache_control": {"type": "ephemeral", "ttl": "2h"}}]}),
    (
        25,
        "must not come after",
        {"system": [{**BLOCK, "cache_control": CONTROL}, {**BLOCK, "cache_control": {**CONTROL, "ttl": "1h"}}]},
    ),
)
RIGHT: tuple[Json, ...] = (
    {},
    {"temperature": 1},
    {"model": "claude-haiku-4-5", "temperature": 0.2},
    {"model": "claude-haiku-4-5", "thinking": {"type": "enabled", "budget_tokens": 1024}},
    {"model": "claude-opus-4-6", "thinking": {"type": "enabled", "budget_tokens": 1024}},
    {"thinking": {"type": "disabled"}, "output_config": {"effort": "high"}},
    {"thinking": {"type": "adaptive", "display": "summarized"}, "output_config": {"effort": "max"}},
    {"model": SONNET, "thinking": {"type": "between_tools"}, "output_config": {"effort": "low"}},
    {"tool_choice": {"type": "any"}},
    {"model": SONNET, "tool_choice": {"type": "none"}},
    {"messages": [SAYS, SAYS]},
    {"messages": [SAYS, {"role": "assistant", "content": "Hello"}, SAYS]},
    {"model": "claude-haiku-4-5", "messages": [SAYS, {"role": "assistant", "content": "Well"}]},
    {"messages": [SAYS, CALLED, {**ANSWERED, "content": [*ANSWERED["content"], BLOCK]}]},
    {"messages": [SAYS, CALLED, {**ANSWERED, "content": [{**ANSWERED["content"][0], "content": ""}]}]},
    {"output_config": {"format": FORMAT}},
    schema(x={"type": "array", "items": {"type": "string", "format": "uri"}, "minItems": 1}),
    schema(x={"anyOf": [{"$ref": "#/properties/y"}, {"type": "null"}]}, y={"type": "string", "pattern": "^a{1,3}$"}),
    schema(x={"type": "string", "pattern": r"^a\\bar\(?=$"}),
    optional(24),
    unions(16),
    {"tools": STRICT[:20]},
    {"tools": [{**TOOL, "input_schema": {"type": "object", "properties": {"x": {"type": "integer", "minimum": 1}}}}]},
    {"system": [{**BLOCK, "cache_control": CONTROL}] * 4},
    {"model": "a-gateways-name", "temperature": 0.2},
)


@pytest.mark.parametrize(("number", "words", "changes"), WRONG)
def test_a_wrong_request_meets_its_rule(number: int, words: str, changes: Json) -> None:
    found = refusal("anthropic", sent(changes))

    assert found
    assert number == found[0].number
    assert words in found[1].message


@pytest.mark.parametrize("changes", RIGHT)
def test_a_right_request_meets_no_rule(changes: Json) -> None:
    assert refusal("anthropic", sent(changes)) is None


@pytest.mark.parametrize(
    ("version", "changes", "number"),
    [
        (None, {}, 15),
        ("2026-01-01", {}, 15),
        ("2026-10-21", {"temperature": 1}, 15),
        ("2026-10-21", {}, None),
    ],
)
def test_the_version_decides(version: str | None, changes: Json, number: int | None) -> None:
    found = refusal("anthropic", sent(changes, version))

    assert number == (found[0].number if found else None)


class Kind(StrEnum):
    A = "a"


class Line(BaseModel):
    sku: str = Field(min_length=1, pattern="^[A-Z]+$")
    count: int = Field(ge=1)


class Cat(BaseModel):
    kind: Literal["cat"]


class Dog(BaseModel):
    kind: Literal["dog"]


class Order(BaseModel):
    lines: list[Line] = Field(min_length=2)
    day: dt.date
    at: dt.datetime | None = None
    kind: Kind = Field(description="Which.")
    pet: Cat | Dog = Field(discriminator="kind")


class Tree(BaseModel):
    next: "Tree | None" = None


class Place(BaseModel):
    at: tuple[float, float]


@pytest.mark.parametrize("model", [Line, Order, Cat])
def test_what_the_official_sdk_makes_of_a_schema_is_taken_where_the_schema_itself_is_not(
    model: type[BaseModel],
) -> None:
    assert [] == list(refused(transform_schema(model)))
    assert [] != list(refused(model.model_json_schema()))


@pytest.mark.parametrize("model", [Tree, Place])
def test_what_the_official_sdk_cannot_mend_is_refused(model: type[BaseModel]) -> None:
    assert [] != list(refused(transform_schema(model)))


def test_every_rule_is_met_by_a_wrong_request() -> None:
    assert {rule.number for rule in RULES["anthropic"]} == {number for number, *_ in WRONG} | {22, 23}


def test_a_refusal_has_the_apis_shape_and_is_listed_with_its_rule() -> None:
    double = provider()

    answer = messages(double, {**BASE, "messages": []})

    body = json.loads(answer.body)
    assert (400, "error", "invalid_request_error") == (answer.status, body["type"], body["error"]["type"])
    assert answer.headers["request-id"] == body["request_id"]
    assert (19, "refused") == (calls(double)[0]["refused"]["rule"], calls(double)[0]["mode"])


def test_a_retired_model_is_not_found() -> None:
    answer = messages(provider(), {**BASE, "model": "claude-sonnet-4-5"})

    error = json.loads(answer.body)["error"]
    assert (404, "not_found_error") == (answer.status, error["type"])
    assert "claude-sonnet-4-5" in error["message"]


@pytest.mark.parametrize(
    "changes",
    [
        {"output_format": FORMAT},
        {"messages": [{**SAYS, "name": "Ann"}]},
        {"messages": [{**SAYS, "content": [{**BLOCK, "index": 0}]}]},
    ],
)
def test_a_field_that_the_api_does_not_know_is_refused(changes: Json) -> None:
    answer = messages(provider(), {**BASE, **changes})

    assert 400 == answer.status
    assert b"Extra inputs are not permitted" in answer.body


def looped(first: Json, **changes: Any) -> Json:
    """Return the request that follows a call: its answer as it came, and a result for each call."""
    results = [
        {"type": "tool_result", "tool_use_id": block["id"], "content": '{"passages": []}'}
        for block in first["content"]
        if block["type"] == "tool_use"
    ]
    turn = [{"role": "assistant", "content": first["content"]}, {"role": "user", "content": results}]
    return {**BASE, "model": first["model"], "messages": [SAYS, *turn], **changes}


def edited(body: Json, change: Callable[[list[Json]], list[Json]]) -> Json:
    """Return a request whose last assistant message has other blocks."""
    *before, last, results = body["messages"]
    return {**body, "messages": [*before, {**last, "content": change(last["content"])}, results]}


@pytest.mark.parametrize("model", THINKERS)
def test_a_tool_loop_goes_on_with_its_thoughts(model: str) -> None:
    double = provider()
    first = read(messages(double, {**BASE, "model": model}))
    second = read(messages(double, looped(first)))

    assert ["thinking", "tool_use"] == [block["type"] for block in first["content"]]
    assert "tool_use" == first["stop_reason"]
    assert ["thinking", "text"] == [block["type"] for block in second["content"]]
    assert first["content"][0]["thinking"] == ""
    for answer in (first, second):
        CHECK_ANSWER["anthropic"](answer)


@pytest.mark.parametrize(
    "change",
    [
        lambda blocks: blocks[1:],
        lambda blocks: blocks[::-1],
        lambda blocks: [{**blocks[0], "thinking": "Another thought."}, *blocks[1:]],
        lambda blocks: [{**blocks[0], "signature": blocks[0]["signature"][:-1] + "x"}, *blocks[1:]],
        lambda blocks: [{"type": "thinking", "thinking": ""}, *blocks[1:]],
    ],
    ids=["left out", "moved", "edited", "signed otherwise", "without a signature"],
)
@pytest.mark.parametrize("model", [HAIKU, "claude-opus-5"])
def test_a_changed_thought_is_refused_in_a_loop(model: str, change: Callable[[list[Json]], list[Json]]) -> None:
    double = provider()
    first = read(messages(double, {**BASE, "model": model}))

    answer = messages(double, edited(looped(first), change))

    assert 400 == answer.status
    assert 22 == calls(double)[-1]["refused"]["rule"]


@pytest.mark.parametrize(
    "changes",
    [
        {"system": "It is Monday."},
        {"tools": [{**TOOL, "description": "Search everything."}]},
    ],
)
@pytest.mark.parametrize(("model", "status"), [(SONNET, 400), ("claude-sonnet-5", 200)])
def test_newer_thoughts_are_bound_to_all_before_them(model: str, status: int, changes: Json) -> None:
    double = provider()
    first = read(messages(double, {**BASE, "model": model}))

    answer = messages(double, looped(first, **changes))

    assert status == answer.status
    assert [23] * (status == 400) == [call["refused"]["rule"] for call in calls(double) if "refused" in call]


def test_an_earlier_message_that_changed_unbinds_a_thought() -> None:
    double = provider()
    first = read(messages(double, BASE))
    following = looped(first)
    following["messages"][0] = {**SAYS, "content": "My billing statement is right"}

    assert b"bound to a different conversation" in messages(double, following).body


def test_a_breakpoint_and_a_string_written_as_blocks_change_nothing_before_a_thought() -> None:
    double = provider()
    first = read(messages(double, BASE))
    marked = [{"type": "text", "text": BASE["system"], "cache_control": CONTROL}]

    assert 200 == messages(double, looped(first, system=marked)).status


def test_a_request_may_drop_thoughts_that_are_bound_to_something_else() -> None:
    double = provider()
    first = read(messages(double, BASE))
    binding = {"type": "adaptive", "block_binding": {"prefix_mismatch_behavior": "drop_block"}}
    changed = looped(first, system="It is Monday.", thinking=binding)

    answer = messages(double, changed, anthropic_beta="thinking-binding-controls-2026-08-01")

    assert 200 == answer.status


def test_a_thought_between_others_may_not_be_left_out() -> None:
    double = provider()
    first = read(messages(double, BASE))
    second = read(messages(double, looped(first)))
    third = [{"role": "assistant", "content": second["content"]}, SAYS]
    whole = looped(first)["messages"] + third
    last = read(messages(double, {**BASE, "messages": whole}))
    without = edited({"messages": whole[:3]}, lambda blocks: blocks)["messages"]
    without += [{"role": "assistant", "content": second["content"][1:]}, SAYS]
    answers = [{"role": "assistant", "content": last["content"]}, *looped(last)["messages"][2:]]

    assert 200 == messages(double, {**BASE, "messages": [*whole, *answers]}).status
    assert b"bound to a different" in messages(double, {**BASE, "messages": [*without, *answers]}).body


@pytest.mark.parametrize(
    ("thinker", "reader", "key", "status"),
    [
        (OPUS, OPUS, "k", 400),
        (HAIKU, OPUS, "k", 400),
        (OPUS, HAIKU, "k", 200),
        (OPUS, SONNET, "k", 200),
        (SONNET, SONNET, "another", 200),
        (OPUS, OPUS, "another", 400),
    ],
)
def test_only_a_thought_that_the_model_may_read_is_held_to_its_place(
    thinker: str, reader: str, key: str, status: int
) -> None:
    double = provider()
    first = read(messages(double, {**BASE, "model": thinker}))

    assert status == messages(double, looped(first, model=reader, system="Another."), x_api_key=key).status


def test_a_call_of_another_provider_needs_no_thought() -> None:
    assert 200 == messages(provider(), {**BASE, "messages": [SAYS, CALLED, ANSWERED]}).status


def test_the_manual_mode_wants_a_thought_before_every_call() -> None:
    manual = {"model": "claude-haiku-4-5", "thinking": {"type": "enabled", "budget_tokens": 1024}}
    double = provider()
    first = read(messages(double, {**BASE, **manual}))

    assert "Let me" in first["content"][0]["thinking"]
    assert 200 == messages(double, looped(first, **manual)).status
    assert b"Expected `thinking`" in messages(double, {**BASE, **manual, "messages": [SAYS, CALLED, ANSWERED]}).body


@pytest.mark.parametrize(
    ("changes", "thinking"),
    [
        ({}, 256),
        ({"output_config": {"effort": "low"}}, 64),
        ({"thinking": {"type": "disabled"}}, 0),
        ({"tool_choice": {"type": "any"}}, 0),
        ({"model": SONNET}, 1024),
        ({"model": SONNET, "thinking": {"type": "between_tools"}}, 0),
        ({"model": "claude-opus-4-8"}, 0),
        ({"model": "claude-opus-4-8", "thinking": {"type": "adaptive"}}, 1024),
        ({"model": "claude-haiku-4-5"}, 0),
    ],
)
def test_thinking_is_billed_as_output(changes: Json, thinking: int) -> None:
    usage = read(messages(provider(), {**BASE, **changes}))["usage"]

    assert thinking == usage["output_tokens_details"]["thinking_tokens"]
    assert usage["output_tokens"] > thinking


def test_too_small_a_limit_ends_in_the_midst_of_a_thought() -> None:
    answer = read(messages(provider(), {**BASE, "model": SONNET, "max_tokens": 800}))

    assert ["thinking"] == [block["type"] for block in answer["content"]]
    assert ("max_tokens", 800) == (answer["stop_reason"], answer["usage"]["output_tokens"])
    CHECK_ANSWER["anthropic"](answer)


LONG = "Be brief. " * 300
CACHED: Json = {**BASE, "system": [{"type": "text", "text": LONG, "cache_control": CONTROL}]}


def used(body: Json, clock: Clock, later_s: float) -> list[tuple[int, int]]:
    """Ask twice; return what each request wrote to the cache and read from it."""
    double, found = provider(clock), []
    for _ in range(2):
        usage = read(messages(double, body))["usage"]
        found.append((usage["cache_creation_input_tokens"], usage["cache_read_input_tokens"]))
        clock.now += later_s
    return found


def test_a_prefix_is_written_once_and_read_while_it_lives() -> None:
    (written, nothing), (again, read_back) = used(CACHED, Clock(), 299)
    _, after_its_life = used(CACHED, Clock(), 301)
    hour = {**CACHED, "system": [{**CACHED["system"][0], "cache_control": {**CONTROL, "ttl": "1h"}}]}
    _, after_an_hours_life = used(hour, Clock(), 3599)

    assert written > 512
    assert (0, 0, written) == (nothing, again, read_back)
    assert (written, 0) == after_its_life
    assert (0, written) == after_an_hours_life


@pytest.mark.parametrize("changes", [{"model": "claude-haiku-4-5"}, {"system": "Sort.", "cache_control": CONTROL}])
def test_a_prefix_below_the_models_least_is_not_cached(changes: Json) -> None:
    assert [(0, 0), (0, 0)] == used({**CACHED, **changes}, Clock(), 1)


def test_the_prompt_is_cached_to_its_end_where_no_place_is_named() -> None:
    (written, _), (_, read_back) = used({**BASE, "system": LONG, "cache_control": CONTROL}, Clock(), 1)
    (to_the_system, _), _ = used(CACHED, Clock(), 1)

    assert to_the_system < written == read_back


def test_all_input_is_billed_once() -> None:
    double = provider()
    for _ in range(2):
        usage = read(messages(double, CACHED))["usage"]
        cached = usage["cache_creation_input_tokens"] + usage["cache_read_input_tokens"]

        assert calls(double)[-1]["tokens_in"] == usage["input_tokens"] + cached
        assert usage["cache_creation_input_tokens"] == usage["cache_creation"]["ephemeral_5m_input_tokens"]
        assert usage["input_tokens"] > 0 < cached


def test_no_prompt_is_cached_beyond_what_is_billed() -> None:
    many = [{"role": "user", "content": [{"type": "text", "text": "A"}] * 2000}]
    usage = read(messages(provider(), {**BASE, "messages": many, "cache_control": CONTROL}))["usage"]

    assert usage["input_tokens"] >= 0 < usage["cache_creation_input_tokens"]


@pytest.mark.parametrize("mode", ["truncated", "blank", "other_model", "filter", "refusal", "empty", "prose"])
def test_every_answer_is_one_of_the_official_sdk(mode: str) -> None:
    double = provider()
    play(double, mode)

    CHECK_ANSWER["anthropic"](read(messages(double, BASE)))


def test_the_modes_are_played_in_the_apis_own_words() -> None:
    found = {}
    for mode in ("truncated", "blank", "other_model", "filter", "error_in_200"):
        double = provider()
        play(double, mode)
        found[mode] = read(messages(double, BASE))

    assert "max_tokens" == found["truncated"]["stop_reason"]
    assert ["thinking"] == [block["type"] for block in found["truncated"]["content"]]
    assert [" \n"] == [block["text"] for block in found["blank"]["content"] if block["type"] == "text"]
    assert HAIKU != found["other_model"]["model"]
    assert ("refusal", "refusal") == (found["filter"]["stop_reason"], found["filter"]["stop_details"]["type"])
    assert ("error", "rate_limit_error") == (found["error_in_200"]["type"], found["error_in_200"]["error"]["type"])


def test_a_model_that_is_gone_is_named() -> None:
    double = provider()
    play(double, "model_gone")

    answer = messages(double, BASE)

    assert (404, "not_found_error") == (answer.status, json.loads(answer.body)["error"]["type"])
    assert HAIKU in json.loads(answer.body)["error"]["message"]


BETA = {"anthropic-beta": "structured-outputs-2025-11-13"}


def test_the_schema_of_the_beta_is_taken_with_its_header_and_held_to_the_same_rules() -> None:
    double, asked = provider(), {**BASE, "tools": [], "output_format": FORMAT}
    answer = read(messages(double, asked, **BETA))

    assert {*ANSWER["required"]} == {*json.loads(answer["content"][-1]["text"])}
    assert 400 == messages(double, {**asked, "output_format": {**FORMAT, "schema": RECURSIVE}}, **BETA).status
    assert 24 == calls(double)[1]["refused"]["rule"]
    assert 400 == messages(double, asked).status
