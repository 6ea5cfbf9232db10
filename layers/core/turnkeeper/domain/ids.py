"""Ids derived from what they name, so that a repeated request finds its turn, and a repeated call its effect."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any


def digest(*parts: str) -> str:
    """Return a stable id of some strings, whatever characters they contain: 32 hexadecimal digits."""
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:32]


def turn_id(tenant: str, customer: str, path: str, key: str) -> str:
    """Return the id of the turn that one idempotency key names, for one customer and one path."""
    return f"turn_{digest(tenant, customer, path, key)}"


def conversation_id(turn: str) -> str:
    """Return the id of the conversation that a turn begins."""
    return f"conv_{digest('conversation', turn)}"


def request_fingerprint(body: Mapping[str, Any]) -> str:
    """Return a hash of the body: two requests with one idempotency key are the same request if it is equal."""
    canonical = json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(canonical.encode()).hexdigest()


def position(acquired_at: float, turn: str) -> str:
    """Return a turn's place in its conversation, which sorts by `acquired_at` (seconds since the epoch), then by id."""
    return f"{int(acquired_at * 1_000_000):017d}#{turn}"
