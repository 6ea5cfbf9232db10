"""Callbacks: which URLs a tenant may name, how a message is signed, and when a failed message is sent again.

Messages follow the Standard Webhooks specification (https://www.standardwebhooks.com).
"""

import hmac
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import urlsplit

DELAYS_S = (10, 60, 300, 1_800, 7_200, 21_600, 43_200)
"""Seconds from each failed try to the next: 8 tries in 21 hours. After the last one the message is given up."""

EVERY_TENANT = "*"


class CallbackState(StrEnum):
    """DUE until the receiver has the message (DELIVERED), or until it is GIVEN_UP; that can be retried by hand."""

    DUE = "DUE"
    DELIVERED = "DELIVERED"
    GIVEN_UP = "GIVEN_UP"


@dataclass(frozen=True, slots=True)
class Callback:
    """A message to a receiver; `at` is when its turn ended, `due_at` when it is sent next (seconds since the epoch)."""

    turn_id: str
    url: str
    state: CallbackState
    at: float
    tries: int = 0
    due_at: float = 0.0


@dataclass(frozen=True, slots=True)
class CallbackHosts:
    """The allow-lists: (tenant, host) pairs; the tenant `*` means all. Hosts in `plain` may be called over http."""

    pairs: Sequence[tuple[str, str]] = ()
    plain: Sequence[str] = ()

    def refusal(self, tenant: str, url: str) -> str | None:
        """Say why a tenant may not name a URL, or None when it may."""
        try:
            parts = urlsplit(url)
            host, port = (parts.hostname or "").lower(), parts.port
        except ValueError:
            return "is not a URL"
        if parts.scheme != "https" and not (parts.scheme == "http" and host in self.plain):
            return "must begin with https://"
        if parts.username is not None or parts.password is not None or parts.fragment:
            return "must not hold a user, a password or a fragment"
        if port is not None and host not in self.plain:
            return "must not name a port"
        if (tenant, host) not in self.pairs and (EVERY_TENANT, host) not in self.pairs:
            return f"the host {host!r} is not in your allow-list: ask the owner of this deployment to add it"
        return None


def next_try(tries: int) -> int | None:
    """Return the seconds until the next try after `tries` (1 or more) have failed, or None when there is none."""
    return DELAYS_S[tries - 1] if tries <= len(DELAYS_S) else None


def tenant_secret(key: str, tenant: str) -> bytes:
    """Derive a tenant's own secret from the deployment's key, so that no tenant can sign as another."""
    return hmac.digest(key.encode(), f"callbacks:{tenant}".encode(), "sha256")


def shown_secret(secret: bytes) -> str:
    """Write a secret in the form in which receivers are given it."""
    return "whsec_" + b64encode(secret).decode()


def signed_headers(secret: bytes, message_id: str, timestamp: int, body: str) -> dict[str, str]:
    """Return the headers that prove to a receiver who sent a message; `timestamp` is seconds since the epoch."""
    signature = hmac.digest(secret, f"{message_id}.{timestamp}.{body}".encode(), "sha256")
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": "v1," + b64encode(signature).decode(),
    }
