"""The models between which a turn may move: each wire, each server, each way of thinking."""

from typing import Any

from turnkeeper import Model

from tests.local.chains.chain import Double, thoughts

MODELS: dict[str, dict[str, Any]] = {
    "openai:gpt-6-luna": {"effort": "low"},
    "azure:gpt-6.1-terra": {"effort": "low"},
    "gemini:gemini-3-flash": {"effort": "low"},
    "groq:openai/gpt-oss-120b": {"effort": "low"},
    "openrouter:openai/gpt-6-sol": {"effort": "low"},
    "mistral:mistral-large-latest": {},
    "deepseek:deepseek-chat": {"effort": "low"},
    "xai:grok-4.5": {"effort": "low"},
    "together:openai/gpt-oss-20b": {},
    "vllm:qwen3-32b": {},
    "ollama:gemma4": {},
    "litellm:gpt-5.6-luna": {"effort": "low"},
    "anthropic:claude-haiku-5-5": {"effort": "low"},
    "anthropic:claude-sonnet-5-5": {"effort": "none"},
    "anthropic:claude-opus-5-5": {"effort": "medium"},
    "anthropic:claude-haiku-4-5": {"effort": "low"},
    "bedrock:global.anthropic.claude-sonnet-5-5": {"effort": "low"},
    "bedrock:global.anthropic.claude-haiku-4-5-20251001-v1:0": {"effort": "low"},
    "bedrock:global.amazon.nova-2-lite-v1:0": {"effort": "low"},
    "bedrock:openai.gpt-oss-120b-1:0": {"effort": "low"},
}
FAILS = {"mode": "rate_limit", "times": 1}
"""Once, in a way after which the next model is asked at once."""


def model(name: str, **changes: Any) -> Model:
    """Return a model of these, changed as told."""
    return Model(name, **{**MODELS[name], **changes})


def check(double: Double) -> None:
    """Nothing was refused or of another shape than its provider's SDK sends, and no thought went to another model."""
    assert [] == double.refused()
    calls = double.calls()
    assert [] == [call for call in calls if call.get("warned")]
    is_as_asked = all(call["mode"] != "other_model" for call in calls)
    assert [] == [e for e in double.exchanges if is_as_asked and e.answer.get("input_transformations")]
    assert [] == double.unofficial()
    for at, exchange in enumerate(double.exchanges):
        told = {one for e in double.exchanges[:at] if e.model != exchange.model for one in thoughts(e.answer)}
        own = {one for e in double.exchanges if e.model == exchange.model for one in thoughts(e.answer)}
        assert set() == (told - own) & thoughts(exchange.body), exchange
