"""Makes text from models, tools and agents' own code safe to store and short enough to read."""

_LONGEST_LINE = 2_000
"""Characters of one error; whatever comes after them helps nobody."""


def storable(text: str) -> str:
    """Replace lone surrogates, which JSON can carry and UTF-8 cannot."""
    return text.encode("utf-8", "replace").decode()


def line(text: str) -> str:
    """Return the text of an error, storable, and cut if it is far too long."""
    return storable(text if len(text) <= _LONGEST_LINE else f"{text[:_LONGEST_LINE]}…")
