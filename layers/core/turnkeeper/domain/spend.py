"""Spending limits in micro-dollars: UTC days and months, headroom, when an alert is due, what a refusal reports."""

from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum

ALERT_PERCENT = 80


class Limit(StrEnum):
    """The limits that a reservation must fit, in the order in which it is held to them: the first full one is told."""

    CUSTOMER_DAY = "customer_day"
    TASK = "task"
    CUSTOMER_MONTH = "customer_month"
    TENANT_DAY = "tenant_day"
    STACK_DAY = "stack_day"


@dataclass(frozen=True, slots=True)
class Override:
    """The limits that an owner set for one customer or one agent, in micro-dollars; None where none was set."""

    task_micro_usd: int | None = None
    customer_day_micro_usd: int | None = None
    customer_month_micro_usd: int | None = None


@dataclass(frozen=True, slots=True)
class Limits:
    """What may be spent, in micro-dollars; a limit of None is off: nothing is held to it, and nothing counted for it.

    `stack_day_micro_usd` is the most that all tenants may spend together in a day.
    """

    task_micro_usd: int
    customer_day_micro_usd: int
    tenant_day_micro_usd: int | None = None
    customer_month_micro_usd: int | None = None
    stack_day_micro_usd: int | None = None

    def overridden(self, *overrides: Override) -> "Limits":
        """Return the limits with overrides applied in order: a later one wins.

        The order of a turn, from the weakest: the deployment's limits, the agent's own (its definition), what the owner
        set for the agent, what the owner set for the customer.
        """
        limits = self
        for override in overrides:
            named = {f.name: getattr(override, f.name) for f in fields(override)}
            limits = replace(limits, **{name: amount for name, amount in named.items() if amount is not None})
        return limits

    def amounts(self) -> dict[Limit, int]:
        """Return the limits that are on, in micro-dollars."""
        amounts = {
            Limit.CUSTOMER_DAY: self.customer_day_micro_usd,
            Limit.TASK: self.task_micro_usd,
            Limit.CUSTOMER_MONTH: self.customer_month_micro_usd,
            Limit.TENANT_DAY: self.tenant_day_micro_usd,
            Limit.STACK_DAY: self.stack_day_micro_usd,
        }
        return {limit: amount for limit, amount in amounts.items() if amount is not None}


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


def month_of(day: str) -> str:
    """Return the month of a UTC day, such as 2026-11."""
    return day[:7]


def resets_at(day: str) -> str:
    """Return when a UTC day ends and its limit starts afresh, as an RFC 3339 timestamp."""
    start = datetime.strptime(day, "%Y-%m-%d").replace(tzinfo=UTC)
    return _moment(start + timedelta(days=1))


def month_resets_at(month: str) -> str:
    """Return when a UTC month ends and its limit starts afresh, as an RFC 3339 timestamp."""
    start = datetime.strptime(month, "%Y-%m").replace(tzinfo=UTC)
    return _moment((start + timedelta(days=31)).replace(day=1))


def _moment(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def headroom(limit: int, reserved: int) -> int:
    """Return the most that may be committed before if `reserved` is still to fit; negative if it never fits."""
    return limit - reserved


def alert_headroom(limit: int, reserved: int) -> int:
    """Return the most that may be committed before if `reserved` is not to make the 80 % alert due."""
    return limit * ALERT_PERCENT // 100 - reserved


def alert_is_due(limit: int, committed: int, reserved: int, *, alerted: bool) -> bool:
    """Whether reserving `reserved` more makes the 80 % alert due: it is due once for each day, month or task."""
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

    @property
    def told_remaining_micro_usd(self) -> int:
        """What a client is told is left: always 0 of the stack's day, as it would tell what other tenants spent."""
        return 0 if self.limit is Limit.STACK_DAY else self.remaining_micro_usd

    @property
    def resets_at(self) -> str | None:
        """When the limit starts afresh, as an RFC 3339 timestamp; None for a task, which never does."""
        match self.limit:
            case Limit.TASK:
                return None
            case Limit.CUSTOMER_MONTH:
                return month_resets_at(month_of(self.day))
            case Limit.CUSTOMER_DAY | Limit.TENANT_DAY | Limit.STACK_DAY:
                return resets_at(self.day)


@dataclass(frozen=True, slots=True)
class SpendAlert:
    """An alert to the owner that a limit is 80 % used. Amounts are micro-dollars.

    `name` is the day, the month or the task; `dedup_key` is what all deliveries of the alert have in common. Where the
    limit is not one customer's, `customer` is empty; where it is the stack's, `tenant` is too.
    """

    tenant: str
    customer: str
    limit: Limit
    name: str
    limit_micro_usd: int
    committed_micro_usd: int
    dedup_key: str
