"""The circuit breaker of one dependency, shared by the fleet: when to call, when to trip, how long to stay open."""

from dataclasses import dataclass
from enum import StrEnum

LONGEST_REST_S = 3_600.0
"""The most that a dependency's own Retry-After keeps its breaker open."""

MAX_BACKOFF = 4
"""Repeated reopening makes the open time at most this many times the recovery timeout."""


class State(StrEnum):
    """The breaker's state."""

    CLOSED = "CLOSED"
    OPEN = "OPEN"
    HALF_OPEN = "HALF"


class Admit(StrEnum):
    """What a caller may do."""

    CALL = "call"
    PROBE = "probe"
    SKIP = "skip"


@dataclass(frozen=True, slots=True)
class Breaker:
    """What the fleet knows of one dependency. `gen` changes with every transition, and fences stale outcomes."""

    dependency: str
    state: State = State.CLOSED
    gen: int = 0
    open_until: float = 0.0
    lease_until: float = 0.0
    reopened: int = 0


@dataclass(frozen=True, slots=True)
class BreakerPolicy:
    """`failure_threshold` failures that are half of two minutes' calls open it for `recovery_timeout` seconds."""

    failure_threshold: int = 5
    recovery_timeout: float = 300.0


def admit(breaker: Breaker, now: float) -> Admit:
    """Say whether to call, to try to become the one probe, or to skip the dependency."""
    if breaker.state is State.CLOSED:
        return Admit.CALL
    if breaker.state is State.OPEN:
        return Admit.PROBE if breaker.open_until <= now else Admit.SKIP
    return Admit.PROBE if breaker.lease_until <= now else Admit.SKIP


def should_trip(*, fails: int, calls: int, policy: BreakerPolicy) -> bool:
    """Say whether the failures of this and the previous minute open the breaker."""
    return fails >= policy.failure_threshold and 2 * fails >= calls


def open_seconds(reopened: int, policy: BreakerPolicy, random: float, asked: float | None = None) -> float:
    """Return how long to stay open: longer on repeated reopening, with up to 10 % jitter (`random` in 0..1).

    `asked` is what the dependency asked for with Retry-After: kept, within bounds.
    """
    backoff: int = min(2**reopened, MAX_BACKOFF)
    rest = max(policy.recovery_timeout * backoff, min(asked or 0.0, LONGEST_REST_S))
    return rest * (1 + random / 10)
