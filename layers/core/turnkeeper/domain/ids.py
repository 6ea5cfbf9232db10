"""Ids that follow from what they name: a repeated request finds the same turn, a repeated call the same effect."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any


def digest(*parts: str) -> str:
    """Return a stable id of some strings, whatever characters they hold: 32 hexadecimal digits."""
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:32]


def turn_id(tenant: str, customer: str, path: str, key: str) -> str:
    """Return the id that one idempotency key has for one customer and one path."""
    return f"turn_{digest(tenant, customer, path, key)}"


def conversation_id(turn: str) -> str:
    """Return the id of the conversation that a turn begins."""
    return f"conv_{digest('conversation', turn)}"


def request_fingerprint(body: Mapping[str, Any]) -> str:
    """Return what two requests under one key must have in common to be the same request: a hash of the whole body."""
    canonical = json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(canonical.encode()).hexdigest()


def position(acquired_at: float, turn: str) -> str:
    """Return a turn's place in its conversation: by the moment it was acquired, in microseconds, then by id."""
    return f"{int(acquired_at * 1_000_000):017d}#{turn}"
