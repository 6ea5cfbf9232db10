"""Whole conversations of the data set, where it is at hand: every turn ends, and nothing is booked twice."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.local import sgd
from tests.conversations.play import MODES, Count, Mode, play

PLAIN, INVALID, KILLED, BOTH = MODES
SAMPLE = 24


@pytest.fixture(scope="module")
def dialogues() -> list[sgd.Dialogue]:
    path = sgd.find()
    if path is None or not Path(path).exists():
        pytest.skip("the data set is not at hand: set SGD_DATA")
    found = [d for d in sgd.load(path) if d.booking]
    return found[:: len(found) // SAMPLE][:SAMPLE]


@pytest.fixture(scope="module", autouse=True)
def _credentials() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "local")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "local")
        monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
        yield


@pytest.fixture(scope="module")
def killed(dialogues: list[sgd.Dialogue], _credentials: None) -> dict[str, Count]:
    return {mode.name: play(dialogues, mode) for mode in (KILLED, BOTH)}


def test_every_turn_is_answered_by_its_first_attempt_and_books_as_annotated(dialogues: list[sgd.Dialogue]) -> None:
    count = play(dialogues, PLAIN)

    assert ({"first_attempt": count.turns}, [], []) == (count.tiers, count.open, count.doubled)
    assert SAMPLE == count.as_annotated
    assert 0 == count.killed


@pytest.mark.parametrize("mode", [KILLED, BOTH], ids=lambda mode: mode.name)
def test_turns_that_are_killed_end_and_book_once(
    dialogues: list[sgd.Dialogue], killed: dict[str, Count], mode: Mode
) -> None:
    count = killed[mode.name]

    assert ([], [], []) == (count.open, count.unanswered, count.doubled)
    assert sum(len(d.turns) for d in dialogues) == count.turns == count.tiers.total()
    assert SAMPLE - 1 <= count.as_annotated


def test_they_are_killed_everywhere(killed: dict[str, Count]) -> None:
    deaths = {death for count in killed.values() for death in count.deaths}

    assert {"POST", "FirstAttempt", "Conclude"} <= {within for within, _ in deaths}
    assert {"before effect", "after effect", "before transact", "after transact"} <= {what for _, what in deaths}


def test_a_seed_plays_the_same_run_again(dialogues: list[sgd.Dialogue]) -> None:
    few = dialogues[:4]
    first, second = play(few, BOTH), play(few, BOTH)

    assert first == second


def test_a_turn_that_does_not_end_and_a_booking_made_twice_are_told() -> None:
    assert [True, False, False] == [
        count.kept for count in (Count(), Count(open=["a turn"]), Count(doubled=[("Dr. Osei", "2026-12-04", "10:00")]))
    ]
