"""Reads days and times as people write them."""

import datetime as dt
import re

DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
# fmt: off
_MONTHS = (
    "january", "february", "march", "april", "may", "june",
    "july", "august", "september", "october", "november", "december",
)
# fmt: on
MONTH = "|".join(f"{m[:3]}(?:{m[3:]})?" for m in _MONTHS)
_DAY_OF_MONTH = r"(\d{1,2})(?:st|nd|rd|th)?"
_WRITTEN = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
_HOURS = {name: hour for hour, name in enumerate(_WRITTEN, 1)}
_HOUR = rf"(\d{{1,2}}|{'|'.join(_HOURS)})"
_AFTERNOON_BEFORE = 8
_NOON = 12


def date(text: str, today: dt.date) -> dt.date | None:
    """Return the day in a text. "Next Friday" is the one of the next week, "Friday" the coming one."""
    text = text.lower()
    try:
        return _written_date(text, today) or _relative_date(text, today)
    except ValueError:
        return None


def _written_date(text: str, today: dt.date) -> dt.date | None:
    if iso := re.search(r"\b(\d{4}-\d{2}-\d{2})\b", text):
        return dt.date.fromisoformat(iso[1])
    if found := re.search(rf"\b({MONTH})\.?\s+(?:the\s+)?{_DAY_OF_MONTH}\b", text):
        return _coming(_month(found[1]), int(found[2]), today)
    if found := re.search(rf"\b{_DAY_OF_MONTH}\s+(?:of\s+)?({MONTH})\b", text):
        return _coming(_month(found[2]), int(found[1]), today)
    if found := re.search(r"\bthe\s+(\d{1,2})(?:st|nd|rd|th)\b", text):
        day = int(found[1])
        return (today if day >= today.day else today.replace(day=1) + dt.timedelta(31)).replace(day=day)
    return None


def _relative_date(text: str, today: dt.date) -> dt.date | None:
    for words, days in {"day after tomorrow": 2, "tomorrow": 1, "today": 0}.items():
        if words in text:
            return today + dt.timedelta(days)
    for number, day in enumerate(DAYS):
        if re.search(rf"\b{day}\b", text):
            if re.search(rf"next\s+{day}|{day},?\s+next week", text):
                return today + dt.timedelta(7 - today.weekday() + number)
            return today + dt.timedelta((number - today.weekday() - 1) % 7 + 1)
    return None


def time(text: str) -> dt.time | None:
    """Return the time of day in a text; hours before 8 without am or pm are in the afternoon."""
    text = text.lower()
    patterns = (
        (rf"\bhalf past {_HOUR}", 30),
        (rf"\bquarter past {_HOUR}", 15),
        (rf"\bquarter to {_HOUR}", -15),
        (r"\b(\d{1,2})[:.]([0-5]\d)(?!\d)", 0),
        (rf"\b{_HOUR}\s*(?=[ap]\.?m\b|o['\"]?clock)", 0),
        (rf"\b(?:at|around|about)\s+{_HOUR}\b(?!\s*(?:{MONTH}))", 0),
    )
    for pattern, minutes in patterns:
        if found := re.search(pattern, text):
            minute = int(found[2]) if found.re.groups > 1 else minutes
            return _time(_hour(found[1], text[found.end() :], text), minute)
    return dt.time(_NOON) if re.search(r"\bnoon\b", text) else None


def _month(text: str) -> int:
    return next(n for n, month in enumerate(_MONTHS, 1) if month.startswith(text[:3]))


def _coming(month: int, day: int, today: dt.date) -> dt.date:
    found = dt.date(today.year, month, day)
    return found if found >= today else found.replace(year=today.year + 1)


def _hour(written: str, after: str, text: str) -> int:
    hour = _HOURS.get(written) or int(written)
    morning = re.match(r"\s*a\.?m\b", after) or "in the morning" in text
    afternoon = re.match(r"\s*p\.?m\b", after) or re.search(r"in the (?:afternoon|evening)", text)
    if hour < _NOON and (afternoon or (hour < _AFTERNOON_BEFORE and not morning)):
        return hour + _NOON
    return 0 if hour == _NOON and morning and not afternoon else hour


def _time(hour: int, minutes: int) -> dt.time | None:
    hour, minute = divmod(hour * 60 + minutes, 60)
    return dt.time(hour, minute) if hour < 24 else None  # noqa: PLR2004 - a day's hours
