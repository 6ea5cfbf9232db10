"""The providers' wires: a module for each provider of `domain/providers.py`, named as it is, and what they share."""

from importlib import import_module

from turnkeeper.adapters.secrets import Secrets
from turnkeeper.agent import Endpoint
from turnkeeper.domain.failures import Failure
from turnkeeper.domain.providers import PROVIDERS
from turnkeeper.errors import DependencyError
from turnkeeper.ports import ModelClient


def model_client(endpoint: Endpoint, secrets: Secrets) -> ModelClient:
    """Make the client of an endpoint; raises DependencyError if nobody says where it is.

    Only its wire is imported: a cold start pays for none that its chain does not call.
    """
    if not endpoint.url and endpoint.name not in PROVIDERS:
        place = f'url= in its Endpoint, or [endpoints.{endpoint.name}] url = "..." in the stage\'s file'
        detail = f"the endpoint {endpoint.name} has no URL: write {place}"
        raise DependencyError(Failure.BAD_REQUEST, detail, sent=False)
    client: ModelClient = import_module(f"{__name__}.{endpoint.wire}").client(endpoint, secrets)
    return client
