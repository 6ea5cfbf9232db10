"""Takes out of a provider's sentence what must not be kept: keys, addresses, numbers of people, and what was sent."""

import html
import re
from collections.abc import Callable, Iterable, Iterator
from unicodedata import normalize

MOST_CHARACTERS = 300
"""Of a sentence, when it is kept."""

GAP = "[…]"
"""Stands for what was taken out."""

MOST_READ = 2_000
_RUN_CHARACTERS = 24
_RUN_WORDS = 4
_SHORTEST_SECRET = 4
_SHORTEST_KEPT = 3

_INVISIBLE = re.compile("[\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufe00-\ufe0f\ufeff]")
_BLANK = re.compile(r"[\s\x00-\x1f\x7f-\x9f]+")
_UNICODE_ESCAPE = re.compile(r"\\u([0-9a-fA-F]{4})")
_BLANK_ESCAPE = re.compile(r"\\[nrtbf]")
_ESCAPE = re.compile(r"""\\(["'\\/])""")
_ESCAPED_TIMES = 4

_NO_SPACES = "\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af"
_WORD = re.compile(rf"[{_NO_SPACES}]|[^\W{_NO_SPACES}]+")
"""A word; in scripts that put no spaces between words, a character."""

_SECRET = re.compile(
    r"""(?ix)
    \bbearer\s+ (?=\S*\d|\S{20}) [^\s"'<>,;]+
    | \b(?:sk|pk|rk|gsk|xai|pplx|hf|r8|fw|nvapi|csk|tgp|sess|ghp|gho|glpat|github_pat|xox[a-z])[-_][\w*.…+/=-]{4,}
    | \b(?-i:AKIA|ASIA|AROA|AIDA|ABSK|AIza|ya29\.)[\w.+/=*-]{6,}
    | \beyJ[\w-]{6,}(?:\.[\w-]*)*
    | \b(?:api[-_ ]?key|secret(?:[-_ ]?key)?|access[-_ ]?token|password|authorization)\b
      (?:\s+provided)? ["']?\s*[:=]\s*["']? ([^\s"',;]+)
    | [^\s<>"'(),;:\[\]{}]+@[^\s<>"'(),;:\[\]{}]+
    | \d{9,}
    | \d{4}[ -]\d{4}[ -]\d{4}[ -]\d{1,4}
    | \d{3}[-. ]\d{3,4}[-. ]\d{4}(?!\d)
    | \b[0-9a-f]{32,}\b
    """
)
"""Keys and tokens as providers write them, e-mail addresses, and numbers that no count of tokens is as long as."""

_NUMBER = re.compile(r"(?<![\w.-])\+?\(?\d(?:[ ().\u2013-]{0,3}\d){6,}(?!\w)")
_DATE = re.compile(r"\d{4}-\d\d-\d\d\b")
_DECIMAL = re.compile(r"\d+(?:\.\d+)?")
_LONG_NUMBER = 9

_RUN = re.compile(r"[A-Za-z0-9+/_=-]{16,}")
_SEGMENT = re.compile(r"[A-Za-z0-9]{16,}")
_PIECE = re.compile(r"[A-Z]?[a-z]+|[A-Z]+|[0-9]+")
_LONGEST_WORD = 20
_LONG_RUN = 20
_RANDOM_PIECE = 2.7
"""Letters of one case, or digits, stand together for fewer characters than this on average in a random run."""

_LONG_KEY, _KEY_PIECE = 32, 3.2
"""The same for a run as long as AWS's secret keys, which has capitals, small letters and digits."""

_ALL_CLASSES = 3
_MIXED_PIECES = 3


def redacted(said: str, sent: Iterable[str] = (), *, secrets: Iterable[str] = (), keep: Iterable[str] = ()) -> str:
    """Return the first `MOST_READ` characters of a text, on one line, without secrets and without what it quotes.

    `sent` are the texts that the other side was sent: each run of 4 words or 24 characters that stands in one of them
    is taken out, whatever its case or its escapes, and so is a text of 2 or 3 words that is quoted as a whole.
    `secrets` are taken out wherever they stand. `keep` are names, such as the model's, that no pattern takes for a key.
    """
    text = _plain(said[:MOST_READ])
    taken = bytearray(len(text))
    for start, end in [*_patterns(text), *_quoted(text, sent)]:
        taken[start:end] = b"\1" * (end - start)
    for start, end in _found(text, (name for name in keep if len(name) >= _SHORTEST_KEPT)):
        taken[start:end] = bytes(end - start)
    for start, end in _found(text, (secret for secret in secrets if len(secret) >= _SHORTEST_SECRET)):
        taken[start:end] = b"\1" * (end - start)
    return "".join(c for c in _without(text, taken) if c.isprintable())


def kept(text: str) -> str:
    """Return a redacted text as it is kept: at most `MOST_CHARACTERS` of it."""
    return text if len(text) <= MOST_CHARACTERS else f"{text[: MOST_CHARACTERS - 1]}…"


def _plain(text: str) -> str:
    """Return text as it is compared: no escapes of JSON or HTML, no invisible characters, single spaces."""
    for _ in range(_ESCAPED_TIMES):
        before = text
        text = _UNICODE_ESCAPE.sub(lambda m: chr(int(m[1], 16)), _BLANK_ESCAPE.sub(" ", text))
        text = html.unescape(_ESCAPE.sub(r"\1", text))
        if text == before:
            break
    text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")  # an escaped pair is one character
    return _BLANK.sub(" ", _INVISIBLE.sub("", normalize("NFKC", text))).strip()


def _folded(text: str) -> str:
    """Return text in lower case, of the same length."""
    return text.replace("İ", "I").lower().replace("\u03c2", "\u03c3")


def _without(text: str, taken: bytearray) -> str:
    """Put one gap in the place of all that was taken out with nothing but punctuation between."""
    parts: list[str] = []
    for n, c in enumerate(text):
        if not taken[n]:
            parts.append(c)
        elif n == 0 or not taken[n - 1]:
            parts.append(GAP)
    gap = re.escape(GAP)
    return re.sub(rf"{gap}(?:[^\w\[\]]*{gap})+", GAP, "".join(parts))


def _found(text: str, names: Iterable[str]) -> Iterator[tuple[int, int]]:
    for name in names:
        for match in re.finditer(re.escape(name), text, re.IGNORECASE):
            yield match.span()


def _patterns(text: str) -> Iterator[tuple[int, int]]:
    for pattern, is_private in _PATTERNS:
        for match in pattern.finditer(text):
            if is_private(match[0]):
                yield match.span(match.lastindex or 0)


def _is_number_of_somebody(text: str) -> bool:
    digits = sum(c.isdigit() for c in text)
    if _DATE.match(text) or (_DECIMAL.fullmatch(text) and digits < _LONG_NUMBER):
        return False
    return digits >= _LONG_NUMBER or text.startswith("+") or any(c in " ()-\u2013" for c in text)


def _is_random(run: str) -> bool:
    pieces = _PIECE.findall(run)
    characters = sum(map(len, pieces))
    has_digits, has_letters = any(c.isdigit() for c in run), any(c.isalpha() for c in run)
    classes = has_digits + any(c.islower() for c in run) + any(c.isupper() for c in run)
    usual = _RANDOM_PIECE if classes < _ALL_CLASSES or characters < _LONG_KEY else _KEY_PIECE
    if classes > 1 and characters < usual * len(pieces):
        return characters >= _LONG_RUN or has_digits
    longest = max((len(p) for p in pieces if p.isalpha()), default=0)
    is_segment = run.isalnum() and has_digits and has_letters and len(pieces) >= _MIXED_PIECES
    return longest > _LONGEST_WORD or is_segment


_PATTERNS: tuple[tuple[re.Pattern[str], Callable[[str], bool]], ...] = (
    (_SECRET, bool),
    (_NUMBER, _is_number_of_somebody),
    (_RUN, _is_random),
    (_SEGMENT, _is_random),
)


def _quoted(text: str, sent: Iterable[str]) -> Iterator[tuple[int, int]]:
    """Find what also stands in the texts that were sent; the time it takes is linear in their length."""
    folded = _folded(text)
    runs = set(_runs(folded))
    words = list(_WORD.finditer(folded))
    phrases = {size: {_words(words[n : n + size]) for n in range(len(words) - size + 1)} for size in (2, 3, 4)}
    same_runs, same_phrases = set[str](), set[tuple[str, ...]]()
    for other in sent:
        theirs = _folded(_plain(other))
        same_runs.update(
            runs.intersection(theirs[n : n + _RUN_CHARACTERS] for n in range(len(theirs) - _RUN_CHARACTERS + 1))
        )
        spoken = [word.casefold() for word in _WORD.findall(theirs)]
        size = min(_RUN_WORDS, len(spoken))
        if size > 1:
            same_phrases.update(phrases[size].intersection(zip(*(spoken[n:] for n in range(size)), strict=False)))
    for n in range(len(folded)):
        if folded[n : n + _RUN_CHARACTERS] in same_runs:
            yield n, n + _RUN_CHARACTERS
    for size in phrases:
        for n in range(len(words) - size + 1):
            if _words(words[n : n + size]) in same_phrases:
                yield words[n].start(), words[n + size - 1].end()


def _runs(text: str) -> Iterator[str]:
    return (text[n : n + _RUN_CHARACTERS] for n in range(len(text) - _RUN_CHARACTERS + 1))


def _words(matches: Iterable[re.Match[str]]) -> tuple[str, ...]:
    return tuple(match[0].casefold() for match in matches)
