"""How days and times that people write are read."""

import datetime as dt

import pytest

from infra.local.model_provider import understanding, when

MONDAY = dt.date(2026, 11, 23)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-12-04", "2026-12-04"),
        ("tomorrow", "2026-11-24"),
        ("the day after tomorrow", "2026-11-25"),
        ("today", "2026-11-23"),
        ("Friday", "2026-11-27"),
        ("on Monday", "2026-11-30"),
        ("next Friday", "2026-12-04"),
        ("Wednesday next week", "2026-12-02"),
        ("December 4", "2026-12-04"),
        ("4 December", "2026-12-04"),
        ("the 4th of December", "2026-12-04"),
        ("Jan. 3rd", "2027-01-03"),
        ("the 25th", "2026-11-25"),
        ("the 5th", "2026-12-05"),
        ("February 31", None),
        ("some day", None),
    ],
)
def test_days(text: str, expected: str | None) -> None:
    assert when.date(text, MONDAY) == (dt.date.fromisoformat(expected) if expected else None)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("3 pm", "15:00"),
        ("3:30pm", "15:30"),
        ("15:30", "15:30"),
        ("half past 3", "15:30"),
        ("half past three in the afternoon", "15:30"),
        ("a quarter to 3", "14:45"),
        ("quarter past 9", "09:15"),
        ("10 in the morning, at 10", "10:00"),
        ("at 5", "17:00"),
        ("at 7 am", "07:00"),
        ("4 o'clock", "16:00"),
        ("12:15 pm", "12:15"),
        ("12 am", "00:00"),
        ("noon", "12:00"),
        ("at 99", None),
        ("whenever", None),
    ],
)
def test_times(text: str, expected: str | None) -> None:
    assert when.time(text) == (dt.time.fromisoformat(expected) if expected else None)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a dentist in San Jose, please", "San Jose"),
        ("near port ellery tomorrow", "Port Ellery"),
        ("in the morning", None),
        ("in December", None),
        ("around noon", None),
        ("Oakhaven", None),
    ],
)
def test_cities(text: str, expected: str | None) -> None:
    assert understanding.city(text, asked=False) == expected


def test_a_city_that_was_asked_for_may_stand_alone() -> None:
    assert understanding.city("Oakhaven please.", asked=True) == "Oakhaven"
