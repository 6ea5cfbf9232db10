"""A hard total time for a call that blocks: kept also against a peer that is silent, or sends a byte a second."""

from collections.abc import Callable
from queue import Empty, SimpleQueue
from threading import Thread
from typing import TypeVar

T = TypeVar("T")


def call_within(seconds: float, call: Callable[[], T]) -> T:
    """Run a call in a thread of its own; raises TimeoutError and abandons it when the time is up.

    The call must end by itself some time: give its socket operations timeouts too.
    """
    results: SimpleQueue[T] = SimpleQueue()
    errors: SimpleQueue[BaseException] = SimpleQueue()
    done: SimpleQueue[None] = SimpleQueue()

    def run() -> None:
        try:
            results.put(call())
        except BaseException as error:  # noqa: BLE001 - it is raised again where it is waited for
            errors.put(error)
        done.put(None)

    Thread(target=run, daemon=True, name="call").start()
    try:
        done.get(timeout=max(0.0, seconds))
    except Empty:
        raise TimeoutError(f"no answer within {seconds:.1f} s") from None
    if not errors.empty():
        raise errors.get()
    return results.get()
