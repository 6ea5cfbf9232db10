"""Holds text that models, tools and agents' own code produce to what can be stored, sent and read."""

_LONGEST_LINE = 2_000
"""Characters of one error: what is wrong is said by then."""


def storable(text: str) -> str:
    """Replace half a surrogate pair, which JSON can carry and UTF-8 cannot."""
    return text.encode("utf-8", "replace").decode()


def line(text: str) -> str:
    """Return what somebody said was wrong, storable and cut where it is far too long."""
    return storable(text if len(text) <= _LONGEST_LINE else f"{text[:_LONGEST_LINE]}…")
