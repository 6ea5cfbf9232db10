"""The circuit breaker of one dependency, shared by the fleet: when to call, when to trip, how long to stay open."""

from dataclasses import dataclass, field, replace
from enum import StrEnum

from turnkeeper.domain.failures import CONSEQUENCES, Failure

LONGEST_REST_S = 3_600.0
"""The longest that a dependency's own Retry-After keeps its breaker open, in seconds."""

MAX_BACKOFF = 4
"""Repeated reopening makes the open time at most this many times the recovery timeout."""


_TOLD = {failure.value for failure, row in CONSEQUENCES.items() if row.rest_s}


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


class Reaction(StrEnum):
    """What the outcome of a call does to the breaker."""

    COUNT_CALL = "count_call"
    COUNT_FAILURE = "count_failure"
    OPEN = "open"
    CLOSE = "close"
    REOPEN = "reopen"
    RELEASE_PROBE = "release_probe"
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class BreakerPolicy:
    """When a breaker opens, and for how many seconds.

    It opens after `failure_threshold` failures in this and the previous minute, if they are at least half of the calls.
    """

    failure_threshold: int = 5
    recovery_timeout_s: float = 300.0


@dataclass(frozen=True, slots=True)
class Breaker:
    """What the fleet knows of one dependency. Moments are seconds since the epoch.

    `generation` rises with every transition: the outcome of a call from an older generation is ignored. `probe_until`
    is when the probe of a half-open breaker is taken for dead, so that another caller may probe; `times_reopened`
    counts the probes that failed in a row. `opened_by` is the code of the failure that opened it, as text: a newer
    release may have written one that this one does not know. `opening` is the generation with which it opened: it stays
    while a probe is on its way, is 0 of a closed one, and follows from the rest where two are compared. `said` is the
    redacted sentence of the other side, where one failure is enough: for the owner's notice, and for nothing else.
    """

    dependency: str
    state: State = State.CLOSED
    generation: int = 0
    open_until: float = 0.0
    probe_until: float = 0.0
    times_reopened: int = 0
    opened_by: str = ""
    said: str = ""
    opening: int = field(default=0, compare=False)

    @property
    def is_told(self) -> bool:
        """Whether the owner is told that it opened: of what one failure was enough for."""
        return self.opened_by in _TOLD

    def admits(self, now: float) -> Admit:
        """Say whether to call, to try to become the one probe, or to skip the dependency."""
        if self.state is State.CLOSED:
            return Admit.CALL
        may_probe_from = self.open_until if self.state is State.OPEN else self.probe_until
        return Admit.PROBE if may_probe_from <= now else Admit.SKIP

    def opened(self, now: float, open_s: float, failure: Failure | None = None, said: str = "") -> "Breaker":
        """Return the breaker after too many failures, of which this was the last: open for `open_s` seconds."""
        opened_by, next_one = failure.value if failure else "", self.generation + 1
        until = now + open_s
        return Breaker(self.dependency, State.OPEN, next_one, until, opened_by=opened_by, said=said, opening=next_one)

    def retried(self, now: float) -> "Breaker":
        """Return the breaker after its owner asked for a probe: the next call is one."""
        return replace(self, open_until=now)

    def probing(self, now: float, lease_s: float) -> "Breaker":
        """Return the breaker while one caller probes the dependency, for at most `lease_s` seconds."""
        return replace(self, state=State.HALF_OPEN, generation=self.generation + 1, probe_until=now + lease_s)

    def probe_released(self) -> "Breaker":
        """Return the breaker after a probe without a result: another caller may probe at once."""
        return replace(self, probe_until=0.0)

    def closed(self) -> "Breaker":
        """Return the breaker after a probe that was answered."""
        return Breaker(self.dependency, State.CLOSED, self.generation + 1)

    def reopened(self, now: float, open_s: float, failure: Failure | None = None, said: str = "") -> "Breaker":
        """Return the breaker after a probe that failed: open again for `open_s` seconds."""
        return replace(self.opened(now, open_s, failure, said), times_reopened=self.times_reopened + 1)


def after_call(failure: Failure | None, *, is_probe: bool) -> Reaction:
    """Decide what the outcome of a call does to the breaker; `failure` is None when the call was answered.

    Three things can follow from a probe's failure, by its row in `CONSEQUENCES`: one that counts reopens the breaker;
    one that still shows the dependency at work, such as a refusal, closes it; any other releases the probe.
    """
    if failure is None:
        return Reaction.CLOSE if is_probe else Reaction.COUNT_CALL
    row = CONSEQUENCES[failure]
    if not is_probe:
        if row.rest_s:
            return Reaction.OPEN
        return Reaction.COUNT_FAILURE if row.counts else Reaction.NOTHING
    if row.counts:
        return Reaction.REOPEN
    return Reaction.CLOSE if row.probe_tells else Reaction.RELEASE_PROBE


def should_trip(*, fails: int, calls: int, policy: BreakerPolicy) -> bool:
    """Decide whether the calls and failures of this and the previous minute, taken together, open the breaker."""
    return fails >= policy.failure_threshold and 2 * fails >= calls


def open_seconds(
    times_reopened: int,
    policy: BreakerPolicy,
    random: float,
    retry_after_s: float | None = None,
    failure: Failure | None = None,
) -> float:
    """Return for how many seconds to stay open: longer each time it reopens, plus up to 10 % of jitter.

    `random` is 0 to 1. `retry_after_s` is what the dependency itself asked for in a Retry-After header: the breaker
    stays open at least that long, up to `LONGEST_REST_S`. A `failure` with a rest of its own has that, however often it
    reopens.
    """
    backoff: int = min(2**times_reopened, MAX_BACKOFF)
    row = CONSEQUENCES[failure] if failure else None
    own_s = row.rest_s if row else 0.0
    rest_s = own_s or max(policy.recovery_timeout_s * backoff, min(retry_after_s or 0.0, LONGEST_REST_S))
    return rest_s * (1 + random / 10)
