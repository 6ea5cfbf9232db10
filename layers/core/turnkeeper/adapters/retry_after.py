"""Reads by which of many ways a service asks to be left alone for a while, and for how long.

A moment is counted from the machine's own clock, and not from one that is injected: it stands in an answer that has
just arrived, and adapters have no other clock.
"""

import math
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from time import time
from typing import Any

_LONGEST_S = 86_400.0
"""Nobody asks for more than a day: a larger number is no number of seconds."""

_EPOCH_S, _EPOCH_MS = 1e9, 1e12
"""From here on a number is a moment: seconds, or milliseconds, since the epoch."""

_UNIT_S = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3_600.0, "d": 86_400.0}
_UNITS = "ms|milliseconds?|[nuµ]s|s|secs?|seconds?|m|mins?|minutes?|h|hrs?|hours?|d|days?"
_PART = re.compile(rf"(\d+(?:\.\d+)?)\s*({_UNITS})(?![a-z])", re.IGNORECASE)
_DURATION = rf"(?:\d+(?:\.\d+)?\s*(?:{_UNITS})(?![a-z])[\s,]*)+"
_WHOLE_DURATION = re.compile(_DURATION, re.IGNORECASE)
_SENTENCE = re.compile(
    rf"(?:try|retry|retried|wait|available)\b(?:\s+(?:again|your request|this request|the request|it|at least|"
    rf"approximately|about|in|after|for|another)\b)*\s+({_DURATION})",
    re.IGNORECASE,
)


def retry_after(header: str | None) -> float | None:
    """Return the seconds from now that a value of Retry-After asks for; None where it asks for nothing sensible.

    It is a number of seconds, a duration such as 1m30s, a moment since the epoch in seconds or milliseconds, or a date
    of HTTP or RFC 3339. A moment that has passed is 0; more than a day ahead is not sensible.
    """
    text = (header or "").strip()
    try:
        number = float(text)
    except ValueError:
        duration = _seconds_of(text) if _WHOLE_DURATION.fullmatch(text) else None
        return _sensible(duration if duration is not None else _until(text))
    return _sensible(_from_now(number))


def rest(headers: Mapping[str, str], body: Any = None, said: str = "") -> float | None:
    """Return the seconds that an answer asks for, wherever it does: in its headers, its JSON body or its sentence.

    The names of `headers` are in lower case. None if it asks for none.
    """
    for wanted in _asked(headers, body, said):
        if wanted is not None:
            return wanted
    return None


def limit_reset(headers: Mapping[str, str]) -> float | None:
    """Return the seconds until a limit of which nothing remains is reset, by headers such as x-ratelimit-reset-tokens.

    Where no header says what remains, it is the limit that is reset first.
    """
    used_up: list[float] = []
    unknown: list[float] = []
    for name, value in headers.items():
        wanted = retry_after(value) if "ratelimit" in name and "reset" in name else None
        if wanted is None:
            continue
        remaining = headers.get(name.replace("reset", "remaining"))
        if remaining is None:
            unknown.append(wanted)
        elif _is_zero(remaining):
            used_up.append(wanted)
    return max(used_up) if used_up else min(unknown, default=None)


def _asked(headers: Mapping[str, str], body: Any, said: str) -> Iterator[float | None]:
    for name in ("retry-after-ms", "x-ms-retry-after-ms"):
        yield _milliseconds(headers.get(name))
    yield retry_after(headers.get("retry-after"))
    yield _in_body(body)
    found = _SENTENCE.search(said)
    yield _sensible(_seconds_of(found[1])) if found else None


def _milliseconds(header: str | None) -> float | None:
    try:
        number = float(header or "")
    except ValueError:
        return None
    return _sensible(_from_now(number if number >= _EPOCH_S * 1_000 else number / 1_000))


def _in_body(body: Any) -> float | None:
    """Read Google's RetryInfo, and the fields of that name that others have."""
    if isinstance(body, list):
        return next((found for found in map(_in_body, body) if found is not None), None)
    if not isinstance(body, dict):
        return None
    for name in ("retryDelay", "retry_after", "retry_after_seconds", "retryAfter"):
        value = body.get(name)
        if isinstance(value, (str, int, float)) and not isinstance(value, bool):
            return retry_after(str(value))
    return _in_body([body.get(name) for name in ("error", "details", "metadata", "headers")])


def _from_now(number: float) -> float:
    if number >= _EPOCH_MS:
        number /= 1_000
    return max(0.0, number - time()) if number >= _EPOCH_S else number


def _sensible(seconds: float | None) -> float | None:
    if seconds is None or not math.isfinite(seconds) or seconds > _LONGEST_S:
        return None
    return max(0.0, seconds)


def _seconds_of(text: str) -> float:
    return sum(float(number) * _unit_s(unit.lower()) for number, unit in _PART.findall(text))


def _unit_s(unit: str) -> float:
    return _UNIT_S[unit] if unit in _UNIT_S else _UNIT_S["ms" if unit.startswith("milli") else unit[0]]


def _until(text: str) -> float | None:
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        try:
            moment = datetime.fromisoformat(text)
        except (ValueError, OverflowError):
            return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    try:
        return max(0.0, moment.timestamp() - time())
    except (ValueError, OverflowError):
        return None


def _is_zero(text: str) -> bool:
    try:
        return float(text) <= 0
    except ValueError:
        return False
