"""Makes text from models, tools and agents' own code safe to store and short enough to read."""

import re

_LONGEST_LINE = 2_000
"""Characters of one error; whatever comes after them helps nobody."""

_INVISIBLE = (
    (0x0000, 0x001F),  # controls
    (0x007F, 0x00A0),
    (0x00AD, 0x00AD),  # soft hyphen
    (0x034F, 0x034F),  # combining grapheme joiner
    (0x0600, 0x0605),  # signs that enclose the number after them
    (0x061C, 0x061C),
    (0x06DD, 0x06DD),
    (0x070F, 0x070F),
    (0x0890, 0x0891),
    (0x08E2, 0x08E2),
    (0x115F, 0x1160),  # Hangul fillers
    (0x1680, 0x1680),
    (0x17B4, 0x17B5),  # Khmer inherent vowels
    (0x180B, 0x180F),  # Mongolian variation selectors
    (0x2000, 0x200F),  # spaces, zero width, directions
    (0x2028, 0x202F),
    (0x205F, 0x206F),
    (0x2800, 0x2800),  # braille blank
    (0x3000, 0x3000),
    (0x3164, 0x3164),  # Hangul filler
    (0xD800, 0xDFFF),  # surrogates
    (0xFDD0, 0xFDEF),  # no characters
    (0xFE00, 0xFE0F),  # variation selectors
    (0xFEFF, 0xFEFF),
    (0xFFA0, 0xFFA0),  # half-width Hangul filler
    (0xFFF0, 0xFFFC),  # annotations, the placeholder of an object
    (0xFFFE, 0xFFFF),
    (0x110BD, 0x110BD),
    (0x110CD, 0x110CD),
    (0x13430, 0x1343F),  # controls of hieroglyphs
    (0x16FE4, 0x16FE4),  # Khitan filler
    (0x1BCA0, 0x1BCA3),  # controls of shorthand
    (0x1D159, 0x1D159),  # null note head
    (0x1D173, 0x1D17A),  # controls of music
    (0xE0000, 0xE0FFF),  # tags, variation selectors
)
"""Ranges of characters of which nothing is seen, but for the plain space: other spaces, controls, format characters,
fillers, and all others that Unicode calls ignorable
(https://www.unicode.org/reports/tr44/#Default_Ignorable_Code_Point)."""

_CLASS = "".join(f"{chr(first)}-{chr(last)}" for first, last in _INVISIBLE)
_VISIBLE = re.compile(f"[^ {_CLASS}]")

INVISIBLE = re.compile(f"[{_CLASS}]")
"""A character of which nothing is seen, and which is no plain space: it may hide, reverse or split what people read."""


def is_blank(text: str) -> bool:
    """Whether nothing of a text can be seen."""
    return _VISIBLE.search(text) is None


def not_blank(text: str) -> str:
    """Return the text. Raises ValueError if nothing of it can be seen."""
    if is_blank(text):
        raise ValueError("must not be blank")
    return text


def storable(text: str) -> str:
    """Replace lone surrogates, which JSON can carry and UTF-8 cannot."""
    return text.encode("utf-8", "replace").decode()


def line(text: str) -> str:
    """Return the text of an error, storable, and cut if it is far too long."""
    return storable(text if len(text) <= _LONGEST_LINE else f"{text[:_LONGEST_LINE]}…")
