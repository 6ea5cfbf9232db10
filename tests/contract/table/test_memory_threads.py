"""The table in memory keeps its promises to threads."""

import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from turnkeeper.adapters.memory import MemoryTable
from turnkeeper.ports import Attr, Put, Refused, Update

DAY = ("DAY", "1")


@pytest.fixture(autouse=True)
def _threads_take_turns_often() -> Iterator[None]:
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(interval)


def test_concurrent_transactions_never_pass_a_limit() -> None:
    table = MemoryTable()

    def reserve(n: int) -> bool:
        room = Attr("committed").absent() | Attr("committed").le(90)
        try:
            table.transact(
                [Update(DAY, add={"committed": 10}, when=room), Put(("RSV", f"{n}"), {}, Attr("pk").absent())]
            )
        except Refused:
            return False
        return True

    with ThreadPoolExecutor(16) as pool:
        admitted = sum(pool.map(reserve, range(100)))

    assert admitted == 10
    assert table.get(DAY) == {"pk": "DAY", "sk": "1", "committed": 100}
    assert len(table.query("RSV")) == 10
