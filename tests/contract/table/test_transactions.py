"""Writing several items at once, or none."""

import pytest
from turnkeeper.ports import Attr, Check, Delete, Item, Op, Put, Refused, Table, Update

A, B, C, D = (("p", letter) for letter in "abcd")


def contents(table: Table) -> dict[str, Item]:
    return {item.pop("sk"): item for item in table.query("p") if item.pop("pk")}


def test_a_transaction_writes_all(table: Table) -> None:
    table.transact([Put(A, {"n": 1}), Put(B, {"n": 1, "old": 1}), Put(C, {"n": 1})])

    table.transact(
        [
            Check(A, Attr("n").eq(1)),
            Update(B, set={"s": "x"}, default={"n": 9, "d": 2}, add={"m": 3}, remove=("old",), when=Attr("n").le(1)),
            Delete(C, Attr("n").exists()),
            Put(D, {"f": 0.5}, Attr("pk").absent()),
        ]
    )

    assert contents(table) == {"a": {"n": 1}, "b": {"n": 1, "s": "x", "d": 2, "m": 3}, "d": {"f": 0.5}}


@pytest.mark.parametrize(
    "refused",
    [
        Check(A, Attr("n").eq(2)),
        Update(A, add={"n": 1}, when=Attr("n").gt(1)),
        Put(A, {}, Attr("pk").absent()),
        Delete(A, Attr("no").exists()),
    ],
    ids=lambda op: type(op).__name__,
)
@pytest.mark.parametrize("first", [True, False])
def test_a_transaction_writes_nothing_if_any_condition_fails(table: Table, refused: Op, *, first: bool) -> None:
    table.transact([Put(A, {"n": 1}), Put(B, {"n": 1})])
    others: list[Op] = [Update(B, add={"n": 1}), Put(C, {})]

    with pytest.raises(Refused) as caught:
        table.transact([refused, *others] if first else [*others, refused])

    at = 0 if first else 2
    assert caught.value.failed == (at,)
    assert caught.value.olds == tuple({"pk": "p", "sk": "a", "n": 1} if i == at else None for i in range(3))
    assert contents(table) == {"a": {"n": 1}, "b": {"n": 1}}


def test_every_failed_condition_is_told_with_what_it_met(table: Table) -> None:
    table.transact([Put(A, {"n": 1}), Put(C, {"n": 3})])

    with pytest.raises(Refused) as caught:
        table.transact(
            [
                Check(A, Attr("n").eq(9)),
                Check(B, Attr("n").eq(9)),
                Update(C, add={"n": 1}),
                Delete(D, Attr("n").exists()),
            ]
        )

    assert caught.value.failed == (0, 1, 3)
    assert caught.value.olds == ({"pk": "p", "sk": "a", "n": 1}, None, None, None)


def test_a_transaction_adds_each_time_it_is_asked_to(table: Table) -> None:
    for _ in range(3):
        table.transact([Update(A, add={"n": 1}), Update(B, add={"n": -1}, when=Attr("n").absent() | Attr("n").le(5))])

    assert contents(table) == {"a": {"n": 3}, "b": {"n": -3}}


def test_a_hundred_operations_are_the_most(table: Table) -> None:
    table.transact([Put(("p", f"{n:03}"), {}) for n in range(100)])
    assert len(table.query("p")) == 100

    for count in (0, 101):
        with pytest.raises(ValueError, match="1 to 100 operations"):
            table.transact([Put(("q", f"{n:03}"), {}) for n in range(count)])
    assert table.query("q") == []


def test_two_operations_on_one_item_are_an_error(table: Table) -> None:
    with pytest.raises(ValueError, match="same item"):
        table.transact([Put(A, {}), Check(A, Attr("pk").absent())])

    assert contents(table) == {}
