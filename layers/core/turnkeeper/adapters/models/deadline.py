"""A hard total time for a blocking call: it holds even if the peer is silent, or sends one byte a second."""

from collections.abc import Callable
from queue import Empty, SimpleQueue
from threading import Thread
from typing import TypeVar

T = TypeVar("T")


def call_within(seconds: float, call: Callable[[], T]) -> T:
    """Run a call in a thread of its own and return its result; raises what it raises, or TimeoutError after `seconds`.

    A call that ran out of time is abandoned and goes on in its thread, so it must end by itself: give its socket
    operations timeouts too.
    """
    results: SimpleQueue[T] = SimpleQueue()
    errors: SimpleQueue[BaseException] = SimpleQueue()
    done: SimpleQueue[None] = SimpleQueue()

    def run() -> None:
        try:
            results.put(call())
        except BaseException as error:  # noqa: BLE001 - the waiting thread raises it
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
