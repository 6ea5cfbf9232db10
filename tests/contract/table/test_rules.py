"""What DynamoDB refuses, every table refuses before it writes."""

import pytest
from turnkeeper.errors import StoreUnavailable
from turnkeeper.ports import Put, Table, Update, Write

KEY = ("p", "s")


@pytest.mark.parametrize("key", [("", "s"), ("p", ""), ("p" * 2049, "s"), ("p", "s" * 1025), ("é" * 1025, "s")])
def test_a_key_is_neither_empty_nor_too_long(table: Table, key: tuple[str, str]) -> None:
    for call in (
        lambda: table.write(Put(key, {})),
        lambda: table.transact([Put(key, {})]),
        lambda: table.get(key),
        lambda: table.batch_get([KEY, key]),
    ):
        with pytest.raises(ValueError, match="key"):
            call()


@pytest.mark.parametrize(
    "op",
    [
        Put(KEY, {"due_pk": ""}),
        Put(KEY, {"due_pk": 1}),
        Put(KEY, {"cust_pk": None}),
        Put(KEY, {"esc_at": None}),
        Put(KEY, {"esc_at": "1"}),
        Put(KEY, {"due_at": True}),
        Update(KEY, set={"due_at": None}),
        Update(KEY, default={"esc_pk": ""}),
        Put(KEY, {"sk": "other"}),
        Update(KEY, set={"sk": "other"}),
        Update(KEY, remove=("pk",)),
        Update(KEY, set={"a": 1}, remove=("a",)),
        Update(KEY, set={"a": 1}, add={"a": 1}),
        Update(KEY, add={"a": True}),
        Update(KEY, set={"nonce": "x"}),
        Update(KEY, remove=("nonce",)),
        Put(KEY, {"nonce": "x"}),
        Put(KEY, {"": 1}),
    ],
    ids=str,
)
def test_an_operation_that_makes_no_sense_is_an_error(table: Table, op: Write) -> None:
    with pytest.raises(ValueError, match=r"key|two ways|whole number|own|name"):
        table.write(op)

    assert table.get(KEY) is None


@pytest.mark.parametrize("value", ["x" * 410_000, "é" * 210_000, ["x" * 1000] * 410, {"a": {"b": "x" * 410_000}}])
def test_an_item_over_400_kb_is_an_error(table: Table, value: object) -> None:
    for op in (Put(KEY, {"value": value}), Update(KEY, set={"value": value})):
        with pytest.raises(ValueError, match="large"):
            table.write(op)
        with pytest.raises(ValueError, match="large"):
            table.transact([op])

    assert table.get(KEY) is None


def test_an_item_just_under_400_kb_fits(table: Table) -> None:
    table.write(Put(KEY, {"value": "x" * 400_000}))

    assert table.get(KEY) == {"pk": "p", "sk": "s", "value": "x" * 400_000}


def test_a_value_nested_too_deeply_is_an_error(table: Table) -> None:
    value: object = 1
    for _ in range(40):
        value = [value]

    with pytest.raises(ValueError, match="nested"):
        table.write(Put(KEY, {"value": value}))


def test_an_item_does_not_grow_over_400_kb_by_updates(table: Table) -> None:
    table.write(Put(KEY, {"a": "x" * 300_000}))

    with pytest.raises((ValueError, StoreUnavailable)):
        table.write(Update(KEY, set={"b": "x" * 300_000}))

    assert table.get(KEY) == {"pk": "p", "sk": "s", "a": "x" * 300_000}


def test_only_a_number_can_be_added_to(table: Table) -> None:
    table.write(Put(KEY, {"a": "x"}))

    with pytest.raises((ValueError, StoreUnavailable)):
        table.write(Update(KEY, add={"a": 1}))

    assert table.get(KEY) == {"pk": "p", "sk": "s", "a": "x"}
