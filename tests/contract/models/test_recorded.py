"""Answers that the real services gave, replayed over a real socket: the independent word on the wire formats."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from genai_prices import extract_usage
from turnkeeper.domain.chat import Finish, ModelReply, Usage
from turnkeeper.domain.failures import Failure
from turnkeeper.errors import DependencyError

from infra.local.http_service import Response
from tests.contract.models.conftest import Provider

_FLAVORS = {
    "responses": ("openai", "responses"),
    "chat": ("openai", "chat"),
    "anthropic": ("anthropic", "default"),
    "bedrock": ("aws", "default"),
}


@cache
def recorded(provider: str) -> dict[str, dict[str, Any]]:
    text = (Path(__file__).parent / "recorded" / f"{provider}.json").read_text()
    exchanges: dict[str, dict[str, Any]] = json.loads(text)
    return exchanges


def replay(provider: Provider, name: str) -> ModelReply:
    exchange = recorded(provider.wire.protocol)[name]
    return provider.replies(Response.of_json(exchange["status"], exchange["body"], exchange["headers"]))


ANSWERS = [
    ("responses", "plain", "The capital of France is Paris.", Finish.STOP, Usage(14, 8)),
    ("responses", "structured", '{"name":"Alice","age":30}', Finish.STOP, Usage(57, 10)),
    ("responses", "reasoning", "3", Finish.STOP, Usage(11, 327)),
    ("responses", "after_history", "Certainly! I chose the word", Finish.STOP, Usage(41, 51)),
    ("chat", "plain", "This is a test.", Finish.STOP, Usage(12, 5)),
    ("chat", "after_tools", "Today, the weather in Seattle is 50 degrees", Finish.STOP, Usage(99, 25)),
    ("anthropic", "plain", "Yes, I am capable of analyzing", Finish.STOP, Usage(29, 46)),
    ("anthropic", "structured", '{"joke": "Why did the developer', Finish.STOP, Usage(222, 43)),
    ("anthropic", "thinking", "The letter 'r' appears", Finish.STOP, Usage(52, 215)),
    ("anthropic", "cache_written", "Here are concise summaries", Finish.STOP, Usage(1167, 187, 0, 1163)),
    ("anthropic", "cache_read", "Here are concise summaries", Finish.STOP, Usage(1167, 202, 1163, 0)),
    ("bedrock", "plain", "This is a test", Finish.STOP, Usage(37, 8)),
    ("bedrock", "cut_off", "Hello, how are you doing", Finish.LENGTH, Usage(8, 10)),
    ("bedrock", "after_tools", "The current weather in Seattle is 50 degrees", Finish.STOP, Usage(553, 59)),
    ("bedrock", "cache_written", "It looks like", Finish.LENGTH, Usage(2705, 10, 0, 2701)),
    ("bedrock", "cache_read", "Certainly!", Finish.LENGTH, Usage(2705, 10, 2701, 0)),
]


@pytest.mark.parametrize(("provider", "name", "begins", "finish", "usage"), ANSWERS, indirect=["provider"])
def test_a_real_answer_is_read(provider: Provider, name: str, begins: str, finish: Finish, usage: Usage) -> None:
    reply = replay(provider, name)

    assert reply.text.startswith(begins)
    assert (reply.finish, reply.tool_calls, reply.usage) == (finish, (), usage)


CALLED = [
    (
        "responses",
        "tool_calls",
        [
            ("call_tYDv1bhtioyX33juEGDY4D6H", "get_weather", {"location": "London"}),
            ("call_lC079UhGnLJngBlPQO0FS6sv", "get_weather", {"location": "London"}),
        ],
        Usage(58, 44),
    ),
    (
        "chat",
        "tool_calls",
        [
            ("call_JpNb8OiAkbIbHzDggfpdDHpi", "get_current_weather", {"location": "Seattle, WA"}),
            ("call_vaFQc3zK6hHTRZKXRI5Eo2cJ", "get_current_weather", {"location": "San Francisco, CA"}),
        ],
        Usage(75, 51),
    ),
    (
        "anthropic",
        "tool_calls",
        [
            ("toolu_012r6TBCWjRHG71j6zruYyUL", "get_weather", {"location": "New York, NY", "unit": "fahrenheit"}),
            ("toolu_01SkeBKkLCNYWNuivqFerGDd", "get_time", {"timezone": "America/New_York"}),
        ],
        Usage(514, 152),
    ),
    (
        "anthropic",
        "after_tools",
        [("toolu_01K5KhMEdg2McN7dAkB4Y4hi", "get_time", {"timezone": "America/Los_Angeles"})],
        Usage(568, 58),
    ),
    (
        "bedrock",
        "tool_calls",
        [
            ("tooluse_tggNKJbGSrm48inRqf3Rvw", "get_current_weather", {"location": "Seattle"}),
            ("tooluse_bRV9WIcFSxyrLY6-MVkZRA", "get_current_weather", {"location": "San Francisco"}),
        ],
        Usage(415, 190),
    ),
]


@pytest.mark.parametrize(("provider", "name", "calls", "usage"), CALLED, indirect=["provider"])
def test_a_real_models_calls_of_tools_are_read(provider: Provider, name: str, calls: Any, usage: Usage) -> None:
    reply = replay(provider, name)

    assert [(c.id, c.name, json.loads(c.arguments)) for c in reply.tool_calls] == calls
    assert (reply.finish, reply.usage) == (Finish.TOOL_CALLS, usage)


@pytest.mark.parametrize("provider", ["chat", "bedrock"], indirect=True)
def test_a_model_that_does_not_exist_is_gone(provider: Provider) -> None:
    with pytest.raises(DependencyError) as caught:
        replay(provider, "unknown_model")

    assert caught.value.failure is Failure.MODEL_GONE


def test_every_recorded_answer_is_replayed(provider: Provider) -> None:
    replayed = {(p, name) for p, name, *_ in [*ANSWERS, *CALLED]}
    replayed |= {("chat", "unknown_model"), ("bedrock", "unknown_model")}

    assert {name for p, name in replayed if p == provider.wire.protocol} == recorded(provider.wire.protocol).keys()


def test_usage_is_read_as_an_independent_reader_reads_it(provider: Provider) -> None:
    provider_id, flavor = _FLAVORS[provider.wire.protocol]
    for name, exchange in recorded(provider.wire.protocol).items():
        if "usage" not in exchange["body"]:
            continue
        theirs = extract_usage(
            {"model": provider.wire.model, **exchange["body"]}, provider_id=provider_id, api_flavor=flavor
        ).usage
        ours = replay(provider, name).usage

        assert ours == Usage(
            input_tokens=int(theirs.input_tokens or 0),
            output_tokens=int(theirs.output_tokens or 0),
            cache_read_tokens=int(theirs.cache_read_tokens or 0),
            cache_write_tokens=int(theirs.cache_write_tokens or 0),
        )
