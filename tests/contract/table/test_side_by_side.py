"""Random operations have the same results in memory and in moto."""

from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from turnkeeper.adapters.memory import MemoryTable
from turnkeeper.ports import Attr, Check, Cond, Delete, Item, Key, Op, Put, Refused, Table, Update

# One type an attribute: moto would compare across types, and the table may not add to text.
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "a": st.integers(-3, 3),
    "b": st.integers(-3, 3) | st.sampled_from([0.5, -1.25]),
    "s": st.sampled_from(["", "x", "y"]),
    "l": st.lists(st.integers(0, 2) | st.none(), max_size=2),
}
PARTITIONS = count()


def leaf(name: str) -> st.SearchStrategy[Cond]:
    attr, value = Attr(name), VALUES[name]
    compared = [st.builds(attr.eq, value), st.builds(attr.is_in, value, value)]
    ordered = [] if name == "l" else [st.builds(op, value) for op in (attr.lt, attr.le, attr.gt, attr.ge)]
    return st.one_of(st.just(attr.exists()), st.just(attr.absent()), *compared, *ordered)


LEAVES = st.sampled_from([*VALUES]).flatmap(leaf)
CONDS = st.recursive(
    LEAVES,
    lambda cond: st.builds(lambda a, b: a & b, cond, cond) | st.builds(lambda a, b: a | b, cond, cond),
    max_leaves=4,
)
WHEN = st.none() | CONDS
KEYS = st.sampled_from(["1", "2", "3"]).map(lambda sk: ("p", sk))
ITEMS = st.fixed_dictionaries({}, optional=VALUES)


@st.composite
def updates(draw: st.DrawFn) -> Update:
    how = draw(st.fixed_dictionaries({name: st.sampled_from(["", "set", "default", "remove"]) for name in VALUES}))
    add = {"a": draw(st.integers(-2, 2))} if not how["a"] and draw(st.booleans()) else {}
    chosen: dict[str, Item] = {
        way: {name: draw(VALUES[name]) for name in VALUES if how[name] == way} for way in ("set", "default")
    }
    remove = tuple(name for name in VALUES if how[name] == "remove")
    return Update(draw(KEYS), chosen["set"], chosen["default"], add, remove, draw(WHEN))


WRITES = updates() | st.builds(Put, KEYS, ITEMS, WHEN) | st.builds(Delete, KEYS, WHEN)
TRANSACTIONS = st.lists(WRITES | st.builds(Check, KEYS, CONDS), min_size=1, max_size=3, unique_by=lambda op: op.key)


def outcome(table: Table, ops: list[Op], partition: str) -> Any:
    """Do it in a partition of its own, and tell what came of it."""

    def moved(op: Op) -> Any:
        key: Key = (partition, op.key[1])
        match op:
            case Update():
                return Update(key, op.set, op.default, op.add, op.remove, op.when)
            case Put():
                return Put(key, op.item, op.when)
            case Delete():
                return Delete(key, op.when)
            case Check():
                return Check(key, op.when)

    try:
        if len(ops) == 1 and isinstance(ops[0], Put | Update):
            return table.write(moved(ops[0]))
        return table.transact([moved(op) for op in ops])
    except Refused as refused:
        return refused.failed, refused.olds


@pytest.mark.random
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(TRANSACTIONS | WRITES.map(lambda op: [op]), min_size=2, max_size=8))
def test_memory_does_as_dynamodb_does(dynamo_table: Table, calls: list[list[Op]]) -> None:
    memory, partition = MemoryTable(), f"p{next(PARTITIONS)}"

    for ops in calls:
        assert outcome(memory, ops, partition) == outcome(dynamo_table, ops, partition)
        assert memory.query(partition) == dynamo_table.query(partition)
