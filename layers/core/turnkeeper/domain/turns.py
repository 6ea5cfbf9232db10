"""A turn's identity and states: ids, the fingerprint of a request, and who may take a turn over."""

import hashlib
import json
from collections.abc import Mapping
from enum import StrEnum
from typing import Any


class TurnState(StrEnum):
    """Where a turn stands: RUN -> DONE or ESC; ESC -> DONE."""

    RUN = "RUN"
    ESC = "ESC"
    DONE = "DONE"


class Status(StrEnum):
    """What a client is told of a turn."""

    COMPLETED = "completed"
    ESCALATING = "escalating"
    AWAITING_HUMAN = "awaiting_human"
    EXPIRED = "expired"
    FAILED = "failed"


class Tier(StrEnum):
    """Which way a turn was answered."""

    FIRST_ATTEMPT = "first_attempt"
    CORRECTED_RETRY = "corrected_retry"
    ALTERNATIVE_PATH = "alternative_path"
    HUMAN = "human"


def digest(*parts: str) -> str:
    """Return a short stable id of some strings, whatever characters they hold."""
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:32]


def turn_id(tenant: str, customer: str, path: str, key: str) -> str:
    """Return the id that one idempotency key has for one customer and one path."""
    return f"turn_{digest(tenant, customer, path, key)}"


def conversation_id(turn: str) -> str:
    """Return the id of the conversation that a turn begins."""
    return f"conv_{digest('conversation', turn)}"


def fingerprint(body: Mapping[str, Any]) -> str:
    """Return what must be equal for two requests under one key to be the same: the canonical validated body."""
    canonical = json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(canonical.encode()).hexdigest()


def position(acquired_at: float, turn: str) -> str:
    """Return a turn's place in its conversation: by the moment it was acquired, in microseconds, then by id."""
    return f"{int(acquired_at * 1_000_000):017d}#{turn}"


def shard(turn: str, shards: int) -> int:
    """Return the shard of the index of due work that a turn belongs to."""
    return int(hashlib.sha256(turn.encode()).hexdigest(), 16) % shards
