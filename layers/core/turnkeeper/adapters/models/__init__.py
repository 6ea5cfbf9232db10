"""The models' providers: one small file each, over their public HTTP APIs."""

from collections.abc import Callable, Mapping

from turnkeeper.adapters.secrets import ApiKey
from turnkeeper.ports import ModelClient


def _openai(env: Mapping[str, str]) -> ModelClient:
    from turnkeeper.adapters.models.openai import OpenAI  # noqa: PLC0415 - a cold start loads only what its chain calls

    return OpenAI(env.get("OPENAI_BASE_URL") or "https://api.openai.com/v1", ApiKey(env, "OPENAI_API_KEY"))


def _anthropic(env: Mapping[str, str]) -> ModelClient:
    from turnkeeper.adapters.models.anthropic import Anthropic  # noqa: PLC0415

    return Anthropic(env.get("ANTHROPIC_BASE_URL") or "https://api.anthropic.com", ApiKey(env, "ANTHROPIC_API_KEY"))


def _bedrock(env: Mapping[str, str]) -> ModelClient:
    from turnkeeper.adapters.models.bedrock import Bedrock  # noqa: PLC0415

    return Bedrock(env.get("AWS_ENDPOINT_URL_BEDROCK_RUNTIME") or None)


_PROVIDERS: Mapping[str, Callable[[Mapping[str, str]], ModelClient]] = {
    "openai": _openai,
    "anthropic": _anthropic,
    "bedrock": _bedrock,
}


def model_client(provider: str, environment: Mapping[str, str]) -> ModelClient:
    """Make the client of a provider, configured by environment variables."""
    return _PROVIDERS[provider](environment)
