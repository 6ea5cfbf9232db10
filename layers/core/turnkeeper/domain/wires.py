"""The protocols in which models are asked."""

from collections.abc import Mapping

WIRES = ("responses", "chat", "anthropic", "bedrock")
"""OpenAI's Responses, chat completions as many servers speak them, Anthropic's Messages, Amazon's Converse."""

_OF_PROVIDERS: Mapping[str, tuple[str, ...]] = {
    "openai": ("responses", "chat"),
    "anthropic": ("anthropic",),
    "bedrock": ("bedrock",),
}


def wires_of(endpoint: str) -> tuple[str, ...]:
    """Return the wires that an endpoint of this name may have: a provider's own endpoint has the provider's."""
    return _OF_PROVIDERS.get(endpoint, WIRES)
