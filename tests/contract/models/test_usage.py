"""What a call is billed by: read exactly, or not believed at all."""

from typing import Any

import pytest
from turnkeeper.domain.chat import Usage
from turnkeeper.domain.failures import Failure
from turnkeeper.errors import DependencyError

from infra.local.http_service import Response
from tests.contract.models.conftest import Provider


def test_usage_is_read_exactly(provider: Provider) -> None:
    assert provider.replies(provider.wire.ok(usage=provider.wire.usage(1234, 56, 0, 0))).usage == Usage(1234, 56)


def test_tokens_from_a_cache_are_part_of_what_was_read_and_known_apart(provider: Provider) -> None:
    reply = provider.replies(provider.wire.ok(usage=provider.wire.usage(100, 7, 2000, 300)))

    assert reply.usage == Usage(input_tokens=2400, output_tokens=7, cache_read_tokens=2000, cache_write_tokens=300)


def test_an_answer_without_usage_is_an_answer(provider: Provider) -> None:
    reply = provider.replies(provider.wire.ok(usage=None))

    assert (reply.text, reply.usage) == ("Hello.", None)


JSON = ["responses", "chat", "anthropic"]
"""The providers whose JSON we read; Bedrock's is read by its SDK, which has types of its own."""


def with_count(provider: Provider, where: str, count: Any) -> Response:
    counts: dict[str, Any] = {"plain": 10, "output": 5, "read": 0, "written": 0, where: count}
    return provider.wire.ok(usage=provider.wire.usage(*counts.values()))


@pytest.mark.parametrize("absurd", [-1, None, 10**30])
@pytest.mark.parametrize("where", ["plain", "output"])
def test_a_count_that_is_none_is_not_believed(provider: Provider, where: str, absurd: Any) -> None:
    assert provider.replies(with_count(provider, where, absurd)).usage is None


@pytest.mark.parametrize("provider", JSON, indirect=True)
@pytest.mark.parametrize("absurd", ["12", 1.5, float("nan"), float("inf"), -3.0, 1e300, True, False, [3], {}])
@pytest.mark.parametrize("where", ["plain", "output"])
def test_a_count_of_another_type_is_not_believed(provider: Provider, where: str, absurd: Any) -> None:
    assert provider.replies(with_count(provider, where, absurd)).usage is None


@pytest.mark.parametrize("provider", JSON, indirect=True)
def test_a_whole_count_may_be_written_as_a_float(provider: Provider) -> None:
    counts = provider.wire.usage(10.0, 5.0, 0.0, 0.0)
    if provider.wire.name in ("responses", "chat"):
        counts |= {name: 10.0 for name in ("prompt_tokens", "input_tokens") if name in counts} | {"total_tokens": 15.0}

    used = provider.replies(provider.wire.ok(usage=counts)).usage

    assert Usage(10, 5) == used
    assert used is not None
    assert all(type(count) is int for count in (used.input_tokens, used.output_tokens, used.cache_read_tokens))


@pytest.mark.parametrize("absurd", [-1, 10**30])
def test_a_cached_count_that_is_none_is_not_believed(provider: Provider, absurd: Any) -> None:
    assert provider.replies(with_count(provider, "read", absurd)).usage is None


@pytest.mark.parametrize("usage", [{}, {"brand_new": 3}])
def test_usage_without_a_count_is_not_believed_and_loses_no_answer(provider: Provider, usage: Any) -> None:
    reply = provider.replies(provider.wire.ok(usage=usage))

    assert (reply.text, reply.usage) == ("Hello.", None)


@pytest.mark.parametrize("provider", JSON, indirect=True)
@pytest.mark.parametrize("usage", [[], "lots", 12])
def test_usage_of_another_type_is_not_believed_and_loses_no_answer(provider: Provider, usage: Any) -> None:
    reply = provider.replies(provider.wire.ok(usage=usage))

    assert (reply.text, reply.usage) == ("Hello.", None)


@pytest.mark.parametrize("provider", ["bedrock"], indirect=True)
@pytest.mark.parametrize("usage", ["lots", {"inputTokens": [3], "outputTokens": 1, "totalTokens": 4}])
def test_usage_that_the_sdk_cannot_read_is_garbage(provider: Provider, usage: Any) -> None:
    with pytest.raises(DependencyError) as caught:
        provider.replies(provider.wire.ok(usage=usage))

    assert caught.value.failure is Failure.GARBAGE


def test_no_tokens_at_all_for_an_answer_are_not_believed(provider: Provider) -> None:
    assert provider.replies(provider.wire.ok(usage=provider.wire.usage(0, 0, 0, 0))).usage is None


def test_cached_counts_that_are_null_or_missing_are_zero(provider: Provider) -> None:
    used = {
        name: n for name, n in provider.wire.usage(10, 5, 0, 0).items() if "cache" not in name and "details" not in name
    }

    assert provider.replies(provider.wire.ok(usage=used)).usage == Usage(10, 5)
    assert provider.replies(provider.wire.ok(usage=provider.wire.usage(10, 5, 0, 0))).usage == Usage(10, 5)


@pytest.mark.parametrize("provider", ["chat"], indirect=True)
@pytest.mark.parametrize(
    ("used", "output"),
    [
        ({"completion_tokens": 250, "total_tokens": 260, "completion_tokens_details": {"reasoning_tokens": 200}}, 250),
        ({"completion_tokens": 50, "total_tokens": 260, "completion_tokens_details": {"reasoning_tokens": 200}}, 250),
        ({"completion_tokens": 50, "total_tokens": 7}, 50),
        ({"completion_tokens": 5, "completion_tokens_details": {"reasoning_tokens": 900}}, 905),
    ],
    ids=["reasoning within the completion", "reasoning beside it", "a total that makes no sense", "no total"],
)
def test_tokens_of_reasoning_are_billed_once(provider: Provider, used: dict[str, Any], output: int) -> None:
    reply = provider.replies(provider.wire.ok(usage={"prompt_tokens": 10, **used}))

    assert reply.usage == Usage(10, output)


@pytest.mark.parametrize("provider", ["chat"], indirect=True)
@pytest.mark.parametrize("details", [{"cached_tokens": 11}, {"cached_tokens": True}])
def test_more_cached_than_read_is_not_believed(provider: Provider, details: Any) -> None:
    used = {"prompt_tokens": 10, "completion_tokens": 5, "prompt_tokens_details": details}

    assert provider.replies(provider.wire.ok(usage=used)).usage is None


@pytest.mark.parametrize("provider", ["chat"], indirect=True)
@pytest.mark.parametrize("details", [[], "none", None])
def test_details_of_another_shape_are_no_details(provider: Provider, details: Any) -> None:
    used = {"prompt_tokens": 10, "completion_tokens": 5, "prompt_tokens_details": details}

    assert provider.replies(provider.wire.ok(usage=used)).usage == Usage(10, 5)


@pytest.mark.parametrize("provider", ["chat"], indirect=True)
def test_a_refusal_is_billed(provider: Provider) -> None:
    body = provider.wire.answer("", (), "content_filter", provider.wire.usage(10, 5, 0, 0))

    assert provider.replies(Response.of_json(200, body)).usage == Usage(10, 5)


@pytest.mark.parametrize("provider", ["responses"], indirect=True)
@pytest.mark.parametrize(
    ("used", "output"),
    [
        ({"output_tokens": 5, "output_tokens_details": {"reasoning_tokens": 900}}, 905),
        ({"output_tokens": 5, "total_tokens": 960}, 950),
        ({"output_tokens": 950, "output_tokens_details": {"reasoning_tokens": 900}, "total_tokens": 960}, 950),
    ],
    ids=["beside it", "in the total only", "within it"],
)
def test_reasoning_of_responses_is_billed_once(provider: Provider, used: dict[str, Any], output: int) -> None:
    assert Usage(10, output) == provider.replies(provider.wire.ok(usage={"input_tokens": 10, **used})).usage
