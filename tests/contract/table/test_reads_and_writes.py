"""Writing one item, and reading it back."""

from enum import StrEnum

import pytest
from turnkeeper.ports import Attr, Delete, Item, Put, Refused, Table, Update

KEY = ("TURN#1", "TURN")


class Colour(StrEnum):
    RED = "red"


def item(**attributes: object) -> Item:
    return {"pk": KEY[0], "sk": KEY[1], **attributes}


def test_what_is_not_there_is_none(table: Table) -> None:
    assert table.get(KEY) is None


@pytest.mark.parametrize(
    ("written", "read"),
    [
        (0, 0),
        (-7, -7),
        (10**37, 10**37),
        (0.85, 0.85),
        (-1.5, -1.5),
        (0.1 + 0.2, 0.1 + 0.2),
        (1e-7, 1e-7),
        (3.0, 3),
        (2.0**70, 2**70),
        (True, True),
        (False, False),
        (None, None),
        ("", ""),
        ("schön 🙂", "schön 🙂"),
        (Colour.RED, "red"),
        ([], []),
        ({}, {}),
        ((1, (2,)), [1, [2]]),
        ({"a": [1, {"b": None}], "c": {"d": 0.5, "e": True}}, {"a": [1, {"b": None}], "c": {"d": 0.5, "e": True}}),
    ],
)
def test_values_come_back_as_they_were_written(table: Table, written: object, read: object) -> None:
    by_put = table.write(Put(KEY, {"value": written}))
    stored = table.get(KEY)
    by_update = table.write(Update(KEY, set={"again": written}))

    assert by_put == stored == item(value=read)
    assert by_update == item(value=read, again=read)
    assert stored is not None
    assert type(stored["value"]) is type(read)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 10**38, 1e-200, "\ud800"])
def test_values_that_json_or_dynamodb_cannot_hold_are_refused(table: Table, value: object) -> None:
    with pytest.raises(ValueError, match=r"cannot hold|surrogates"):
        table.write(Put(KEY, {"value": value}))

    assert table.get(KEY) is None


@pytest.mark.parametrize("value", [object(), b"bytes", {1, 2}, {1: "a"}])
def test_values_of_other_types_are_refused(table: Table, value: object) -> None:
    with pytest.raises(TypeError):
        table.write(Put(KEY, {"value": value}))


def test_a_put_replaces_the_whole_item(table: Table) -> None:
    table.write(Put(KEY, {"a": 1, "b": 2}))
    table.write(Put(KEY, item(c=3)))

    assert table.get(KEY) == item(c=3)


def test_an_update_makes_an_item_that_is_not_there(table: Table) -> None:
    assert table.write(Update(KEY, set={"a": 1}, default={"b": 2}, add={"c": 3}, remove=("d",))) == item(a=1, b=2, c=3)


def test_an_update_without_changes_makes_an_item_too(table: Table) -> None:
    assert table.write(Update(KEY)) == item()
    assert table.get(KEY) == item()


def test_an_update_changes_what_it_names_and_nothing_else(table: Table) -> None:
    table.write(Put(KEY, {"set": 1, "kept": 2, "default": 3, "add": 4, "remove": 5}))

    after = table.write(
        Update(KEY, set={"set": 10}, default={"default": 30, "new": 7}, add={"add": -40}, remove=("remove", "no"))
    )

    assert after == item(set=10, kept=2, default=3, new=7, add=-36)
    assert table.get(KEY) == after


def test_a_default_leaves_a_null_alone(table: Table) -> None:
    table.write(Put(KEY, {"a": None}))

    assert table.write(Update(KEY, default={"a": 1})) == item(a=None)


def test_unconditional_adds_count_each_call(table: Table) -> None:
    for _ in range(3):
        table.write(Update(KEY, add={"n": 2}))

    assert table.get(KEY) == item(n=6)


def test_reserved_words_are_names_like_others(table: Table) -> None:
    names = ("state", "status", "owner", "token", "ttl", "day", "result", "value", "a.b", "a-b", "#c", "ü")
    table.write(Put(KEY, dict.fromkeys(names, 1)))
    for name in names:
        table.write(Update(KEY, add={name: 1}, when=Attr(name).eq(1)))

    assert table.get(KEY) == item(**dict.fromkeys(names, 2))


def test_a_delete_removes(table: Table) -> None:
    table.write(Put(KEY, {"a": 1}))

    table.transact([Delete(KEY)])
    assert table.get(KEY) is None
    table.transact([Delete(KEY)])


def test_a_refused_write_changes_nothing_and_shows_what_it_met(table: Table) -> None:
    table.write(Put(KEY, {"a": 1, "deep": {"b": [0.5]}}))
    met = item(a=1, deep={"b": [0.5]})

    for op in (
        Put(KEY, {"a": 2}, Attr("pk").absent()),
        Update(KEY, set={"a": 2}, when=Attr("a").eq(3)),
    ):
        with pytest.raises(Refused) as refused:
            table.write(op)
        assert (refused.value.failed, refused.value.olds) == ((0,), (met,))

    assert table.get(KEY) == met


def test_a_write_refused_for_want_of_an_item_shows_none(table: Table) -> None:
    for op in (
        Put(KEY, {"a": 2}, Attr("a").exists()),
        Update(KEY, set={"a": 2}, when=Attr("a").eq(3)),
    ):
        with pytest.raises(Refused) as refused:
            table.write(op)
        assert (refused.value.failed, refused.value.olds) == ((0,), (None,))

    assert table.get(KEY) is None


def test_what_is_read_or_written_shares_nothing_with_the_table(table: Table) -> None:
    written = {"list": [1]}
    returned = table.write(Put(KEY, written))
    written["list"].append(2)
    assert returned is not None
    returned["list"].append(3)
    read = table.get(KEY)
    assert read is not None
    read["list"].append(4)

    assert table.get(KEY) == item(list=[1])


def test_a_batch_reads_what_is_there(table: Table) -> None:
    for n in (1, 2):
        table.write(Put(("p", f"{n}"), {"n": n}))

    found = table.batch_get([("p", "1"), ("p", "2"), ("p", "3"), ("p", "1")])

    assert found == {("p", str(n)): {"pk": "p", "sk": str(n), "n": n} for n in (1, 2)}
    assert table.batch_get([]) == {}


def test_a_batch_reads_more_than_a_hundred(table: Table) -> None:
    keys = [("p", f"{n:03}") for n in range(205)]
    for start in range(0, 205, 100):
        table.transact([Put(key, {}) for key in keys[start : start + 100]])

    assert sorted(table.batch_get(keys)) == keys
