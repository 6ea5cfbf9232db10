"""The providers' wires: a module for each provider of `domain/providers.py`, named as it is, and what they share."""

from collections.abc import Mapping
from importlib import import_module

from turnkeeper.ports import ModelClient


def model_client(provider: str, environment: Mapping[str, str]) -> ModelClient:
    """Make the client of one of the `PROVIDERS`, configured by environment variables.

    Only that provider's wire is imported: a cold start pays for none that its chain does not call.
    """
    client: ModelClient = import_module(f"{__name__}.{provider}").client(environment)
    return client
