"""Tables that count their calls, fail, or kill whoever writes: around any other table."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from turnkeeper.errors import StoreUnavailable
from turnkeeper.ports import Item, Json, Key, Op, Table, Write

T = TypeVar("T")


class Killed(BaseException):
    """The process died here: nothing may catch it."""


Hook = Callable[[str, Sequence[Key]], None]
"""Called with the name of a call and the keys it meets, before it and after it."""


def _nothing(_: str, __: Sequence[Key]) -> None:
    """Let the call pass."""


@dataclass
class WatchedTable:
    """A table that tells of every call: `before` and `after` may raise, `calls` are their names."""

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


def on(what: str, prefix: str, do: Callable[[], None], *, times: int = 1) -> Hook:
    """Do something when a call of that name meets an item whose pk or sk begins so, the first `times` times."""
    left = [times]

    def hook(name: str, keys: Sequence[Key]) -> None:
        if left[0] and name == what and any(part.startswith(prefix) for key in keys for part in key):
            left[0] -= 1
            do()

    return hook


def kill() -> None:
    """Die."""
    raise Killed


def fail() -> None:
    """Fail as a table does whose answer never came."""
    raise StoreUnavailable("no answer")
