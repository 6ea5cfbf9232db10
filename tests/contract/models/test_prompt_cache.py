"""What providers can keep in their caches comes first, and what changes with each request comes last."""

import json
from typing import Any

import pytest
from turnkeeper.domain.chat import Message, ToolCall

from tests.contract.models.conftest import Provider
from tests.contract.models.wires import SCHEMA, TOOL, ask

Json = dict[str, Any]
FIRST = Message("user", "Where is a dentist?", note="It is Monday, 2026-11-23, 10:00 UTC.")
STEP = (
    Message("assistant", "Let me see.", (ToolCall("call00001", "find", '{"city": "Bern"}'),)),
    Message("tool", '{"places": []}', tool_call_id="call00001"),
)
NEXT_TURN = (
    Message("user", "Where is a dentist?"),
    Message("assistant", "In Bern."),
    Message("user", "When?", note="It is Monday, 2026-11-23, 10:07 UTC."),
)


def sent(provider: Provider, *messages: Message) -> Json:
    request = ask(provider.wire, tools=(TOOL,), schema=SCHEMA, messages=messages, cache_key="booking-1")
    provider.replies(provider.wire.ok(), request)
    body: Json = provider.service.requests[-1].json()
    return body


def unmarked(value: Any) -> Any:
    """The same without the marks at which a cache is written."""
    if isinstance(value, dict):
        return {name: unmarked(inner) for name, inner in value.items() if name != "cache_control"}
    if isinstance(value, list):
        return [unmarked(inner) for inner in value if inner != {"cachePoint": {"type": "default"}}]
    return value


def parts(body: Json) -> list[str]:
    """A request as its provider reads it: tools and schema, system, then each part of each message."""
    whole = unmarked(body)
    said = whole.get("messages") or whole["input"]
    stable = {name: value for name, value in whole.items() if name not in ("messages", "input")}
    read = [json.dumps(stable, sort_keys=True)]
    for message in said:
        content = message.get("content")
        blocks = content if isinstance(content, list) else [content or {k: v for k, v in message.items() if k != "id"}]
        read += [json.dumps([message.get("role"), block], sort_keys=True) for block in blocks]
    return read


def common(first: list[str], second: list[str]) -> int:
    return next(
        (n for n, (a, b) in enumerate(zip(first, second, strict=False)) if a != b), min(len(first), len(second))
    )


def test_the_second_step_of_a_loop_begins_with_all_of_the_first(provider: Provider) -> None:
    first, second = parts(sent(provider, FIRST)), parts(sent(provider, FIRST, *STEP))

    assert len(first) == common(first, second)


def test_the_second_turn_begins_with_the_first_but_for_our_note(provider: Provider) -> None:
    first, second = parts(sent(provider, FIRST)), parts(sent(provider, *NEXT_TURN))

    if provider.wire.protocol == "chat":  # the note is in the text of the one message, at its end
        assert len(first) - 1 == common(first, second)
        assert json.loads(first[-1])[1].startswith(json.loads(second[len(first) - 1])[1])
    else:
        assert len(first) - 1 == common(first, second)
        assert "It is Monday" in first[-1]


@pytest.mark.parametrize("provider", ["anthropic"], indirect=True)
def test_anthropic_is_told_where_a_cache_may_end(provider: Provider) -> None:
    first, second = sent(provider, FIRST), sent(provider, FIRST, *STEP)

    assert [True] == ["cache_control" in block for block in first["system"]]
    assert [[True, True]] == [["cache_control" in block for block in m["content"]] for m in first["messages"]]
    marks = [["cache_control" in block for block in m["content"]] for m in second["messages"]]
    assert [[False, False], [False, False], [True]] == marks


@pytest.mark.parametrize("provider", ["bedrock"], indirect=True)
def test_bedrock_is_told_where_a_cache_may_end(provider: Provider) -> None:
    point = {"cachePoint": {"type": "default"}}
    first, second = sent(provider, FIRST), sent(provider, FIRST, *STEP)

    assert point == first["system"][-1]
    assert [False, True, False, True] == [block == point for block in first["messages"][0]["content"]]
    assert [0, 0, 1] == [m["content"].count(point) for m in second["messages"]]


@pytest.mark.parametrize("provider", ["bedrock"], indirect=True)
def test_a_model_of_bedrock_that_takes_no_cache_points_gets_none(provider: Provider) -> None:
    request = ask(provider.wire, model="openai.gpt-oss-20b-1:0", messages=(FIRST,))
    provider.replies(provider.wire.ok(), request)

    assert "cachePoint" not in provider.service.requests[-1].body.decode()


@pytest.mark.parametrize("provider", ["responses"], indirect=True)
def test_openai_is_told_which_requests_begin_alike(provider: Provider) -> None:
    assert "booking-1" == sent(provider, FIRST)["prompt_cache_key"]
