"""Which conditions hold of which item."""

import pytest
from turnkeeper.adapters.memory import MemoryTable
from turnkeeper.ports import Attr, Cond, Put, Refused, Table, Update

KEY = ("p", "s")
ITEM = {"n": 5, "f": 0.5, "s": "m", "t": True, "null": None, "list": [1, {"a": 2}], "map": {"b": True}}

HOLD = [
    Attr("n").eq(5),
    Attr("n").eq(5.0),
    Attr("f").eq(0.5),
    Attr("s").eq("m"),
    Attr("t").eq(value=True),
    Attr("null").eq(None),
    Attr("list").eq([1, {"a": 2}]),
    Attr("map").eq({"b": True}),
    Attr("pk").eq("p"),
    Attr("n").lt(6),
    Attr("n").le(5),
    Attr("n").gt(4.5),
    Attr("n").ge(5),
    Attr("f").lt(1),
    Attr("s").lt("n"),
    Attr("s").gt("A"),
    Attr("s").le("m"),
    Attr("sk").ge("s"),
    Attr("n").is_in(1, "x", 5),
    Attr("null").is_in(None),
    Attr("null").exists(),
    Attr("sk").exists(),
    Attr("no").absent(),
    Attr("n").eq(5) & Attr("s").eq("m") & Attr("no").absent(),
    Attr("n").eq(6) | Attr("s").eq("m"),
    (Attr("n").eq(6) | Attr("n").eq(5)) & (Attr("no").absent() | Attr("no").gt(1)),
    (Attr("n").eq(6) & Attr("n").eq(5)) | Attr("t").exists(),
]
FAIL = [
    Attr("n").eq(6),
    Attr("n").eq("5"),
    Attr("t").eq("true"),
    Attr("null").eq(value=False),
    Attr("no").eq(0),
    Attr("no").lt(1),
    Attr("no").le(1),
    Attr("no").gt(-1),
    Attr("no").ge(0),
    Attr("n").lt(5),
    Attr("n").gt(5),
    Attr("s").gt("m"),
    Attr("n").is_in(1, "5"),
    Attr("no").exists(),
    Attr("null").absent(),
    Attr("n").eq(5) & Attr("no").exists(),
    Attr("n").eq(6) | Attr("no").exists(),
    (Attr("n").eq(5) | Attr("no").exists()) & Attr("n").gt(5),
]
# moto compares the Python values, so for it True is 1 and what is absent is None; DynamoDB compares types too.
FAIL_BY_TYPE = [
    Attr("t").eq(1),
    Attr("t").gt(0),
    Attr("list").eq([1, {"a": True}]),
    Attr("list").gt(0),
    Attr("map").eq({"b": 1}),
    Attr("n").lt("a"),
    Attr("null").lt(1),
    Attr("s").lt(9),
    Attr("s").gt(0),
    Attr("no").eq(None),
    Attr("no").is_in(None, 0, ""),
]


def name(cond: Cond) -> str:
    if cond.parts:
        return f"{cond.op}({','.join(name(part) for part in cond.parts)})"
    return f"{cond.name}-{cond.op}-{cond.value}"


@pytest.mark.parametrize("cond", HOLD, ids=name)
def test_a_condition_holds(table: Table, cond: Cond) -> None:
    table.write(Put(KEY, ITEM))

    assert table.write(Update(KEY, set={"done": 1}, when=cond)) == {"pk": "p", "sk": "s", **ITEM, "done": 1}


@pytest.mark.parametrize("cond", FAIL, ids=name)
def test_a_condition_does_not_hold(table: Table, cond: Cond) -> None:
    table.write(Put(KEY, ITEM))

    with pytest.raises(Refused):
        table.write(Update(KEY, set={"done": 1}, when=cond))

    assert table.get(KEY) == {"pk": "p", "sk": "s", **ITEM}


@pytest.mark.parametrize("cond", FAIL_BY_TYPE, ids=name)
def test_a_comparison_with_another_type_or_with_nothing_does_not_hold(cond: Cond) -> None:
    test_a_condition_does_not_hold(MemoryTable(), cond)


@pytest.mark.parametrize("cond", [Attr("pk").absent(), Attr("n").absent(), Attr("n").absent() | Attr("n").le(3)])
def test_nothing_is_there_to_break_a_condition(table: Table, cond: Cond) -> None:
    assert table.write(Update(KEY, add={"n": 1}, when=cond)) == {"pk": "p", "sk": "s", "n": 1}


@pytest.mark.parametrize(
    "cond",
    [
        Attr("n").is_in(),
        Attr("n").is_in(*range(101)),
        Attr("n").lt(None),
        Attr("n").gt(value=True),
        Attr("").exists(),
        Cond("all"),
        Attr("n").eq(1) & Cond("any"),
    ],
    ids=name,
)
def test_a_condition_that_dynamodb_cannot_read_is_an_error(table: Table, cond: Cond) -> None:
    with pytest.raises(ValueError, match=r"condition|order"):
        table.write(Update(KEY, when=cond))
