"""A worker is killed anywhere in a turn: what it reserved is resolved once, and for no less than was billed."""

import os
import signal
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from turnkeeper.domain.ids import turn_id
from turnkeeper.domain.turn import TurnState
from turnkeeper.ports import Key, Table
from turnkeeper.stores import keys

from tests.concurrency.deployment import PATH, Deployment, Log, amounts, day_key, task_key
from tests.support.crowd import PATIENCE_S, PROCESSES
from tests.support.tables import WatchedTable
from tests.support.world import TENANT

pytestmark = pytest.mark.random

Moment = tuple[str, int]
"""When to kill: before or after call n of the table, or bill n of the provider, such as ("before call", 3)."""

LATER_S = 3_600.0
AT_ONCE = 4


class Moments:
    """Counts the moments of a process's turn, and kills the process at one: no handler runs, and every thread stops."""

    def __init__(self, fatal: Moment | None) -> None:
        self._fatal = fatal
        self._mine, self._lock = threading.local(), threading.Lock()
        self.calls = self.bills = 0

    def before(self, _: str, __: Sequence[Key]) -> None:
        with self._lock:
            self.calls += 1
            self._mine.call = self.calls
        self._reach("before call", self._mine.call)

    def after(self, _: str, __: Sequence[Key]) -> None:
        self._reach("after call", self._mine.call)

    def before_bill(self) -> None:
        self.bills += 1
        self._reach("before bill", self.bills)

    def after_bill(self) -> None:
        self._reach("after bill", self.bills)

    def _reach(self, *moment: str | int) -> None:
        if moment == self._fatal:
            os.kill(os.getpid(), signal.SIGKILL)


def work(deployment: Deployment, customer: str, fatal: Moment | None) -> Moments:
    """Work on one turn of a customer, until it is answered or this process dies."""
    moments = Moments(fatal)
    watched = WatchedTable(deployment.table(), before=moments.before, after=moments.after)
    environment = deployment.environment(watched)
    environment.provider.before, environment.provider.after = moments.before_bill, moments.after_bill
    assert 200 == environment.turn("key", customer, "task").status
    return moments


def die(deployment: Deployment, logs: Mapping[Moment, Log]) -> list[int]:
    """Work on a turn for each moment, in a process that is killed there; returns how each process ended.

    One thread starts and joins them all: `Process.start` polls every process, and would take the exit code from under
    another thread's `join`.
    """
    ends: list[int] = []
    processes = [PROCESSES.Process(target=work, args=(deployment.but(log=logs[m]), str(m), m)) for m in logs]
    for first in range(0, len(processes), AT_ONCE):
        together = processes[first : first + AT_ONCE]
        for process in together:
            process.start()
        for process in together:
            process.join(PATIENCE_S)
            ends.append(process.exitcode or 0)
    return ends


def at_once(calls: Sequence[Callable[[], object]]) -> None:
    with ThreadPoolExecutor(len(calls)) as threads:
        for done in [threads.submit(call) for call in calls]:
            done.result()


SCENES: Mapping[str, Mapping[str, str]] = {
    "the first model answers": {},
    "the first is billed without answering": {"first": "timeout"},
    "the first fails": {"first": "error"},
}


@pytest.mark.parametrize("modes", SCENES.values(), ids=SCENES)
def test_whatever_a_killed_worker_held_is_resolved(
    deployment: Deployment, tmp_path: Path, modes: Mapping[str, str]
) -> None:
    deployment = deployment.but(modes=modes, env={"BREAKER_FAILURE_THRESHOLD": "1000"})
    table = deployment.table()
    alive = work(deployment, "alive", None)
    moments = [(when, n + 1) for when in ("before call", "after call") for n in range(alive.calls)]
    moments += [(when, n + 1) for when in ("before bill", "after bill") for n in range(alive.bills)]
    logs = {moment: Log(tmp_path / f"{moment[0]} {moment[1]}") for moment in moments}

    assert [-signal.SIGKILL] * len(moments) == die(deployment, logs)
    reconcilers = [deployment.but(clock_ahead_s=LATER_S).environment() for _ in range(2)]
    at_once([one.reconcile for one in reconcilers])

    first = {moment: state(table, str(moment)) for moment in moments}
    assert {} == {m: wrong for m in moments if (wrong := mistakes(first[m], logs[m].billed))}
    for one in reconcilers:
        one.reconcile()
    assert first == {moment: state(table, str(moment)) for moment in moments}


State = tuple[str, tuple[int, int], tuple[int, int], list[str]]


def state(table: Table, customer: str) -> State:
    """Return the turn's state, what its day and its task hold, and the states of its reservations."""
    turn = turn_id(TENANT, customer, PATH, "key")
    family = {str(item["sk"]): item for item in table.query(keys.turn(turn)[0])}
    held = [str(item["st"]) for sk, item in family.items() if sk.startswith(keys.RESERVATION)]
    counters = table.get(day_key(customer)), table.get(task_key("task", customer))
    return str(family.get(keys.TURN, {}).get("st", "")), amounts(counters[0]), amounts(counters[1]), held


def mistakes(found: State, billed: int) -> str:
    turn, day, task, held = found
    if "PENDING" in held or day[0] != day[1] or task != day:
        return f"leaks: {found}"
    if day[1] < billed:
        return f"billed {billed}, posted {day[1]}"
    if turn not in ("", TurnState.ESC, TurnState.DONE):
        return f"nobody carries it on: {found}"
    return ""
