"""A call is priced as it was billed, or at the estimate, and the owner is told."""

import pytest
from turnkeeper.domain.billing import Bill, bill
from turnkeeper.domain.chat import Finish, ModelReply, Usage
from turnkeeper.domain.model_names import is_same_model
from turnkeeper.domain.money import Price, price_from_json

PRICES = {
    "gpt-6-luna": price_from_json(
        {"input": "1", "output": "4", "service_tiers": {"priority": {"input": "2", "output": "8"}}}
    ),
    "gpt-6-sol": price_from_json({"input": "10", "output": "40"}),
}
USED = Usage(100, 10)


def billed(
    asked: str = "gpt-6-luna", *, model: str = "", tier: str = "", used: Usage | None = USED, **more: bool
) -> Bill:
    def price_of(name: str) -> Price | None:
        return PRICES.get(name)

    reply = ModelReply("Hi.", (), Finish.STOP, used, model=model, service_tier=tier)
    return bill(asked, reply, price_of, renames_models=more.get("renames_models", False))


def test_the_model_that_was_asked_has_its_price() -> None:
    assert Bill(140) == billed()
    assert Bill(140) == billed(model="gpt-6-luna-2026-09-01", tier="default")


@pytest.mark.parametrize("tier", ["default", "standard", "auto", "flex", "batch", "on_demand"])
def test_a_tier_that_costs_no_more_has_the_usual_price(tier: str) -> None:
    assert Bill(140) == billed(tier=tier)


def test_a_tier_with_a_price_of_its_own_has_that() -> None:
    assert Bill(280) == billed(tier="priority")


def test_a_tier_that_nobody_priced_is_counted_at_the_estimate_and_told() -> None:
    found = billed("gpt-6-sol", tier="priority")

    assert None is found.cost_micro_usd
    assert "the service tier priority of gpt-6-sol has no price: the estimate is counted" == found.warning


def test_another_model_has_its_own_price_and_is_told() -> None:
    assert Bill(1400, "gpt-6-sol answered in the place of gpt-6-luna") == billed(model="gpt-6-sol")


def test_another_model_that_nobody_priced_is_counted_at_the_estimate_and_told() -> None:
    found = billed(model="gpt-9")

    assert None is found.cost_micro_usd
    assert "gpt-9 answered in the place of gpt-6-luna, and has no price: the estimate is counted" == found.warning


def test_without_usage_another_model_is_still_told() -> None:
    assert Bill(None, "gpt-6-sol answered in the place of gpt-6-luna") == billed(model="gpt-6-sol", used=None)


def test_where_deployments_have_names_of_their_own_another_name_says_nothing() -> None:
    assert Bill(140) == billed(model="gpt-9-2026-01-01", renames_models=True)


@pytest.mark.parametrize(
    ("asked", "answered"),
    [
        ("gpt-6-luna", "gpt-6-luna-2026-09-01"),
        ("gpt-6-luna", "GPT-6-Luna"),
        ("claude-haiku-4-5", "claude-haiku-4-5-20251001"),
        ("claude-3-5-haiku-latest", "claude-3-5-haiku-20241022"),
        ("openai/gpt-6-luna", "gpt-6-luna"),
        ("gemini-3.5-flash", "models/gemini-3.5-flash"),
        ("gemini-2.5-flash", "gemini-2.5-flash-001"),
        ("us.anthropic.claude-haiku-5-5-v1:0", "us.anthropic.claude-haiku-5-5"),
    ],
)
def test_a_version_or_a_vendor_makes_no_other_model(asked: str, answered: str) -> None:
    assert is_same_model(asked, answered)
    assert is_same_model(answered, asked)


@pytest.mark.parametrize(
    ("asked", "answered"),
    [
        ("gpt-6-luna", "gpt-6-sol"),
        ("gpt-5.4", "gpt-5.4-mini"),
        ("grok-4.5", "grok-4.6"),
        ("kimi-k2-0711", "kimi-k2-0905"),
        ("gemini-2.5-flash-preview", "gemini-2.5-flash"),
        ("meta-llama/llama-3.3-70b:free", "meta-llama/llama-3.3-70b"),
        ("claude-haiku-5-5", "claude-haiku-5"),
    ],
)
def test_another_size_or_release_is_another_model(asked: str, answered: str) -> None:
    assert not is_same_model(asked, answered)
