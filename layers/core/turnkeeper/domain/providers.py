"""The one list of the providers of models: what an agent may name, what is priced, and whose wire is loaded."""

from collections.abc import Mapping

PROVIDERS: Mapping[str, str] = {
    "openai": "openai",
    "anthropic": "anthropic",
    "bedrock": "aws",
}
"""By the name with which the ids of its models begin: a provider's id in genai-prices.

A provider's wire is the module of its name in `adapters/models/`: its `client(environment)` makes the client.
"""
