"""Stands before every dependency: asks its breaker, lets one prober through, and reports how each call ended."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from math import inf

from turnkeeper.domain.breaker import Admit, Breaker, State, admit
from turnkeeper.domain.failures import CONSEQUENCES, Failure
from turnkeeper.domain.telemetry import Action, Metric
from turnkeeper.errors import DependencyError, StoreUnavailable
from turnkeeper.ports import Clock, Telemetry
from turnkeeper.stores.breakers import BreakerStore

_PROBE_MARGIN = 5.0
"""Seconds by which a probe's lease outlives the call's timeout."""


@dataclass(frozen=True, slots=True)
class Permit:
    """Leave to call a dependency once; `probe` when this call decides whether the breaker closes."""

    dependency: str
    breaker: Breaker
    probe: bool

    @property
    def until(self) -> float:
        """Until when the call must have ended, in seconds since the epoch: a probe before its lease does."""
        return self.breaker.lease_until if self.probe else inf


class Guard:
    """The breakers' doorkeeper. A table that is away changes nothing: the last known state goes on."""

    def __init__(self, breakers: BreakerStore, clock: Clock, telemetry: Telemetry) -> None:
        self._breakers, self._clock, self._telemetry = breakers, clock, telemetry

    def is_open(self, dependency: str) -> bool:
        """Whether a call would be skipped now, as far as is known."""
        return admit(self._breakers.known(dependency), self._clock()) is Admit.SKIP

    def refresh(self, dependency: str) -> None:
        """Read a breaker that no turn's own reads brought along."""
        with suppress(StoreUnavailable):
            self._breakers.read([dependency])

    def enter(self, dependency: str, timeout_s: float) -> Permit:
        """Ask to call a dependency; raises DependencyError(BREAKER_OPEN) when it must be left alone."""
        breaker = self._breakers.known(dependency)
        decision = admit(breaker, self._clock())
        if decision is Admit.PROBE:
            probing = self._try_probe(breaker, timeout_s)
            if probing:
                return Permit(dependency, probing, probe=True)
        elif decision is Admit.CALL:
            return Permit(dependency, breaker, probe=False)
        raise DependencyError(Failure.BREAKER_OPEN, dependency, sent=False)

    def answered(self, permit: Permit) -> None:
        """Report a call that was answered, with a refusal or invalid output too."""
        due = self._breakers.called(permit.dependency)
        if permit.probe:
            self._report(lambda: self._breakers.close(permit.breaker), permit, State.CLOSED)
        elif due:
            with suppress(StoreUnavailable):
                self._breakers.report(permit.dependency, permit.breaker.gen)

    def failed(self, permit: Permit, failure: Failure, retry_after_s: float | None = None) -> None:
        """Report a call that failed; `retry_after_s` is what the dependency asked for."""
        row, name, breaker = CONSEQUENCES[failure], permit.dependency, permit.breaker
        self._breakers.called(name)
        if not permit.probe:
            if row.counts:
                self._report(lambda: self._breakers.failed(name, breaker.gen, retry_after_s), permit, State.OPEN)
        elif row.counts:
            self._report(lambda: self._breakers.reopen(breaker, retry_after_s), permit, State.OPEN)
        elif row.probe_tells:
            self._report(lambda: self._breakers.close(permit.breaker), permit, State.CLOSED)
        else:
            self.cancelled(permit)

    def cancelled(self, permit: Permit) -> None:
        """Give a permit back unused: another may probe at once."""
        if permit.probe:
            self._report(lambda: self._breakers.release(permit.breaker), permit, None)

    def _try_probe(self, breaker: Breaker, timeout_s: float) -> Breaker | None:
        try:
            probing = self._breakers.probe(breaker, timeout_s + _PROBE_MARGIN)
        except StoreUnavailable:
            return None
        if probing:
            self._log(probing)
        return probing

    def _report(self, write: Callable[[], Breaker | None], permit: Permit, to: State | None) -> None:
        try:
            moved = write()
        except StoreUnavailable:
            self._telemetry.warning("breaker not reported", dependency=permit.dependency)
            return
        if moved and to:
            self._log(moved)

    def _log(self, moved: Breaker) -> None:
        state = moved.state.name.lower()
        self._telemetry.action(
            Action.BREAKER_TRANSITION,
            dependency=moved.dependency,
            state=state,
            generation=moved.gen,
            success=moved.state is State.CLOSED,
        )
        self._telemetry.count(_METRICS[moved.state], dependency=moved.dependency)


_METRICS = {
    State.OPEN: Metric.BreakerOpen,
    State.HALF_OPEN: Metric.BreakerHalfOpen,
    State.CLOSED: Metric.BreakerClosed,
}
