"""Takes out of a provider's sentence what must not be kept: keys, addresses, numbers of people, and what was sent.

What stands in quotes may be the customer's, whoever wrote the sentence around it: it is taken out, unless it is a name.
"""

import html
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from unicodedata import normalize

from turnkeeper.domain.quotes import Span, quoted_spans
from turnkeeper.domain.text import INVISIBLE

MOST_CHARACTERS = 300
"""Of a sentence, when it is kept."""

GAP = "[…]"
"""Stands for what was taken out."""

MOST_READ = 2_000
_RUN_CHARACTERS = 24
_HALF_RUN = _RUN_CHARACTERS // 2
_RUN_WORDS = 4
_SHORTEST_SECRET = 4
_SHORTEST_KEPT = 3
_SHORTEST_WORD = 3
_FIELD = re.compile(r"[A-Za-z0-9_.\[\]-]{1,60}")
"""The name of a field or a parameter, such as reasoning_effort or messages[3].content."""

_VERSION_DATE = re.compile(r"-\d{4}-?\d\d-?\d\d\Z")
_FRAGMENT = 5
"""From so many characters on, a quoted name that stands inside a longer word of what was sent is part of it."""

_OF_THE_WIRE = {"user", "assistant", "system", "developer", "tool", "model", "function", "text", "message"}
"""Words of the protocols themselves: a message of one such word is nobody's secret."""

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


@dataclass(frozen=True, slots=True)
class Redacted:
    """A sentence on one line: as it may be `said` to the owner, and its own `words`, with nothing that it quotes.

    Only `words` may decide what a sentence means: quoted words may be the customer's.
    """

    said: str
    words: str


def redacted(said: str, sent: Iterable[str] = (), *, secrets: Iterable[str] = (), keep: Iterable[str] = ()) -> str:
    """Return what `read` returns as `said`."""
    return read(said, sent, secrets=secrets, keep=keep).said


def read(said: str, sent: Iterable[str] = (), *, secrets: Iterable[str] = (), keep: Iterable[str] = ()) -> Redacted:
    """Read the first `MOST_READ` characters of a sentence, without secrets and without what it quotes.

    `sent` are the texts that the other side was sent: each run of 4 words or 24 characters that stands in one of them
    is taken out, whatever its case or its escapes, and so is a text of up to 3 words that is repeated as a whole.
    Whatever stands in quotes is taken out, unless it is the name of a field that stands in none of these texts.
    `secrets` are taken out wherever they stand. `keep` are names, such as the model's, that no pattern takes for a key;
    one that is quoted stays, also with another vendor or version around it.
    """
    text, names = _plain(said[:MOST_READ]), [name for name in keep if name]
    texts = [_folded(_plain(one)) for one in sent]
    every_quote = quoted_spans(text, texts)
    quoted_names = [span for span in every_quote if _is_name(_inner(text, span), names)]
    quotes = [span for span in every_quote if span not in quoted_names]
    private = [*_patterns(text), *_repeated(text, texts)]
    kept_names = [*quoted_names, *_found(text, (name for name in names if len(name) >= _SHORTEST_KEPT))]
    hidden = list(_found(text, (secret for secret in secrets if len(secret) >= _SHORTEST_SECRET)))
    fields = [span for span in quotes if _is_field(_inner(text, span), texts)]
    said_quotes = [span for span in quotes if span not in fields]
    return Redacted(
        _cut(text, [*private, *map(_inside, said_quotes)], kept_names, hidden),
        _cut(text, private, kept_names, [*quotes, *hidden]),
    )


def _cut(text: str, out: Iterable[Span], kept_names: Iterable[Span], hidden: Iterable[Span]) -> str:
    taken = bytearray(len(text))
    for spans, mark in ((out, 1), (kept_names, 0), (hidden, 1)):
        for start, end in spans:
            taken[start:end] = bytes([mark]) * (end - start)
    return "".join(c for c in _without(text, taken) if c.isprintable())


def _inside(span: Span) -> Span:
    return span[0] + 1, span[1] - 1


def _inner(text: str, span: Span) -> str:
    start, end = _inside(span)
    return text[start:end].strip()


def _is_name(quoted: str, names: Iterable[str]) -> bool:
    """Whether a quoted text is one of these names: with or without a vendor before it, a date or a tag behind it."""
    other = _last_part(quoted)
    for name in map(_last_part, names):
        longer, shorter = sorted((name, other), key=len, reverse=True)
        if shorter and (longer == shorter or longer.endswith(f".{shorter}") or longer.startswith(f"{shorter}:")):
            return " " not in quoted
    return False


def _last_part(name: str) -> str:
    return _VERSION_DATE.sub("", name.rpartition("/")[2]).lower()


def _is_field(quoted: str, texts: Iterable[str]) -> bool:
    """Whether a quoted text is the name of a field, and no part of what was sent."""
    if not _FIELD.fullmatch(quoted):
        return False
    name = _folded(quoted)
    if len(name) >= _FRAGMENT:
        return not any(name in text for text in texts)
    word = re.compile(rf"(?<!\w){re.escape(name)}(?!\w)")
    return not any(word.search(text) for text in texts)


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
    return " ".join(INVISIBLE.sub("", _BLANK.sub(" ", normalize("NFKC", text))).split(" ")).strip()


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


def _repeated(text: str, texts: Iterable[str]) -> Iterator[Span]:
    """Find what also stands in the texts that were sent; the time it takes is linear in their length."""
    folded = _folded(text)
    runs = set(_runs(folded))
    words = list(_WORD.finditer(folded))
    phrases = {size: {_words(words[n : n + size]) for n in range(len(words) - size + 1)} for size in (1, 2, 3, 4)}
    same_runs, same_phrases = set[str](), set[tuple[str, ...]]()
    halves = {folded[n : n + _HALF_RUN] for n in range(len(folded) - _HALF_RUN + 1)}
    for theirs in texts:
        # Wherever a run stands in a text, it holds one of the blocks into which the text is cut here.
        if any(theirs[n : n + _HALF_RUN] in halves for n in range(0, len(theirs), _HALF_RUN)):
            same_runs.update(
                runs.intersection(theirs[n : n + _RUN_CHARACTERS] for n in range(len(theirs) - _RUN_CHARACTERS + 1))
            )
        spoken = [word.casefold() for word in _WORD.findall(theirs)]
        size = min(_RUN_WORDS, len(spoken))
        if size > 1 or (size and _is_telling(spoken[0])):
            same_phrases.update(phrases[size].intersection(zip(*(spoken[n:] for n in range(size)), strict=False)))
    for n in range(len(folded)):
        if folded[n : n + _RUN_CHARACTERS] in same_runs:
            yield n, n + _RUN_CHARACTERS
    for size in phrases:
        for n in range(len(words) - size + 1):
            if _words(words[n : n + size]) in same_phrases:
                yield words[n].start(), words[n + size - 1].end()


def _is_telling(word: str) -> bool:
    return len(word) >= _SHORTEST_WORD and word not in _OF_THE_WIRE


def _runs(text: str) -> Iterator[str]:
    return (text[n : n + _RUN_CHARACTERS] for n in range(len(text) - _RUN_CHARACTERS + 1))


def _words(matches: Iterable[re.Match[str]]) -> tuple[str, ...]:
    return tuple(match[0].casefold() for match in matches)
