"""The wires: a module for each of `WIRES` in `authoring/endpoints.py`, named as it is, and what they share."""

from collections.abc import Callable
from functools import cache
from importlib import import_module
from urllib.parse import urlsplit

from turnkeeper.adapters.secrets import Secrets
from turnkeeper.agent import Endpoint
from turnkeeper.domain.failures import Failure
from turnkeeper.domain.places import is_clear
from turnkeeper.errors import DependencyError
from turnkeeper.ports import ModelClient

_BY_REGION = "bedrock"
"""The wire that needs no URL: each region of AWS has its own."""


def model_clients(secrets: Secrets, private_hosts: Callable[[], tuple[str, ...]]) -> Callable[[Endpoint], ModelClient]:
    """Return what gives the client of an endpoint: ask it before each call, as private hosts change with the stage.

    It raises DependencyError if a key or a prompt would go in the clear to a host that is not private, and otherwise as
    `model_client`.
    """
    made = cache(lambda endpoint: model_client(endpoint, secrets))

    def client(endpoint: Endpoint) -> ModelClient:
        if is_clear(endpoint.url, private_hosts()):
            said = f"the endpoint {endpoint.name} is asked at {urlsplit(endpoint.url).hostname} over https only"
            instead = "write https:// into its URL, or the host under hosts.private in the stage's file"
            raise DependencyError(Failure.BAD_REQUEST, f"{said}: {instead}", sent=False)
        return made(endpoint)

    return client


def model_client(endpoint: Endpoint, secrets: Secrets) -> ModelClient:
    """Make the client of an endpoint; raises DependencyError if nobody says where it is.

    Only its wire is imported: a cold start pays for none that its chain does not call.
    """
    if not endpoint.url and endpoint.wire != _BY_REGION:
        place = f'url= in its Endpoint, or [endpoints.{endpoint.name}] url = "..." in the stage\'s file'
        detail = f"the endpoint {endpoint.name} has no URL: write {place}"
        raise DependencyError(Failure.BAD_REQUEST, detail, sent=False)
    client: ModelClient = import_module(f"{__name__}.{endpoint.wire}").client(endpoint, secrets)
    return client
