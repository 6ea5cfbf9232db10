"""Reads what an error answer of any provider means, by its status, its codes and, where these do not tell, its words.

The customer's own words must not decide for other customers whether a model works: whatever a sentence quotes, and what
it repeats of the request, is taken out before it is read. Whether a filter stopped the request is read with the quotes,
because an error there only sends this one turn to a person.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from turnkeeper.adapters.models import error_words, gateway
from turnkeeper.adapters.models.error_shapes import (
    codes_of,
    error_of,
    is_flagged,
    reported,
    sentence_of,
    status_of,
    texts_of,
    told_headers,
    was_charged,
)
from turnkeeper.adapters.models.error_words import CODES, bare
from turnkeeper.adapters.models.error_wraps import unwrapped
from turnkeeper.adapters.models.gone_words import says_gone
from turnkeeper.adapters.retry_after import limit_reset, rest
from turnkeeper.domain.failures import Failure, failure_of_status
from turnkeeper.domain.redaction import MOST_READ, Redacted, kept, read, redacted
from turnkeeper.errors import DependencyError

_BAD_REQUEST, _UNAUTHORIZED, _FORBIDDEN, _TOO_LARGE, _TOO_MANY = 400, 401, 403, 413, 429
_NOT_FOUND, _GONE = 404, 410
_SERVER_ERRORS = 500
_SAY_IT_ALL = (_UNAUTHORIZED, 402, 408)
"""Statuses of which no word changes the meaning."""

_ABOUT_THE_REQUEST = (_BAD_REQUEST, _NOT_FOUND, _GONE, 422)
"""Statuses that may be about the model, by their words."""

_WHEREVER = (Failure.NO_CREDIT, Failure.CONTENT_FILTER)
_LOST = (Failure.RATE_LIMITED, Failure.TIMEOUT, Failure.CONNECTION)
_BY_CODE = (
    Failure.MODEL_GONE,
    Failure.BAD_KEY,
    Failure.RATE_LIMITED,
    Failure.TIMEOUT,
    Failure.CONNECTION,
    Failure.INVALID_OUTPUT,
    Failure.BAD_REQUEST,
)
"""What a code may say, the first first, where several codes say different things."""

_RESTS = (Failure.RATE_LIMITED, Failure.SERVER_ERROR)
_CONTENT = ("messages", "system", "input", "instructions")
_LONGEST_CODE = 60


@dataclass(frozen=True, slots=True)
class Asked:
    """What an answer is an answer to: the texts and the key that were sent must not be kept with its sentence."""

    model: str = ""
    texts: tuple[str, ...] = ()
    secrets: tuple[str, ...] = ()

    @classmethod
    def by(cls, body: Mapping[str, Any], *secrets: str) -> "Asked":
        """Read it from a request's body: the prompts, messages and results; not the names of tools and fields."""
        model = str(body.get("model") or body.get("modelId") or "")
        texts = tuple(text for name in _CONTENT for text in texts_of(body.get(name)))
        return cls(model, texts, secrets)


_NOTHING_ASKED = Asked()


def failed(
    status: int, data: Any, headers: Mapping[str, str] | None = None, asked: Asked = _NOTHING_ASKED
) -> DependencyError:
    """Return what an error answer means: `data` is the JSON of its body, or its text, or None.

    The names of `headers` are in lower case.
    """
    error = _Error(data, headers or {}, asked)
    return error.meaning(status, str(status), _failure(status, error, failure_of_status(status)))


def error_in(
    data: Any, headers: Mapping[str, str] | None = None, asked: Asked = _NOTHING_ASKED
) -> DependencyError | None:
    """Return the error that the body of a 2xx reports in place of an answer, or None if it reports none.

    A status in it, as a number or as text, means what it means as the status of an answer; else its codes tell, then
    its words. An error of which neither says anything is GARBAGE: nobody knows whether the provider worked for it, so
    it may be billed, and it is not retried at once, which could be billed again. An error that comes with content, or
    with tokens that were used, is `charged`, whatever it is.
    """
    found = error_of(data)
    if found is None:
        return None
    error = _Error(found, headers or {}, asked)
    status = next((s for s in map(status_of, error.raw_codes) if s), 0)
    status = status or (_NOT_FOUND if error.codes & error_words.NOT_FOUND else 0)
    if status:
        failure = _failure(status, error, failure_of_status(status))
    else:
        is_known = bool(error.codes & error_words.WRONG_REQUESTS)
        failure = _failure(_BAD_REQUEST, error, Failure.BAD_REQUEST if is_known else Failure.GARBAGE)
    meaning = error.meaning(status, "an error inside a 2xx", failure)
    meaning.charged = was_charged(data)
    return meaning


@dataclass
class _Error:
    """An error as it was reported: `words` without what they quote, `codes` as they are looked up.

    `fallback` is what a gateway adds of the model that it asked next by itself; `models` are the names by which the
    sentence may call the model that was asked, with "" for any, as a gateway may have another name for it.
    """

    data: Any
    headers: Mapping[str, str]
    asked: Asked
    raw_codes: list[str] = field(init=False)
    sentence: str = field(init=False)
    words: str = field(init=False)
    said: str = field(init=False)
    fallback: str = field(init=False)
    codes: set[str] = field(init=False)
    models: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        kind = self.headers.get("x-amzn-errortype", "").partition(":")[0]
        self.raw_codes = [*([kind] if kind else []), *dict.fromkeys(codes_of(self.data))]
        self.headers = gateway.unfolded(self.headers)
        own, self.fallback = gateway.divided(" ".join(sentence_of(self.data).split()), self.asked.texts)
        inside = unwrapped(own)
        self.sentence = inside.sentence[:MOST_READ]
        self.models = (self.asked.model, "") if inside.is_gateway else (self.asked.model,)
        spoken = self._read(self.sentence)
        self.words, self.said = spoken.words, kept(inside.before + spoken.said)
        self.codes = {bare(code.rpartition("#")[2]) for code in (*self.raw_codes, *inside.codes)}

    def names(self, failures: Iterable[Failure]) -> Failure | None:
        """Return the first of these failures that a code means."""
        named = {CODES[code] for code in self.codes if code in CODES}
        return next((failure for failure in failures if failure in named), None)

    def of_fallback(self) -> "_Error":
        """Return the error that the gateway's own fallback ended in."""
        return _Error(self.fallback, {}, self.asked)

    def _read(self, text: str) -> Redacted:
        return read(text, self.asked.texts, secrets=self.asked.secrets, keep=[self.asked.model])

    def meaning(self, status: int, what: str, failure: Failure) -> DependencyError:
        told = sorted({c for c in self.raw_codes if len(c) <= _LONGEST_CODE and " " not in c and c != str(status)})
        rest_s = rest(self.headers, self.data, self.words) if failure in _RESTS else None
        if rest_s is None and failure is Failure.RATE_LIMITED:
            rest_s = limit_reset({**told_headers(self.data), **self.headers})
        return DependencyError(
            failure,
            redacted(" ".join([what, *told]), secrets=self.asked.secrets, keep=[self.asked.model]) if told else what,
            retry_after_s=rest_s,
            sent=not is_flagged(self.data) and not (failure is Failure.INVALID_OUTPUT and status >= _BAD_REQUEST),
            said=self.said,
        )


def _failure(status: int, error: _Error, otherwise: Failure) -> Failure:
    by_code = error.names(_WHEREVER)
    if by_code:
        return by_code
    if error.fallback and _failure(_BAD_REQUEST, error.of_fallback(), otherwise) is Failure.CONTENT_FILTER:
        return Failure.CONTENT_FILTER
    if status >= _SERVER_ERRORS:
        # A proxy's own status stands for an answer that was lost; only another one may be made more precise.
        return otherwise if otherwise is not Failure.SERVER_ERROR else _behind_a_500(error) or otherwise
    if status in _SAY_IT_ALL or status < _BAD_REQUEST:
        return otherwise
    if status == _TOO_MANY:
        return Failure.NO_CREDIT if _says_no_credit(error) else otherwise
    return _of_a_wrong_request(status, error) or otherwise


def _behind_a_500(error: _Error) -> Failure | None:
    if error_words.UNREADABLE.search(error.words):
        return Failure.GARBAGE
    return error.names(_LOST) or (Failure.CONNECTION if error_words.LOST.search(error.words) else None)


def _of_a_wrong_request(status: int, error: _Error) -> Failure | None:
    if is_flagged(error.data):
        return Failure.CONTENT_FILTER
    # Of a 403, a code of permissions says no more than the status; of a 413, a code of rates says that one request
    # alone is above the limit of a minute (Groq); and a code of the server's own errors is no answer to a 404 (Ollama).
    vague = {_FORBIDDEN: Failure.BAD_KEY, _TOO_LARGE: Failure.RATE_LIMITED}.get(status)
    told = error.names(f for f in _BY_CODE if f is not vague) or _by_words(status, error)
    return told or (error.names([Failure.SERVER_ERROR]) if status != _NOT_FOUND else None)


def _by_words(status: int, error: _Error) -> Failure | None:
    if _says_filtered(error):
        return Failure.CONTENT_FILTER
    if _says_no_credit(error):
        return Failure.NO_CREDIT
    if status not in _ABOUT_THE_REQUEST:
        return None
    if error_words.BAD_KEY.search(error.words):
        return Failure.BAD_KEY
    return Failure.MODEL_GONE if _says_gone(error) else None


def _says_filtered(error: _Error) -> bool:
    # Neither a closed account nor an IAM policy is a filter, though the sentence may name one.
    other = error_words.ACCOUNT_BLOCKED.search(error.sentence) or error.codes & error_words.DENIED
    return bool(error_words.FILTERED.search(error.sentence)) and not other


def _says_no_credit(error: _Error) -> bool:
    if error_words.NO_CREDIT.search(error.words):
        return True
    paused = error.codes & error_words.PAUSES or rest(error.headers, error.data, error.words) is not None
    return bool(error_words.QUOTA.search(error.words)) and not paused


def _says_gone(error: _Error) -> bool:
    if reported(error.data).get("param") not in (None, "", "model", "modelId"):
        return False
    is_not_found = bool(error.codes & error_words.NOT_FOUND)
    return any(says_gone(error.words, model, is_not_found=is_not_found) for model in error.models)
