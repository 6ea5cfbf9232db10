"""Finds what stands in quotes in a sentence that somebody else wrote, also where the quoted text has quotes itself."""

import re
from collections.abc import Iterable, Iterator

Span = tuple[int, int]
"""Where it begins and where it ends: its quotes are inside."""

_PAIRS = {"“": "”", "„": "“”", "\u2018": "\u2019", "«": "»", "»": "«", "\u2039": "\u203a", "「": "」", "『": "』"}
_MOST = 20
_SAME = "\"'`"
_DOUBTFUL = f"{_SAME}\u2019"
_FIELD = re.compile(r"[\w./:@\[\]-]+")


def quoted_spans(text: str, texts: Iterable[str] = ()) -> list[Span]:
    """Return what is quoted, in order; a quote that nobody closes reaches to the end.

    A text with quotes of its own is closed by its last one. `texts`, in lower case, are what may be quoted: what they
    have between two quotes is theirs too. So many quotes that no provider writes them are one.
    """
    spans: list[Span] = []
    found = list(_spans(text))
    if len(found) > _MOST:
        return [(found[0][0], found[-1][1])]
    for start, end in found:
        if spans and _is_between(text[spans[-1][1] - 1 : start + 1].lower(), texts):
            spans[-1] = (spans[-1][0], end)
        else:
            spans.append((start, end))
    return spans


def _is_between(piece: str, texts: Iterable[str]) -> bool:
    return any(c.isalnum() for c in piece) and any(piece in text for text in texts)


def _spans(text: str) -> Iterator[Span]:
    at = 0
    while at < len(text):
        closing = _closing(text, at)
        if not closing:
            at += 1
            continue
        ends = _ends(text, at, closing)
        end = next(ends, None)
        if end is None:
            yield at, len(text) + 1
            return
        if not _FIELD.fullmatch(text[at + 1 : end]):
            end = _last_end(text, end, closing)
        yield at, end + 1
        at = end + 1


def _closing(text: str, at: int) -> str:
    """Return the quotes that close one which opens here; none where none opens."""
    c = text[at]
    if c in _PAIRS:
        return _PAIRS[c]
    is_opening = c in _SAME and not (at and text[at - 1].isalnum())
    return c if is_opening else ""


def _ends(text: str, at: int, closing: str) -> Iterator[int]:
    """Yield where a quote may be closed: what may be an apostrophe, or open another, closes where no word goes on."""
    for n in range(at + 2, len(text)):
        if text[n] in closing and not (text[n] in _DOUBTFUL and text[n + 1 : n + 2].isalnum()):
            yield n


def _last_end(text: str, end: int, closing: str) -> int:
    """Return the last quote that can only close what was opened: another may open before it."""
    for n in range(end + 1, len(text)):
        if text[n] in closing and text[n] in _SAME:
            before, after = text[n - 1], text[n + 1 : n + 2]
            if before.isspace() or before in "([{=:," or after.isalnum():
                break
            end = n
    return end
