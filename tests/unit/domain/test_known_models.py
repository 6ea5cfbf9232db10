"""What is known of models holds for every name that a provider or a gateway has for them."""

import pytest
from turnkeeper.domain.known_models import Thinks, known_model
from turnkeeper.domain.thinking import EFFORTS


@pytest.mark.parametrize(
    ("name", "efforts", "own"),
    [
        ("gpt-6-luna", "none low medium high xhigh max", "medium"),
        ("gpt-6.1-terra", "none low medium high xhigh max", "medium"),
        ("gpt-6.1-sol", "low medium high xhigh max", "medium"),
        ("gpt-6.2-astra", "low medium high xhigh max", "medium"),
        ("gpt-5.6-luna", "none low medium high xhigh max", "medium"),
        ("gpt-5.4-mini", "none low medium high xhigh", "none"),
        ("gpt-5.1", "none low medium high", "none"),
        ("gpt-5-mini", "minimal low medium high", "medium"),
        ("o4-mini", "low medium high", "medium"),
        ("claude-haiku-5-5", "none low medium high xhigh max", "medium"),
        ("claude-sonnet-5-5", "none low medium high xhigh max", "high"),
        ("claude-sonnet-4-6", "none low medium high max", "none"),
        ("claude-opus-4-8", "none low medium high xhigh max", "none"),
        ("claude-opus-5-5", "low medium high xhigh max", "medium"),
        ("claude-fable-5-2", "low medium high xhigh max", "high"),
        ("claude-haiku-4-5", "none low medium high", "none"),
        ("global.amazon.nova-2-lite-v1:0", "none low medium", "none"),
    ],
)
def test_each_family_has_its_efforts_and_its_own(name: str, efforts: str, own: str) -> None:
    known = known_model(name)

    assert known
    assert (tuple(efforts.split()), own) == (known.efforts, known.effort)


@pytest.mark.parametrize("name", ["gpt-4.1-mini", "gpt-4o", "amazon.nova-lite-v1:0", "claude-3-5-haiku-20241022"])
def test_older_models_never_think(name: str) -> None:
    known = known_model(name)

    assert known
    assert (Thinks.NEVER, ()) == (known.thinks, known.efforts)


@pytest.mark.parametrize(
    ("name", "same"),
    [
        ("openai/gpt-6-luna", "gpt-6-luna"),
        ("global.openai.gpt-6-luna", "gpt-6-luna"),
        ("gpt-5.4-mini-2026-03-17", "gpt-5.4-mini"),
        ("eu.anthropic.claude-haiku-4-5-20251001-v1:0", "claude-haiku-4-5"),
        ("anthropic/claude-opus-5-5", "claude-opus-5-5"),
        ("models/gemini-3.5-flash", "gemini-3.5-flash"),
        ("ft:gpt-6-luna:acme::abc", "gpt-6-luna"),
        (
            "arn:aws:bedrock:eu-central-1:123456789012:inference-profile/eu.anthropic.claude-haiku-5-5",
            "claude-haiku-5-5",
        ),
        ("anthropic/claude-haiku-5.5", "claude-haiku-5-5"),
    ],
)
def test_a_vendor_a_region_and_a_date_change_nothing(name: str, same: str) -> None:
    assert known_model(same) == known_model(name)


@pytest.mark.parametrize("name", ["llama-3.3-70b-versatile", "my-deployment", "", "mixtral-8x7b"])
def test_of_other_models_nothing_is_known(name: str) -> None:
    assert None is known_model(name)


@pytest.mark.parametrize("name", ["gpt-7-luna", "claude-sonnet-6"])
def test_a_model_newer_than_this_list_is_taken_to_think_like_its_providers_newest(name: str) -> None:
    known = known_model(name)

    assert known
    assert known.effort in EFFORTS[1:]
