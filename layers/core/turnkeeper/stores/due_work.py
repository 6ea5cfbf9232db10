"""Due work: what the reconciler looks at, found in the `due` index (eventually consistent), longest overdue first."""

from dataclasses import dataclass

from turnkeeper.ports import Item, Json, Table
from turnkeeper.stores import keys


@dataclass(frozen=True, slots=True)
class DueTurn:
    """A turn for which something is due: the turn itself, its escalation or its callback."""

    turn_id: str

    def __str__(self) -> str:
        return self.turn_id


@dataclass(frozen=True, slots=True)
class DueAlert:
    """An 80 % alert whose publication was not confirmed, with the key of its item."""

    pk: str
    sk: str

    def __str__(self) -> str:
        return f"{self.pk}/{self.sk}"


@dataclass(frozen=True, slots=True)
class DueNotice:
    """A notice of a model that is gone whose publication was not confirmed; the dependency is the model."""

    dependency: str

    def __str__(self) -> str:
        return self.dependency


class DueWork:
    """The index of due work. It is only a hint: what it shows is read again, consistently, before anything is done."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def until(self, now: float) -> list[DueTurn | DueAlert | DueNotice]:
        """Find what is due at `now` (seconds since the epoch), each turn once."""
        found: dict[str, Item] = {}
        for partition in keys.due_partitions():
            cursor: Json | None = None
            while True:
                items, cursor = self._table.query_index("due", partition, upto=now, after=cursor)
                found.update((str(_work(item)), item) for item in items)
                if cursor is None:
                    break
        return [_work(item) for item in sorted(found.values(), key=lambda item: float(item["due_at"]))]


def _work(item: Item) -> DueTurn | DueAlert | DueNotice:
    if "turn_id" in item:
        return DueTurn(item["turn_id"])
    dependency = keys.dependency_of(str(item["pk"]))
    if dependency is not None:
        return DueNotice(dependency)
    return DueAlert(str(item["pk"]), str(item["sk"]))
