"""Does many things at the same moment: several processes, one thread for each thing, and one common start."""

import multiprocessing
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from functools import cache
from threading import Barrier
from typing import Any, TypeVar

T = TypeVar("T")

PATIENCE_S = 90.0
PROCESSES = multiprocessing.get_context("forkserver")
"""A fork server: children start with the modules loaded, and without the parent's threads."""

PROCESSES.set_forkserver_preload(["tests.support.warm"])

PREPARED = 8
"""Processes in the pool. It lives as long as the tests do: starting a process takes longer than most tests."""


def crowd(make: Callable[[], Callable[[int], T]], size: int) -> list[T]:
    """Do `size` things at once and return their results, in order; `make` prepares each process for its share."""
    # Every process waits for all others before it begins, so none gets two shares.
    done = [_pool().submit(_share, make, range(first, size, PREPARED)) for first in range(PREPARED)]
    found = dict(pair for future in done for pair in future.result(PATIENCE_S))
    return [found[n] for n in range(size)]


@cache
def _pool() -> ProcessPoolExecutor:
    return ProcessPoolExecutor(PREPARED, PROCESSES, _meet_at, (PROCESSES.Barrier(PREPARED),))


_start: list[Any] = []


def _meet_at(barrier: Any) -> None:
    _start.append(barrier)


def _share(make: Callable[[], Callable[[int], T]], share: Sequence[int]) -> list[tuple[int, T]]:
    barrier = _start[0]
    try:
        do = make()
    except BaseException:
        barrier.abort()
        raise
    here = Barrier(len(share))

    def one(n: int) -> tuple[int, T]:
        if here.wait(PATIENCE_S) == 0:  # one thread of each process meets those of the others
            barrier.wait(PATIENCE_S)
        here.wait(PATIENCE_S)
        return n, do(n)

    with ThreadPoolExecutor(len(share)) as threads:
        return list(threads.map(one, share))
