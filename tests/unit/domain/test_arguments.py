"""The canonical text of arguments: the same call is the same text, in every process."""

import datetime as dt
import subprocess
import sys
from decimal import Decimal

import pytest
from pydantic import BaseModel, Field
from turnkeeper.domain.arguments import canonical, read_arguments
from turnkeeper.domain.finite import NOT_FINITE


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


class Search(BaseModel):
    model_config = {"extra": "forbid"}

    city: str
    limit: int = Field(10, ge=1)
    room: Room | None = None
    share: float = 0.5
    rooms: list[Room] = []
    tags: list[str] = Field(default_factory=list)


@pytest.mark.parametrize(
    ("given", "read"),
    [
        ('{"city": "Bern"}', Search(city="Bern")),
        ('{"city": "Bern", "limit": null}', Search(city="Bern")),
        ('{"city": "Bern", "limit": null, "room": null, "share": null, "tags": null}', Search(city="Bern")),
        ('{"city": "Bern", "room": {"number": 1, "tags": null}}', Search(city="Bern", room=Room(number=1))),
        ('{"city": "Bern", "rooms": [{"number": 1, "tags": null}]}', Search(city="Bern", rooms=[Room(number=1)])),
        ('{"city": "Bern", "limit": 3, "share": null}', Search(city="Bern", limit=3)),
    ],
)
def test_a_null_for_what_has_a_default_and_takes_none_counts_as_left_out(given: str, read: Search) -> None:
    assert read == read_arguments(given, Search)


@pytest.mark.parametrize(
    ("given", "errors"),
    [
        ('{"city": null}', ["city: Input should be a valid string"]),
        (
            '{"city": null, "limit": null}',
            ["city: Input should be a valid string", "limit: Input should be"],
        ),
        ('{"city": "Bern", "limit": 0, "share": null}', ["limit: Input should be greater than or equal to 1"]),
        ('{"city": "Bern", "tags": [null]}', ["tags.0: Input should be a valid string"]),
        ('{"city": "Bern", "room": {"number": null}}', ["room.number: Input should be a valid integer"]),
        ('{"city": "Bern", "x": null}', ["x: Extra inputs are not permitted"]),
        ("null", ["Input should be an object"]),
        ("[]", ["Input should be an object"]),
        ("{", ["Invalid JSON"]),
    ],
)
def test_what_is_wrong_with_arguments_is_listed(given: str, errors: list[str]) -> None:
    found = read_arguments(given, Search)

    assert isinstance(found, list)
    assert len(errors) == len(found)
    assert all(line.startswith(begins) for line, begins in zip(found, errors, strict=True))


@pytest.mark.parametrize(
    "number", ["NaN", "Infinity", "-Infinity", "1e999", '"NaN"', '"inf"', '"-Infinity"', '"1e999"']
)
@pytest.mark.parametrize("place", ["share", "rooms"])
def test_a_number_that_is_not_finite_is_refused(number: str, place: str) -> None:
    given = {"share": number, "rooms": f'[{{"number": 1, "height": {number}}}]'}[place]
    found = read_arguments(f'{{"city": "Bern", "{place}": {given}}}', SearchByHeight)

    assert [f"{'share' if place == 'share' else 'rooms.0.height'}: {NOT_FINITE}"] == found


class HighRoom(Room):
    height: float


class SearchByHeight(BaseModel):
    city: str
    share: float = 0.5
    rooms: list[HighRoom] = []
