"""The guard that most gateways have: it reads what was spent, compares, calls, and adds what it cost."""

from collections.abc import Callable, Mapping, Sequence
from threading import Lock


class UsualGuard:
    """A limit, counted in calls of the usual price. Each step is atomic by itself; all of them together are not."""

    def __init__(self, limit: int, call: Callable[[], object]) -> None:
        self._limit, self._call, self._lock = limit, call, Lock()
        self.spent = self.billed = 0

    def turn(self, costs: Sequence[int] = (1,), modes: Mapping[int, str] | None = None) -> bool:
        """Check once and walk the chain of models, given by their costs; returns whether the turn was admitted.

        `modes` says of a model that it fails with an `error`, which nobody bills, or a `timeout`, which is billed.
        """
        with self._lock:
            if self.spent >= self._limit and costs[0]:
                return False
        for n, cost in enumerate(costs):
            mode = (modes or {}).get(n, "answer")
            self._call()
            with self._lock:
                self.billed += 0 if mode == "error" else cost
                self.spent += cost if mode == "answer" else 0
            if mode == "answer":
                break
        return True
