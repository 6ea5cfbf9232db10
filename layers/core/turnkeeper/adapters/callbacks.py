"""Sends signed callbacks over HTTP: no redirects, no private addresses, a hard total time."""

from turnkeeper.adapters.secrets import ApiKey
from turnkeeper.adapters.tool_http import HttpTransport
from turnkeeper.domain.callbacks import signed_headers, tenant_secret

KEY_VARIABLE = "CALLBACK_KEY"
"""The variable of the deployment's key, which `ApiKey` reads; each tenant's secret is derived from that key."""


class HttpCallbacks:
    """Sends messages, each signed with the secret of the tenant whose turn it is about."""

    def __init__(self, transport: HttpTransport, key: ApiKey) -> None:
        self._transport, self._key = transport, key

    def send(self, url: str, *, tenant: str, message_id: str, timestamp: int, body: str, timeout_s: float) -> int:
        """POST one message and return the receiver's HTTP status; raises DependencyError.

        `timestamp` is in seconds since the epoch, `timeout_s` the hard total of the call.
        """
        secret = tenant_secret(self._key.read(), tenant)
        headers = {"Content-Type": "application/json", **signed_headers(secret, message_id, timestamp, body)}
        answer = self._transport.within(
            timeout_s, lambda: self._transport.send("POST", url, timeout_s, headers=headers, content=body.encode())
        )
        return int(answer.status)
