"""Reads the header by which a service asks to be left alone for a while."""

import math
from email.utils import parsedate_to_datetime
from time import time


def retry_after(header: str | None) -> float | None:
    """Return the seconds from now that a Retry-After header asks for, in seconds or with a date; else None."""
    if not header:
        return None
    try:
        seconds = float(header)
    except ValueError:
        try:
            seconds = parsedate_to_datetime(header).timestamp() - time()
        except (ValueError, OverflowError):
            return None
    return max(0.0, seconds) if math.isfinite(seconds) else None
