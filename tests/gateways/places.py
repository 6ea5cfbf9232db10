"""A proxy, what stands behind it, and the product's own clients in front."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import httpx
from turnkeeper.adapters.models import model_client
from turnkeeper.adapters.models.anthropic import Anthropic
from turnkeeper.adapters.models.chat import Chat
from turnkeeper.adapters.models.responses import Responses
from turnkeeper.adapters.secrets import Secrets
from turnkeeper.agent import Endpoint
from turnkeeper.authoring.presets import PRESETS
from turnkeeper.domain.chat import Message, ModelReply, ModelRequest
from turnkeeper.ports import ModelClient

from infra.local.http_service import Response
from tests.contract.models.conftest import Service
from tests.gateways.proxy import KEY, Proxy

ENDPOINTS: Mapping[str, Endpoint] = {
    "chat": PRESETS["litellm"],
    "responses": Endpoint("gateway", "responses", secret="litellm-api-key", retries_inside=True),
    "anthropic": Endpoint("gateway", "anthropic", secret="litellm-api-key", retries_inside=True),
}
"""An endpoint of each wire that the proxy serves."""

ANSWER: Mapping[str, Any] = {
    "type": "object",
    "properties": {"reply": {"type": "string"}, "confidence": {"type": "number"}},
    "required": ["reply", "confidence"],
    "additionalProperties": False,
}


@dataclass
class Places:
    """A proxy that runs, the address of the double, and the provider that answers as it is told."""

    proxy: Proxy
    double: str
    scripted: Service
    http: httpx.Client
    clients: dict[tuple[Endpoint, str], ModelClient] = field(default_factory=dict)

    def client(self, wire: str = "chat", key: str = KEY, **traits: Any) -> ModelClient:
        """Return the product's client of an endpoint at the proxy."""
        url = self.proxy.url if wire == "anthropic" else f"{self.proxy.url}/v1"
        endpoint = replace(ENDPOINTS[wire], url=url, **traits)
        made = self.clients.get((endpoint, key)) or model_client(endpoint, Secrets({"LITELLM_API_KEY": key}))
        return self.clients.setdefault((endpoint, key), made)

    def ask(self, model: str, wire: str = "chat", *, timeout_s: float = 5, **changes: Any) -> ModelReply:
        """Ask a model of the proxy once."""
        request: dict[str, Any] = {
            "model": model,
            "system": "You help.",
            "messages": (Message("user", "How long does shipping take?"),),
            "max_output_tokens": 2_000,
            "schema": ANSWER,
            **changes,
        }
        return self.client(wire).complete(ModelRequest(**request), timeout_s=timeout_s)

    def plays(self, mode: str) -> None:
        """Let the double fail from now on."""
        rule = {"model": "*", "mode": mode, "seconds": 60}
        assert 200 == self.http.put(f"{self.double}/_faults", json=[rule]).status_code

    def says(self, status: int, body: Any, headers: Mapping[str, str] | None = None) -> None:
        """Let the scripted provider answer this from now on."""
        text = isinstance(body, str)
        self.scripted.answer = (
            Response(status, body.encode(), dict(headers or {})) if text else Response.of_json(status, body, headers)
        )

    def calls(self) -> list[dict[str, Any]]:
        """Return the calls that reached the double."""
        found: list[dict[str, Any]] = self.http.get(f"{self.double}/_calls").json()
        return found

    def close(self) -> None:
        """Let go of the clients' connections."""
        for client in self.clients.values():
            assert isinstance(client, (Chat, Responses, Anthropic))
            client._post._client.close()

    def reset(self) -> None:
        """Forget what was asked, and fail no more."""
        self.scripted.answer, self.scripted.requests = Response(500), []
        for path in ("_faults", "_calls"):
            self.http.delete(f"{self.double}/{path}")
