"""Spending limits: days, rooms, the 80 % mark, and what a refusal tells."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

ALERT_PERCENT = 80


class Limit(StrEnum):
    """Which limit a reservation is held to."""

    TASK = "task"
    CUSTOMER_DAY = "customer_day"
    TENANT_DAY = "tenant_day"


@dataclass(frozen=True, slots=True)
class Limits:
    """What may be spent, in micro-dollars; `tenant_day` None means no such limit."""

    task: int
    customer_day: int
    tenant_day: int | None = None


@dataclass(frozen=True, slots=True)
class Counter:
    """What is held and spent under one limit, in micro-dollars: `committed` = posted + pending estimates."""

    committed: int = 0
    posted: int = 0

    @property
    def pending(self) -> int:
        """What is reserved and not yet settled."""
        return self.committed - self.posted


def utc_day(now: float) -> str:
    """Return the UTC day of a moment, such as 2026-11-23."""
    return datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%d")


def resets_at(day: str) -> str:
    """Return the moment (RFC 3339) at which a day's limit is fresh again."""
    start = datetime.strptime(day, "%Y-%m-%d").replace(tzinfo=UTC)
    return (start + timedelta(days=1)).strftime("%Y-%m-%dT%H:%M:%SZ")


def room(limit: int, estimate: int) -> int:
    """Return the most that may be committed already for `estimate` to fit; negative when it never fits."""
    return limit - estimate


def alert_room(limit: int, estimate: int) -> int:
    """Return the most that may be committed already for `estimate` to stay below the alert mark."""
    return limit * ALERT_PERCENT // 100 - estimate


@dataclass(frozen=True, slots=True)
class OverLimit:
    """Why a reservation was refused: amounts in micro-dollars."""

    limit: Limit
    amount: int
    committed: int
    day: str

    @property
    def remaining(self) -> int:
        """What is left under the limit, never negative."""
        return max(0, self.amount - self.committed)
