"""The canonical text of arguments: the same call is the same text, in every process."""

import datetime as dt
import subprocess
import sys
from decimal import Decimal

import pytest
from pydantic import BaseModel
from turnkeeper.domain.arguments import canonical


class Room(BaseModel):
    number: int
    tags: set[str] = set()


class Wanted(BaseModel):
    usd: Decimal = Decimal(0)
    days: frozenset[dt.date] = frozenset()
    rooms: list[Room] = []
    prices: dict[str, Decimal] = {}


@pytest.mark.parametrize(
    ("amounts", "text"),
    [
        (["5", "5.0", "5.00", "0.5E+1"], "5"),
        (["100", "1E+2", "100.0"], "100"),
        (["0", "-0", "0.00", "0E+9"], "0"),
        (["-3.10"], "-3.1"),
        (["123456789012345678901234567890.50"], "123456789012345678901234567890.5"),
        (["1e999999", "10e999998"], "1E+999999"),
    ],
)
def test_equal_amounts_are_written_alike(amounts: list[str], text: str) -> None:
    wanted = [Wanted(usd=Decimal(amount), prices={"a": Decimal(amount)}) for amount in amounts]

    assert {f'{{"days":[],"prices":{{"a":"{text}"}},"rooms":[],"usd":"{text}"}}'} == {canonical(w) for w in wanted}


def test_amounts_that_differ_are_written_differently() -> None:
    assert canonical(Wanted(usd=Decimal("5.01"))) != canonical(Wanted(usd=Decimal("5.1")))


def test_a_set_has_one_order() -> None:
    wanted = Wanted(days=frozenset({dt.date(2026, 12, 4), dt.date(2026, 1, 2)}))

    assert '{"days":["2026-01-02","2026-12-04"],"prices":{},"rooms":[],"usd":"0"}' == canonical(wanted)


def test_it_is_the_same_in_every_process() -> None:
    code = (
        "from tests.unit.domain.test_arguments import Room, Wanted\n"
        "from turnkeeper.domain.arguments import canonical\n"
        "print(canonical(Wanted(rooms=[Room(number=1, tags=set('abcdefgh'))])))"
    )
    texts = {
        subprocess.run(
            [sys.executable, "-c", code],
            check=True,
            capture_output=True,
            text=True,
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": ":".join(sys.path)},
        ).stdout
        for seed in ("1", "2")
    }

    assert 1 == len(texts)
