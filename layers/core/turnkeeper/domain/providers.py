"""The one list of model providers: which an agent may name, under what id each is priced, and its adapter."""

from collections.abc import Mapping

PROVIDERS: Mapping[str, str] = {
    "openai": "openai",
    "anthropic": "anthropic",
    "bedrock": "aws",
}
"""Maps the name that a provider's model ids begin with to the provider's id in genai-prices.

The adapter is the module of that name in `adapters/models/`; its `client(endpoint, secrets)` makes the client.
"""
