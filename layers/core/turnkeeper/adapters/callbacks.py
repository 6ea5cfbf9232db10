"""Sends signed callbacks over HTTP: no redirects, no private addresses, a hard total time."""

from collections.abc import Mapping

from turnkeeper.adapters.secrets import Secret, Secrets
from turnkeeper.adapters.sender import Sender
from turnkeeper.domain.callbacks import signed_headers, tenant_secret


def callback_key(secrets: Secrets, environment: Mapping[str, str]) -> Secret:
    """Return the deployment's key, from which each tenant's secret is derived: `CALLBACK_KEY_SECRET` names it."""
    return secrets.secret(environment.get("CALLBACK_KEY_SECRET") or "callback-key")


class HttpCallbacks:
    """Sends messages, each signed with the secret of the tenant whose turn it is about."""

    def __init__(self, sender: Sender, key: Secret) -> None:
        self._sender, self._key = sender, key

    def send(self, url: str, *, tenant: str, message_id: str, timestamp: int, body: str, timeout_s: float) -> int:
        """POST one message and return the receiver's HTTP status; raises DependencyError.

        `timestamp` is in seconds since the epoch, `timeout_s` the hard total of the call.
        """
        secret = tenant_secret(self._key.read(), tenant)
        headers = {"Content-Type": "application/json", **signed_headers(secret, message_id, timestamp, body)}
        target = self._sender.target(url)
        answer = self._sender.send("POST", target, timeout_s, headers=headers, content=body.encode(), to=target.host)
        return answer.status
