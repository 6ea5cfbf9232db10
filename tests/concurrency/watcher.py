"""Watches counters while others change them."""

from collections.abc import Sequence
from threading import Event, Thread
from types import TracebackType
from typing import Self

from turnkeeper.ports import Key, Table

from tests.concurrency.deployment import amounts


class Watcher:
    """Reads counters again and again (strongly consistent); `most` is the highest `committed` seen of each."""

    def __init__(self, table: Table, keys: Sequence[Key]) -> None:
        self._table, self._keys = table, keys
        self._over = Event()
        self._thread = Thread(target=self._watch)
        self.looks = 0
        self.most = dict.fromkeys(keys, 0)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._over.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._over.is_set():
            for key, item in self._table.batch_get(self._keys).items():
                self.most[key] = max(self.most[key], amounts(item)[0])
            self.looks += 1
