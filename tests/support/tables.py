"""Wraps any table in one that counts its calls, fails, or kills the process that calls it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from turnkeeper.errors import StoreUnavailable
from turnkeeper.ports import Item, Json, Key, Op, Table, Write

T = TypeVar("T")


class Killed(BaseException):
    """The process died here; no code may catch this."""


Hook = Callable[[str, Sequence[Key]], None]
"""Called with the name of a call and the keys of its items, before the call or after it."""


def _nothing(_: str, __: Sequence[Key]) -> None:
    """Let the call pass."""


@dataclass
class WatchedTable:
    """A table that reports every call to `before` and `after`, which may raise; `calls` are the names of all calls."""

    inner: Table
    before: Hook = _nothing
    after: Hook = _nothing
    calls: list[str] = field(default_factory=list)

    def get(self, key: Key) -> Item | None:
        """Read one item."""
        return self._call("get", [key], lambda: self.inner.get(key))

    def batch_get(self, keys: Sequence[Key]) -> dict[Key, Item]:
        """Read many items."""
        return self._call("batch_get", keys, lambda: self.inner.batch_get(keys))

    def query(
        self, pk: str, *, prefix: str = "", newest_first: bool = False, limit: int | None = None, after: str = ""
    ) -> list[Item]:
        """Read a partition."""
        return self._call(
            "query",
            [(pk, prefix)],
            lambda: self.inner.query(pk, prefix=prefix, newest_first=newest_first, limit=limit, after=after),
        )

    def query_index(
        self, index: str, pk: str, *, upto: object = None, limit: int = 100, after: Json | None = None
    ) -> tuple[list[Item], Json | None]:
        """Read an index."""
        return self._call(
            "query_index",
            [(pk, index)],
            lambda: self.inner.query_index(index, pk, upto=upto, limit=limit, after=after),
        )

    def write(self, op: Write) -> Item:
        """Write one item."""
        return self._call("write", [op.key], lambda: self.inner.write(op))

    def transact(self, ops: Sequence[Op], *, on_conflict: Callable[[], None] | None = None) -> None:
        """Write many items."""
        self._call("transact", [op.key for op in ops], lambda: self.inner.transact(ops, on_conflict=on_conflict))

    def _call(self, name: str, keys: Sequence[Key], call: Callable[[], T]) -> T:
        self.calls.append(name)
        self.before(name, keys)
        result = call()
        self.after(name, keys)
        return result


def down(_: str, __: Sequence[Key]) -> None:
    """A table that cannot be reached."""
    raise StoreUnavailable("down")


def on(call: str, prefix: str, do: Callable[[], None], *, times: int = 1) -> Hook:
    """Return a hook that does something, `times` times, when `call` has an item whose pk or sk starts with `prefix`."""
    left = [times]

    def hook(name: str, keys: Sequence[Key]) -> None:
        if left[0] and name == call and any(part.startswith(prefix) for key in keys for part in key):
            left[0] -= 1
            do()

    return hook


def kill() -> None:
    """Die."""
    raise Killed


def fail() -> None:
    """Fail like a table whose answer never came."""
    raise StoreUnavailable("no answer")
