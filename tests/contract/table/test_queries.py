"""Reading the items of a partition, and the three indexes."""

import json

import pytest
from turnkeeper.ports import Item, Json, Put, Table, Update


def names(items: list[Item]) -> list[str]:
    return [item["sk"] for item in items]


@pytest.fixture
def partition(table: Table) -> Table:
    """Fill a partition, in no order, and another."""
    for sk in ("b#2", "a#1", "c", "b#1", "b#10", "a", "B", "é"):
        table.write(Put(("p", sk), {"nested": {"sk": sk}}))
    table.write(Put(("q", "b#1"), {}))
    return table


def test_a_query_reads_a_partition_in_order(partition: Table) -> None:
    assert names(partition.query("p")) == ["B", "a", "a#1", "b#1", "b#10", "b#2", "c", "é"]
    assert partition.query("q") == [{"pk": "q", "sk": "b#1"}]
    assert partition.query("r") == []


def test_a_query_reads_newest_first(partition: Table) -> None:
    assert names(partition.query("p", newest_first=True)) == ["é", "c", "b#2", "b#10", "b#1", "a#1", "a", "B"]


def test_a_query_keeps_to_a_prefix_and_a_limit(partition: Table) -> None:
    assert names(partition.query("p", prefix="b#")) == ["b#1", "b#10", "b#2"]
    assert names(partition.query("p", prefix="b#", limit=2)) == ["b#1", "b#10"]
    assert names(partition.query("p", prefix="b#", limit=1, newest_first=True)) == ["b#2"]
    assert names(partition.query("p", limit=100)) == names(partition.query("p"))
    assert partition.query("p", prefix="x") == []
    assert partition.query("p", limit=0) == []


@pytest.mark.parametrize(
    ("after", "prefix", "newest_first", "found"),
    [
        ("b#1", "", False, ["b#10", "b#2", "c", "é"]),
        ("b#11", "", False, ["b#2", "c", "é"]),
        ("b#10", "b#", False, ["b#2"]),
        ("a", "b#", False, ["b#1", "b#10", "b#2"]),
        ("c", "b#", False, []),
        ("b#10", "", True, ["b#1", "a#1", "a", "B"]),
        ("b#10", "b#", True, ["b#1"]),
        ("a", "b#", True, []),
        ("c", "b#", True, ["b#2", "b#10", "b#1"]),
        ("é", "", False, []),
    ],
)
def test_a_query_starts_after_a_key(
    partition: Table, after: str, prefix: str, found: list[str], *, newest_first: bool
) -> None:
    assert names(partition.query("p", after=after, prefix=prefix, newest_first=newest_first)) == found
    assert names(partition.query("p", after=after, prefix=prefix, newest_first=newest_first, limit=1)) == found[:1]


def test_a_query_reads_past_a_page_of_a_megabyte(table: Table) -> None:
    for n in range(5):
        table.write(Put(("p", f"{n}"), {"value": "x" * 300_000, "due_pk": "X", "due_at": n}))

    assert names(table.query("p")) == ["0", "1", "2", "3", "4"]
    assert names(table.query("p", limit=4, newest_first=True)) == ["4", "3", "2", "1"]
    assert names(table.query_index("due", "X")[0]) == ["0", "1", "2", "3", "4"]


INDEXES = [("due", "due_pk", "due_at"), ("esc", "esc_pk", "esc_at"), ("customer", "cust_pk", "sk")]


def place(sort_key: str, n: int) -> Json:
    return {} if sort_key == "sk" else {sort_key: n}


@pytest.mark.parametrize(("index", "pk", "sk"), INDEXES)
def test_an_index_holds_the_items_that_carry_its_keys(table: Table, index: str, pk: str, sk: str) -> None:
    for n in (3, 1, 2):
        table.write(Put((f"p{n}", f"{n}"), {pk: "X", **place(sk, n), "payload": "red"}))
    table.write(Put(("p4", "4"), {pk: "Y", **place(sk, 4)}))
    table.write(Put(("p5", "5"), {"other": 5}))

    shown = {} if index == "customer" else {"payload": "red"}
    assert table.query_index(index, "X") == (
        [{"pk": f"p{n}", "sk": f"{n}", pk: "X", **place(sk, n), **shown} for n in (1, 2, 3)],
        None,
    )
    assert names(table.query_index(index, "X", upto="2" if sk == "sk" else 2)[0]) == ["1", "2"]
    assert table.query_index(index, "Z") == ([], None)


def test_an_item_leaves_an_index_with_its_key(table: Table) -> None:
    table.write(Put(("p", "1"), {"due_pk": "X", "due_at": 1, "esc_pk": "E", "esc_at": 7.5}))
    table.write(Update(("p", "1"), remove=("due_at",)))

    assert table.query_index("due", "X") == ([], None)
    assert names(table.query_index("esc", "E")[0]) == ["1"]


@pytest.mark.parametrize(("index", "pk", "sk"), INDEXES)
def test_a_cursor_goes_on_where_a_page_ended(table: Table, index: str, pk: str, sk: str) -> None:
    for n in range(7):
        table.write(Put((f"p{n}", f"{n}"), {pk: "X", **place(sk, n)}))

    pages, cursor = [], None
    while True:
        page, cursor = table.query_index(index, "X", limit=3, after=cursor)
        pages.append(names(page))
        cursor = json.loads(json.dumps(cursor))
        if cursor is None:
            break

    assert pages == [["0", "1", "2"], ["3", "4", "5"], ["6"]]


def test_no_cursor_comes_where_a_page_holds_all(table: Table) -> None:
    for n in range(4):
        table.write(Put((f"p{n}", f"{n}"), {"due_pk": "X", "due_at": n}))

    assert table.query_index("due", "X", limit=4)[1] is None
    assert table.query_index("due", "X", upto=2, limit=3)[1] is None
    assert table.query_index("due", "X", limit=0) == ([], None)


def test_a_cursor_keeps_to_the_partition_that_is_asked_for(table: Table) -> None:
    for n, partition in enumerate("XXYY"):
        table.write(Put((f"p{n}", f"{n}"), {"due_pk": partition, "due_at": n}))
    _, cursor = table.query_index("due", "X", limit=1)

    assert names(table.query_index("due", "Y", after=cursor)[0]) == ["2", "3"]


@pytest.mark.parametrize(
    "cursor", [{}, {"key": ["p"], "at": 1}, {"key": ["p", ""], "at": 1}, {"key": ["p", "1"], "at": "x"}, {"at": None}]
)
def test_a_made_up_cursor_is_an_error(table: Table, cursor: Json) -> None:
    with pytest.raises(ValueError, match=r"cursor|number"):
        table.query_index("due", "X", after=cursor)
