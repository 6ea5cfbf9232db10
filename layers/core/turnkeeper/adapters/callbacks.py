"""Sends signed callbacks over HTTP: no redirects, no private addresses, a hard total time."""

from turnkeeper.adapters.secrets import ApiKey
from turnkeeper.adapters.tool_http import HttpTransport
from turnkeeper.domain.callbacks import signed_headers, tenant_secret

KEY_VARIABLE = "CALLBACK_KEY"
"""Holds the deployment's key, from which each tenant's secret is derived; see `ApiKey`."""


class HttpCallbacks:
    """Sends messages with the secret of the tenant whose turn it was."""

    def __init__(self, transport: HttpTransport, key: ApiKey) -> None:
        self._transport, self._key = transport, key

    def send(self, url: str, *, tenant: str, message_id: str, timestamp: int, body: str, timeout_s: float) -> int:
        """POST one message; returns the receiver's status. Raises DependencyError."""
        secret = tenant_secret(self._key.read(), tenant)
        headers = {"Content-Type": "application/json", **signed_headers(secret, message_id, timestamp, body)}
        answer = self._transport.within(
            timeout_s, lambda: self._transport.send("POST", url, timeout_s, headers=headers, content=body.encode())
        )
        return int(answer.status)
