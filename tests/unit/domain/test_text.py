"""What can be seen of a text."""

import unicodedata

import pytest
from turnkeeper.domain.text import is_blank, not_blank

INVISIBLE = {
    "nothing": "",
    "a space": " ",
    "white space": " \t\r\n\v\f\u0085\u00a0\u1680\u2003\u2028\u2029\u202f\u205f\u3000",
    "zero width": "\u200b\u200c\u200d\u2060\ufeff",
    "NUL": "\x00",
    "controls": "\x01\x1b\x7f\x9f",
    "directions": "\u200e\u200f\u061c\u202a\u202e\u2066\u2069",
    "Hangul fillers": "\u115f\u1160\u3164\uffa0",
    "braille blank": "\u2800",
    "variation selectors": "\ufe00\ufe0f\U000e0100\U000e01ef\u180b\u180f",
    "tags": "\U000e0001\U000e0041\U000e007f",
    "a soft hyphen": "\u00ad",
    "a grapheme joiner": "\u034f",
    "an object's place": "\ufffc",
    "a filler of music": "\U0001d159\U0001d173",
    "no characters": "\uffff\ufdd0",
    "all at once": " \u200b\x00\u3164\n",
}
VISIBLE = [
    "a",
    ".",
    "0",
    "ü",
    "שלום",
    "🙂",
    "❤️",
    "한",
    "_",
    "\U0001fae8",
    "\u200bx\u200b",
    "\u0301",
    "\ufffd",
    "\u2801",
]


@pytest.mark.parametrize("text", INVISIBLE.values(), ids=INVISIBLE)
def test_what_cannot_be_seen_is_blank(text: str) -> None:
    assert is_blank(text)
    with pytest.raises(ValueError, match="must not be blank"):
        not_blank(text)


@pytest.mark.parametrize("text", VISIBLE)
def test_what_can_be_seen_is_not_blank(text: str) -> None:
    assert not is_blank(text)
    assert text == not_blank(f"{text}")


def test_every_space_control_and_format_character_is_blank() -> None:
    invisible = {"Cc", "Cf", "Cs", "Zs", "Zl", "Zp"}
    found = [c for c in map(chr, range(0x110000)) if unicodedata.category(c) in invisible and not is_blank(c)]

    assert [] == found


def test_letters_digits_and_signs_are_not_blank() -> None:
    blank = {c for c in map(chr, range(0x110000)) if unicodedata.category(c)[0] in "LNPS" and is_blank(c)}

    assert set("\u115f\u1160\u2800\u3164\uffa0\ufffc\U0001d159") == blank
