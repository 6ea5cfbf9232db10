"""A table in memory that behaves like the one in DynamoDB: for tests, simulations and agents' fixtures."""

import operator
from collections.abc import Callable, Iterable, Sequence
from threading import Lock
from typing import Any

from turnkeeper.adapters.dynamodb.rules import (
    INDEXES,
    KEYS_ONLY,
    check_item,
    check_key,
    check_ops,
    check_write,
    index_cursor,
    index_start,
)
from turnkeeper.adapters.dynamodb.values import Wire, from_wire, item_from_wire, item_to_wire, to_wire
from turnkeeper.ports import Check, Cond, Delete, Item, Json, Key, Op, Put, Refused, Update, Write

_ORDER: dict[str, Callable[[Any, Any], bool]] = {
    "lt": operator.lt,
    "le": operator.le,
    "gt": operator.gt,
    "ge": operator.ge,
}


class MemoryTable:
    """A `Table` in this process.

    It stores DynamoDB's attribute values, so types compare as they do there, and an item that was read is a copy.
    """

    def __init__(self) -> None:
        self._items: dict[Key, Wire] = {}
        self._lock = Lock()

    def get(self, key: Key) -> Item | None:
        """Read one item."""
        return self.batch_get([key]).get(key)

    def batch_get(self, keys: Sequence[Key]) -> dict[Key, Item]:
        """Read many items; a key without an item is left out."""
        for key in keys:
            check_key(key)
        with self._lock:
            return {key: item_from_wire(self._items[key]) for key in keys if key in self._items}

    def query(
        self, pk: str, *, prefix: str = "", newest_first: bool = False, limit: int | None = None, after: str = ""
    ) -> list[Item]:
        """Read the items of a partition in order of `sk`, starting behind `after`."""

        def wanted(sk: str) -> bool:
            return sk.startswith(prefix) and (not after or (sk < after if newest_first else sk > after))

        with self._lock:
            keys = sorted((key for key in self._items if key[0] == pk and wanted(key[1])), reverse=newest_first)
            return [item_from_wire(self._items[key]) for key in keys[: None if limit is None else max(limit, 0)]]

    def query_index(
        self, index: str, pk: str, *, upto: Any = None, limit: int = 100, after: Json | None = None
    ) -> tuple[list[Item], Json | None]:
        """Read a page of an index, in order of its sort key; returns it with the cursor of the next one, or None."""
        pk_name, sk_name = INDEXES[index]

        def place(item: Item) -> tuple[Any, str, str]:
            return item[sk_name], item["pk"], item["sk"]

        with self._lock:
            items = [item_from_wire(item) for item in self._items.values() if pk_name in item and sk_name in item]
        found = sorted((item for item in items if item[pk_name] == pk), key=place)
        if upto is not None:
            found = [item for item in found if item[sk_name] <= upto]
        if after is not None:
            start = place(index_start(index, pk, after))
            found = [item for item in found if place(item) > start]
        page = found[:limit]
        if index in KEYS_ONLY:
            page = [{name: item[name] for name in ("pk", "sk", pk_name)} for item in page]
        return page, index_cursor(index, page[-1]) if 0 < len(page) < len(found) else None

    def write(self, op: Write) -> Item:
        """Write one item and return it as it is afterwards; raises Refused when the condition does not hold."""
        check_write(op)
        with self._lock:
            self._write([op])
            return item_from_wire(self._items[op.key])

    def transact(self, ops: Sequence[Op], *, on_conflict: Callable[[], None] | None = None) -> None:  # noqa: ARG002 - under one lock nothing conflicts
        """Write all items or none; raises Refused when any condition does not hold."""
        with self._lock:
            self._write(ops)

    def _write(self, ops: Sequence[Op]) -> None:
        check_ops(ops)
        olds = [self._items.get(op.key) for op in ops]
        failed = [i for i, op in enumerate(ops) if op.when is not None and not _holds(op.when, olds[i] or {})]
        if failed:
            raise Refused(failed, [_plain(old) if i in failed else None for i, old in enumerate(olds)])
        news = [_after(op, old) for op, old in zip(ops, olds, strict=True)]
        for op, new in zip(ops, news, strict=True):
            if new is None:
                self._items.pop(op.key, None)
            else:
                self._items[op.key] = new


def _plain(item: Wire | None) -> Item | None:
    return None if item is None else item_from_wire(item)


def _holds(cond: Cond, item: Wire) -> bool:
    """Evaluate a condition as DynamoDB does: comparing with an absent attribute, or one of another type, is false."""
    found = item.get(cond.name)
    match cond.op:
        case "all":
            return all(_holds(part, item) for part in cond.parts)
        case "any":
            return any(_holds(part, item) for part in cond.parts)
        case "exists" | "absent":
            return (found is not None) == (cond.op == "exists")
        case "eq" | "in":
            return found in [to_wire(value) for value in (cond.value if cond.op == "in" else (cond.value,))]
        case _:
            wanted = to_wire(cond.value)
            return found is not None and found.keys() == wanted.keys() and _ORDER[cond.op](*_read(found, wanted))


def _read(*wires: Wire) -> Iterable[Any]:
    return (from_wire(wire) for wire in wires)


def _after(op: Op, old: Wire | None) -> Wire | None:
    """Return an item as it is after an operation, None when it is deleted."""
    key = {"pk": op.key[0], "sk": op.key[1]}
    match op:
        case Check():
            return old
        case Delete():
            return None
        case Put():
            return item_to_wire({**op.item, **key})
        case Update():
            new = {**item_to_wire(key), **(old or {}), **item_to_wire(op.set)}
            new |= {name: value for name, value in item_to_wire(op.default).items() if name not in new}
            new |= {name: _sum(new.get(name), amount) for name, amount in op.add.items()}
            new = {name: value for name, value in new.items() if name not in op.remove}
            check_item(new)
            return new


def _sum(old: Wire | None, amount: int) -> Wire:
    if old is not None and "N" not in old:
        raise ValueError("only a number can be added to")
    return to_wire((0 if old is None else from_wire(old)) + amount)
