"""Spending limits in micro-dollars: UTC days, headroom, when the 80 % alert is due, and what a refusal reports."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum

ALERT_PERCENT = 80


class Limit(StrEnum):
    """The limits that a reservation must fit."""

    TASK = "task"
    CUSTOMER_DAY = "customer_day"
    TENANT_DAY = "tenant_day"


@dataclass(frozen=True, slots=True)
class Override:
    """The limits that an owner set for one customer or one agent, in micro-dollars; None where none was set."""

    task_micro_usd: int | None = None
    customer_day_micro_usd: int | None = None


@dataclass(frozen=True, slots=True)
class Limits:
    """What may be spent, in micro-dollars; a `tenant_day_micro_usd` of None means that the tenant has no limit."""

    task_micro_usd: int
    customer_day_micro_usd: int
    tenant_day_micro_usd: int | None = None

    def overridden(self, *overrides: Override) -> "Limits":
        """Return the limits with overrides applied in order: a later one wins.

        The order of a turn, from the weakest: the deployment's limits, the agent's own (its definition), what the owner
        set for the agent, what the owner set for the customer.
        """
        limits = self
        for override in overrides:
            task, day = override.task_micro_usd, override.customer_day_micro_usd
            limits = replace(
                limits,
                task_micro_usd=limits.task_micro_usd if task is None else task,
                customer_day_micro_usd=limits.customer_day_micro_usd if day is None else day,
            )
        return limits


@dataclass(frozen=True, slots=True)
class Counter:
    """What counts against one limit, in micro-dollars: `committed` is what was posted and what is still pending."""

    committed_micro_usd: int = 0
    posted_micro_usd: int = 0

    @property
    def pending_micro_usd(self) -> int:
        """What is reserved and not yet resolved."""
        return self.committed_micro_usd - self.posted_micro_usd


def utc_day(now: float) -> str:
    """Return the UTC day of a moment, such as 2026-11-23."""
    return datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%d")


def resets_at(day: str) -> str:
    """Return when a UTC day ends and its limit starts afresh, as an RFC 3339 timestamp."""
    start = datetime.strptime(day, "%Y-%m-%d").replace(tzinfo=UTC)
    return (start + timedelta(days=1)).strftime("%Y-%m-%dT%H:%M:%SZ")


def headroom(limit: int, reserved: int) -> int:
    """Return the most that may be committed before if `reserved` is still to fit; negative if it never fits."""
    return limit - reserved


def alert_headroom(limit: int, reserved: int) -> int:
    """Return the most that may be committed before if `reserved` is not to make the 80 % alert due."""
    return limit * ALERT_PERCENT // 100 - reserved


def alert_is_due(limit: int, committed: int, reserved: int, *, alerted: bool) -> bool:
    """Whether reserving `reserved` more makes the 80 % alert due: it is due once for each day, or task."""
    return not alerted and committed > alert_headroom(limit, reserved)


@dataclass(frozen=True, slots=True)
class OverLimit:
    """Why a reservation was refused: amounts in micro-dollars."""

    limit: Limit
    limit_micro_usd: int
    committed_micro_usd: int
    day: str

    @property
    def remaining_micro_usd(self) -> int:
        """What is left under the limit, never negative."""
        return max(0, self.limit_micro_usd - self.committed_micro_usd)


@dataclass(frozen=True, slots=True)
class SpendAlert:
    """An alert to the owner that a limit is 80 % used. Amounts are micro-dollars.

    `name` is the day or the task; `dedup_key` is what all deliveries of the alert have in common.
    """

    tenant: str
    customer: str
    limit: Limit
    name: str
    limit_micro_usd: int
    committed_micro_usd: int
    dedup_key: str
