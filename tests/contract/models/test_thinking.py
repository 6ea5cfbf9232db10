"""How each wire says how much to think, and how what was thought goes back to the model that thought it."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from turnkeeper.domain.chat import Message, ModelRequest, ToolCall
from turnkeeper.domain.door import admitted, only_own

from infra.local.http_service import Response
from tests.contract.models.conftest import Provider
from tests.contract.models.official import CHECK_REQUEST
from tests.contract.models.wires import CALLS, TOOL, ask

Json = dict[str, Any]
CLAUDE, NOVA = "eu.anthropic.claude-haiku-5-5", "eu.amazon.nova-2-lite-v1:0"


def sent(provider: Provider, **changes: Any) -> Json:
    """What goes over the wire; it is checked against the types of the provider's SDK."""
    provider.replies(provider.wire.ok(), ask(provider.wire, **changes))
    body: Json = provider.service.requests[-1].json()
    CHECK_REQUEST[provider.wire.protocol](body)
    return body


def thinking(body: Json) -> Json:
    """The fields that say how much to think."""
    fields = {**body, **body.get("additionalModelRequestFields", {})}
    config = {name: value for name, value in fields.get("output_config", {}).items() if name == "effort"}
    wanted = ("reasoning", "reasoning_effort", "thinking", "reasoningConfig")
    return {name: fields[name] for name in wanted if name in fields} | config


EFFORTS: list[tuple[str, str, str, Json]] = [
    ("responses", "gpt-6-luna", "low", {"reasoning": {"effort": "low"}}),
    ("responses", "gpt-6-luna", "none", {"reasoning": {"effort": "none"}}),
    ("responses", "gpt-6-luna", "", {}),
    ("chat", "gpt-5.4-mini", "high", {"reasoning_effort": "high"}),
    ("chat", "gpt-5.4-mini", "", {}),
    ("anthropic", "claude-haiku-5-5", "low", {"thinking": {"type": "adaptive"}, "effort": "low"}),
    ("anthropic", "claude-haiku-5-5", "none", {"thinking": {"type": "disabled"}}),
    ("anthropic", "claude-haiku-5-5", "", {}),
    ("anthropic", "claude-sonnet-5-5", "none", {"thinking": {"type": "between_tools"}, "effort": "low"}),
    ("anthropic", "claude-opus-5-5", "max", {"thinking": {"type": "adaptive"}, "effort": "max"}),
    ("anthropic", "claude-haiku-4-5", "low", {"thinking": {"type": "enabled", "budget_tokens": 2048}}),
    ("anthropic", "claude-haiku-4-5", "none", {}),
    ("bedrock", CLAUDE, "low", {"thinking": {"type": "adaptive"}, "effort": "low"}),
    (
        "bedrock",
        "eu.amazon.nova-2-lite-v1:0",
        "medium",
        {"reasoningConfig": {"type": "enabled", "maxReasoningEffort": "medium"}},
    ),
    ("bedrock", "eu.amazon.nova-2-lite-v1:0", "none", {}),
    ("bedrock", "openai.gpt-oss-20b-1:0", "low", {"reasoning_effort": "low"}),
    ("bedrock", "global.openai.gpt-6-luna", "low", {"reasoning": {"effort": "low"}}),
]


@pytest.mark.parametrize(("provider", "model", "effort", "fields"), EFFORTS, indirect=["provider"])
def test_an_effort_is_said_as_the_model_is_told_it(provider: Provider, model: str, effort: str, fields: Json) -> None:
    body = sent(provider, model=model, effort=effort, max_output_tokens=2_848)

    assert fields == thinking(body)


@pytest.mark.parametrize("provider", ["anthropic"], indirect=True)
@pytest.mark.parametrize(("limit", "budget"), [(1_000, None), (1_400, 1_050), (2_848, 2_048), (60_000, 2_048)])
def test_a_budget_leaves_room_for_the_answer_or_is_none(provider: Provider, limit: int, budget: int | None) -> None:
    body = sent(provider, model="claude-haiku-4-5", effort="low", max_output_tokens=limit)

    assert budget == body.get("thinking", {}).get("budget_tokens")


@pytest.mark.parametrize("provider", ["responses"], indirect=True)
def test_nothing_is_stored_at_the_provider_and_what_was_thought_comes_back_encrypted(provider: Provider) -> None:
    thinks, does_not = sent(provider, model="gpt-6-luna"), sent(provider, model="gpt-6-luna", effort="none")

    assert [False, False] == [thinks["store"], does_not["store"]]
    assert (["reasoning.encrypted_content"], None) == (thinks["include"], does_not.get("include"))


THOUGHTS: dict[str, list[Json]] = {
    "responses": [{"id": "rs_1", "type": "reasoning", "summary": [], "encrypted_content": "gAAAA="}],
    "anthropic": [
        {"type": "thinking", "thinking": "", "signature": "EqQB="},
        {"type": "redacted_thinking", "data": "Emwx="},
    ],
    "bedrock": [{"reasoningContent": {"reasoningText": {"text": "Two.", "signature": "EqQB="}}}],
}


def answered(provider: Provider, body: Json) -> Message:
    """What the model said, as it stands in the messages."""
    reply = admitted(provider.replies(Response.of_json(200, body)), "mine:m", ())
    return Message("assistant", reply.text, reply.tool_calls, native=reply.native)


def with_thoughts(provider: Provider, *calls: ToolCall) -> Json:
    wire, name = provider.wire, provider.wire.protocol
    provider.service.is_strict = False
    stop = "completed" if name == "responses" else "tool_use"
    body = wire.answer("Let me see.", calls, stop, wire.usage(10, 5, 0, 0))
    blocks: dict[str, Callable[[], list[Json]]] = {
        "responses": lambda: body["output"],
        "anthropic": lambda: body["content"],
        "bedrock": lambda: body["output"]["message"]["content"],
    }
    blocks[name]()[:0] = THOUGHTS[name]
    return body


def loop(provider: Provider, message: Message, **changes: Any) -> ModelRequest:
    results = tuple(Message("tool", '{"places": []}', tool_call_id=call.id) for call in message.tool_calls)
    messages = (Message("user", "Where is a dentist?", note="It is Monday."), message, *results)
    return ask(provider.wire, **{"tools": (TOOL,), "messages": messages, **changes})


def items(body: Json) -> list[Json]:
    """All that was said before the results of tools, in order."""
    if "input" in body:
        return [item for item in body["input"] if item.get("role") != "user"]
    return [block for m in body["messages"] if m["role"] == "assistant" for block in m["content"]]


@pytest.mark.parametrize("provider", ["responses", "anthropic", "bedrock"], indirect=True)
def test_inside_a_loop_of_tools_an_answer_goes_back_as_it_came(provider: Provider) -> None:
    body = with_thoughts(provider, *CALLS)
    came = body["output"] if provider.wire.protocol == "responses" else None
    came = came or body.get("content") or body["output"]["message"]["content"]
    provider.replies(provider.wire.ok(), loop(provider, answered(provider, body)))
    again: Json = provider.service.requests[-1].json()

    assert came == items(again)[: len(came)]
    CHECK_REQUEST[provider.wire.protocol](again)
    said = json.dumps(again)
    assert [2, 2] == [said.count(f'"{call.id}"') for call in CALLS]


@pytest.mark.parametrize("provider", ["responses", "anthropic", "bedrock"], indirect=True)
def test_another_model_is_sent_none_of_it(provider: Provider) -> None:
    message = answered(provider, with_thoughts(provider, *CALLS))
    request = loop(provider, message)
    foreign = ModelRequest(**{**_fields(request), "messages": only_own(request.messages, "other:m")})
    provider.replies(provider.wire.ok(), foreign)
    again: Json = provider.service.requests[-1].json()

    said = json.dumps(again)
    assert [] == [mark for mark in ("rs_1", "gAAAA=", "EqQB=", "Emwx=", "fc_0", "call_1") if mark in said]
    assert [2, 2] == [said.count(f'"{call.id}"') for call in message.tool_calls]
    CHECK_REQUEST[provider.wire.protocol](again)


def _fields(request: ModelRequest) -> Json:
    return {name: getattr(request, name) for name in ModelRequest.__dataclass_fields__}


@pytest.mark.parametrize("provider", ["anthropic", "bedrock"], indirect=True)
@pytest.mark.parametrize(("whose", "budget"), [("mine:m", 2_048), ("other:m", None)])
def test_a_budget_goes_on_only_after_calls_that_began_with_a_thought(
    provider: Provider, whose: str, budget: int | None
) -> None:
    request = loop(provider, answered(provider, with_thoughts(provider, *CALLS)))
    model = {"anthropic": "claude-haiku-4-5", "bedrock": "global.anthropic.claude-haiku-4-5-20251001-v1:0"}
    changes = {"model": model[provider.wire.protocol], "effort": "low", "max_output_tokens": 2_848}
    body = sent(provider, **{**_fields(request), **changes, "messages": only_own(request.messages, whose)})

    assert budget == thinking(body).get("thinking", {}).get("budget_tokens")


@pytest.mark.parametrize("provider", ["responses", "anthropic", "bedrock"], indirect=True)
def test_a_wrong_call_is_mended_where_it_stands(provider: Provider) -> None:
    wrong = ToolCall("functions.find:0", "functions.find now", '{"city": "Bern"}')
    message = answered(provider, with_thoughts(provider, wrong))
    provider.replies(provider.wire.ok(), loop(provider, message))
    again: Json = provider.service.requests[-1].json()

    said = json.dumps(again)
    assert [False, False] == [mark in said for mark in ("functions.find now", "functions.find:0")]
    assert ("gAAAA=" in said) or ("EqQB=" in said)
    assert 2 == said.count('"call00001"')


@pytest.mark.parametrize("provider", ["anthropic", "bedrock"], indirect=True)
@pytest.mark.parametrize("blank", ["\n", " ", "\u200b"])
def test_no_blank_text_is_sent_back(provider: Provider, blank: str) -> None:
    body = with_thoughts(provider, *CALLS)
    body = json.loads(json.dumps(body).replace("Let me see.", json.dumps(blank)[1:-1]))
    message = answered(provider, body)
    provider.replies(provider.wire.ok(), loop(provider, message))

    blocks = items(provider.service.requests[-1].json())
    assert [] == [block for block in blocks if "text" in block]


@pytest.mark.parametrize("provider", ["bedrock"], indirect=True)
def test_redacted_thinking_of_bedrock_is_bytes_and_survives(provider: Provider) -> None:
    redacted = {"reasoningContent": {"redactedContent": "AAEC"}}
    body = provider.wire.answer("Hm.", (), "end_turn", None)
    body["output"]["message"]["content"].insert(0, redacted)
    again = sent(provider, messages=(Message("user", "Hi."), answered(provider, body), Message("user", "And?")))

    assert [redacted, {"text": "Hm."}] == again["messages"][1]["content"]


@pytest.mark.parametrize("provider", ["responses"], indirect=True)
def test_thoughts_that_did_not_come_encrypted_are_not_named_again(provider: Provider) -> None:
    body = with_thoughts(provider, *CALLS)
    del body["output"][0]["encrypted_content"]
    again = sent(provider, messages=loop(provider, answered(provider, body)).messages, tools=(TOOL,))

    assert ["rs_1" in json.dumps(again), "fc_0" in json.dumps(again)] == [False, False]
    assert 2 == len([item for item in again["input"] if item.get("type") == "function_call"])


@pytest.mark.parametrize("provider", ["responses"], indirect=True)
def test_a_deployment_is_asked_as_the_model_that_it_is(provider: Provider) -> None:
    assert "include" not in sent(provider, model="our-chat")
    assert ["reasoning.encrypted_content"] == sent(provider, model="our-chat", like="gpt-6-luna")["include"]
