"""Counts the failed calls until a fleet stops calling: Powertools' circuit breaker beside ours."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from threading import Barrier
from typing import Any, Protocol

from aws_lambda_powertools.utilities.circuit_breaker import CircuitBreakerConfig, circuit_breaker
from aws_lambda_powertools.utilities.circuit_breaker.exceptions import CircuitBreakerOpenError
from aws_lambda_powertools.utilities.circuit_breaker.persistence import CircuitBreakerPersistenceLayer
from aws_lambda_powertools.utilities.circuit_breaker.persistence.base import CircuitBreakerExistingLockError
from aws_lambda_powertools.utilities.circuit_breaker.persistence.record import CircuitStateRecord
from aws_lambda_powertools.utilities.circuit_breaker.states import CircuitState
from turnkeeper.adapters.memory import MemoryTable
from turnkeeper.adapters.memory_telemetry import MemoryTelemetry
from turnkeeper.domain.breaker import BreakerPolicy, State
from turnkeeper.domain.failures import Failure
from turnkeeper.errors import DependencyError
from turnkeeper.runtime.guard import Guard
from turnkeeper.stores.breakers import BreakerStore

from benchmarks.report import table

FLEETS = (1, 10, 50)
THRESHOLD = 5
Call = Callable[[], None]


class Down(Exception):  # noqa: N818 - what the dependency is
    """The dependency failed."""


class Environment(Protocol):
    """One execution environment that calls a dependency through its breaker."""

    def attempt(self, call: Call) -> bool:
        """Call the dependency, unless the breaker is open; returns whether it was called."""


# --- theirs -----------------------------------------------------------------------------------------------------------


@dataclass
class Shared:
    """What Powertools' environments share: one record."""

    record: CircuitStateRecord | None = None


class SharedRecord(CircuitBreakerPersistenceLayer):
    """Powertools' persistence over a shared record, with the conditions of its DynamoDB layer; one an environment."""

    def __init__(self, shared: Shared) -> None:
        super().__init__()
        self._shared = shared

    def _get_record(self, name: str) -> CircuitStateRecord | None:
        record = self._shared.record
        return replace(record, name=name) if record else None

    def _put_record(
        self, record: CircuitStateRecord, condition: str | None = None, expected_opened_at: int | None = None
    ) -> None:
        there = self._shared.record
        if condition == "half_open" and there:
            free = there.state == CircuitState.OPEN and not there.half_open_owner
            free = free and there.opened_at == expected_opened_at
            lapsed = there.state == CircuitState.HALF_OPEN and there.probe_lease_expiry == 0
            if not (free or lapsed):
                raise CircuitBreakerExistingLockError
        self._shared.record = record

    def _update_record(self, record: CircuitStateRecord) -> None:
        self._shared.record = record


class Theirs:
    """An environment with Powertools' breaker.

    Powertools counts in its process, by circuit name; an environment here is a name of its own over the shared record.
    """

    made = 0

    def __init__(self, shared: Shared, *, cache_s: int = 5, threshold: int = THRESHOLD) -> None:
        Theirs.made += 1
        config = CircuitBreakerConfig(
            failure_threshold=threshold, recovery_timeout=300, success_threshold=1, local_cache_max_age=cache_s
        )
        protect = circuit_breaker(f"environment-{Theirs.made}", SharedRecord(shared), config=config)
        self._protected: Callable[[Call], None] = protect(lambda call: call())

    def attempt(self, call: Call) -> bool:
        """Call the dependency, unless the breaker is open."""
        try:
            self._protected(call)
        except CircuitBreakerOpenError:
            return False
        except Down:
            pass
        return True


# --- ours -------------------------------------------------------------------------------------------------------------


@dataclass
class Ours:
    """An environment with our breaker, which it reads at the start of every turn, with all that a turn reads."""

    table: MemoryTable
    ahead_s: float = 0.0
    guard: Guard = field(init=False)

    def __post_init__(self) -> None:
        self.store = BreakerStore(self.table, self.clock, BreakerPolicy(THRESHOLD, 300.0), lambda: 0.5)
        self.guard = Guard(self.store, self.clock, MemoryTelemetry())

    def clock(self) -> float:
        """Return a time that only `ahead_s` moves."""
        return 1_795_000_000.0 + self.ahead_s

    def attempt(self, call: Call) -> bool:
        """Call the dependency, unless the breaker is open."""
        self.guard.refresh("dependency")
        try:
            permit = self.guard.enter("dependency", 10.0)
        except DependencyError:
            return False
        try:
            call()
        except Down:
            self.guard.failed(permit, Failure.SERVER_ERROR)
        else:
            self.guard.answered(permit)
        return True

    @property
    def state(self) -> State:
        """What the fleet shares."""
        return self.store.read(["dependency"])[0].state


# --- an outage --------------------------------------------------------------------------------------------------------


def fail() -> None:
    """Fail, as a dependency that is down."""
    raise Down


def in_turn(fleet: Sequence[Environment]) -> int:
    """Let one environment after another call until none does; returns the number of calls."""
    calls = 0
    while called := sum(one.attempt(fail) for one in fleet):
        calls += called
    return calls


def at_once(fleet: Sequence[Environment]) -> int:
    """Let all environments call at the same time until none does; returns the number of calls."""
    calls, width = 0, len(fleet)
    with ThreadPoolExecutor(width) as threads:
        while True:
            begun, ended = Barrier(width), Barrier(width)

            def attempt(one: Environment, begun: Barrier = begun, ended: Barrier = ended) -> bool:
                arrived: list[bool] = []

                def call() -> None:
                    arrived.append(True)
                    begun.wait()
                    fail()

                called = one.attempt(call)
                if not arrived:
                    begun.wait()
                ended.wait()
                return called

            called = sum(threads.map(attempt, fleet))
            if not called:
                return calls
            calls += called


def fleets(size: int) -> dict[str, Callable[[], Sequence[Environment]]]:
    """Return how a fleet of each kind is made."""

    def theirs(cache_s: int) -> Sequence[Environment]:
        shared = Shared()
        return [Theirs(shared, cache_s=cache_s) for _ in range(size)]

    def ours() -> Sequence[Environment]:
        shared = MemoryTable()
        return [Ours(shared) for _ in range(size)]

    return {
        "Powertools, as it comes (5 s cache)": lambda: theirs(5),
        "Powertools, without its cache": lambda: theirs(0),
        "Turnkeeper": ours,
    }


# --- races ------------------------------------------------------------------------------------------------------------


def their_late_probe() -> str:
    """A probe overstays its lease; another probes, and fails; then the first one succeeds."""
    opened = CircuitStateRecord("any", CircuitState.OPEN, opened_at=0)
    shared = Shared(opened)

    def slow() -> None:
        probing: Any = shared.record
        shared.record = replace(probing, probe_lease_expiry=0)
        Theirs(shared).attempt(fail)

    Theirs(shared).attempt(slow)
    return str(shared.record and shared.record.state)


def our_late_probe() -> str:
    """The same with ours."""
    shared = MemoryTable()
    in_turn([Ours(shared)])

    def slow() -> None:
        Ours(shared, 1_000).attempt(fail)

    Ours(shared, 400).attempt(slow)
    return Ours(shared).state.value


def their_late_failure() -> str:
    """The dependency fails, recovers and is probed; then a call from before fails, the fifth of its environment."""
    shared = Shared()
    slow = Theirs(shared)
    for _ in range(THRESHOLD - 1):
        slow.attempt(fail)

    def late() -> None:
        shared.record = CircuitStateRecord("any", CircuitState.OPEN, opened_at=0)
        Theirs(shared).attempt(lambda: None)
        fail()

    slow.attempt(late)
    return str(shared.record and shared.record.state)


def our_late_failure() -> str:
    """The same with ours."""
    shared = MemoryTable()
    slow = Ours(shared)
    for _ in range(THRESHOLD - 1):
        slow.attempt(fail)

    def late() -> None:
        Ours(shared).attempt(fail)
        Ours(shared, 1_000).attempt(lambda: None)
        fail()

    slow.attempt(late)
    return Ours(shared).state.value


def run() -> None:
    """Print the tables."""
    kinds = [fleets(size) for size in FLEETS]
    heads = [f"{size} environment{'s'[: size - 1]}" for size in FLEETS]
    for title, measure in (("one call after another", in_turn), ("every environment has a call in flight", at_once)):
        rows = [[name, *(measure(made[name]()) for made in kinds)] for name in kinds[0]]
        table(f"Failed calls until the fleet stops calling: {title} (threshold {THRESHOLD})", ["breaker", *heads], rows)
    table(
        "Where stale outcomes leave the circuit",
        ["what came late", "should be", "Powertools", "Turnkeeper"],
        [
            ["a slow probe's success, after another probe failed", "OPEN", their_late_probe(), our_late_probe()],
            ["a failure from before the recovery", "CLOSED", their_late_failure(), our_late_failure()],
        ],
    )
