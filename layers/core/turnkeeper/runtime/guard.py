"""Stands before every dependency: asks its breaker, lets one prober through, and reports how each call ended."""

from contextlib import suppress
from dataclasses import dataclass
from math import inf

from turnkeeper.domain.breaker import Admit, Breaker, Reaction, State, after_call
from turnkeeper.domain.failures import Failure
from turnkeeper.domain.telemetry import Action, Metric
from turnkeeper.errors import DependencyError, StoreUnavailable
from turnkeeper.ports import Clock, Telemetry
from turnkeeper.stores.breakers import BreakerStore

_PROBE_MARGIN_S = 5.0
"""Seconds by which a probe's lease outlives the call's timeout."""


@dataclass(frozen=True, slots=True)
class Permit:
    """Permission to call a dependency once; `probe` if this call decides whether the breaker closes."""

    dependency: str
    breaker: Breaker
    probe: bool

    @property
    def until(self) -> float:
        """When the call must have ended, in seconds since the epoch: a probe must not outlast its lease."""
        return self.breaker.probe_until if self.probe else inf


class Guard:
    """Grants permits to call. While the table is unavailable, the last known state of each breaker applies."""

    def __init__(self, breakers: BreakerStore, clock: Clock, telemetry: Telemetry) -> None:
        self._breakers, self._clock, self._telemetry = breakers, clock, telemetry

    def is_open(self, dependency: str) -> bool:
        """Whether a call would be skipped now, by the last known state."""
        return self._breakers.known(dependency).admits(self._clock()) is Admit.SKIP

    def refresh(self, dependency: str) -> None:
        """Read a breaker that is not among the reads of a run."""
        with suppress(StoreUnavailable):
            self._breakers.read([dependency])

    def enter(self, dependency: str, timeout_s: float) -> Permit:
        """Ask for a permit to call a dependency; raises DependencyError(BREAKER_OPEN) if it must be left alone."""
        breaker = self._breakers.known(dependency)
        decision = breaker.admits(self._clock())
        if decision is Admit.PROBE:
            probing = self._try_probe(breaker, timeout_s)
            if probing:
                return Permit(dependency, probing, probe=True)
        elif decision is Admit.CALL:
            return Permit(dependency, breaker, probe=False)
        raise DependencyError(Failure.BREAKER_OPEN, dependency, sent=False)

    def answered(self, permit: Permit) -> None:
        """Report a call that was answered; a refusal and invalid output are answers too."""
        should_report = self._breakers.called(permit.dependency)
        if after_call(None, is_probe=permit.probe) is Reaction.CLOSE:
            self._react(Reaction.CLOSE, permit)
        elif should_report:
            with suppress(StoreUnavailable):
                self._breakers.report(permit.dependency, permit.breaker.generation)

    def failed(
        self, permit: Permit, failure: Failure, retry_after_s: float | None = None, said: str = ""
    ) -> Breaker | None:
        """Report a call that failed; returns the breaker if that moved it.

        `retry_after_s` is what the dependency asked for, in seconds, and `said` its own sentence.
        """
        self._breakers.called(permit.dependency)
        return self._react(after_call(failure, is_probe=permit.probe), permit, retry_after_s, failure, said)

    def release(self, permit: Permit) -> None:
        """Release a permit whose call was not made, or says nothing about the dependency: another caller may probe."""
        if permit.probe:
            self._react(Reaction.RELEASE_PROBE, permit)

    def _react(
        self,
        reaction: Reaction,
        permit: Permit,
        retry_after_s: float | None = None,
        failure: Failure | None = None,
        said: str = "",
    ) -> Breaker | None:
        """Do to the breaker what was decided. If the table is unavailable, this report is lost, and nothing else."""
        breakers, breaker = self._breakers, permit.breaker
        moved: Breaker | None = None
        try:
            match reaction:
                case Reaction.CLOSE:
                    moved = breakers.close(breaker)
                case Reaction.REOPEN:
                    moved = breakers.reopen(breaker, retry_after_s, failure, said)
                case Reaction.COUNT_FAILURE:
                    moved = breakers.failed(permit.dependency, breaker.generation, retry_after_s, failure)
                case Reaction.OPEN if failure:
                    moved = breakers.open(permit.dependency, breaker.generation, failure, said)
                case Reaction.RELEASE_PROBE:
                    breakers.release(breaker)
        except StoreUnavailable:
            self._telemetry.warning("breaker not reported", dependency=permit.dependency)
            return None
        if moved:
            self._announce(moved)
        return moved

    def _try_probe(self, breaker: Breaker, timeout_s: float) -> Breaker | None:
        try:
            probing = self._breakers.probe(breaker, timeout_s + _PROBE_MARGIN_S)
        except StoreUnavailable:
            return None
        if probing:
            self._announce(probing)
        return probing

    def _announce(self, moved: Breaker) -> None:
        """Log where a breaker moved to, and count BreakerOpen, BreakerHalfOpen or BreakerClosed."""
        state = moved.state.name.lower()
        self._telemetry.action(
            Action.BREAKER_TRANSITION,
            dependency=moved.dependency,
            state=state,
            generation=moved.generation,
            success=moved.state is State.CLOSED,
        )
        self._telemetry.count(_METRICS[moved.state], dependency=moved.dependency)


_METRICS = {
    State.OPEN: Metric.BreakerOpen,
    State.HALF_OPEN: Metric.BreakerHalfOpen,
    State.CLOSED: Metric.BreakerClosed,
}
