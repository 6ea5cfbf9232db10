"""The tables of how a dependency can fail, what follows from each failure, and which failure an HTTP status means."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Failure(StrEnum):
    """How a call of a dependency failed."""

    TIMEOUT = "timeout"
    CONNECTION = "connection"
    SERVER_ERROR = "server_error"
    RATE_LIMITED = "rate_limited"
    NO_CREDIT = "no_credit"
    BAD_KEY = "bad_key"
    MODEL_GONE = "model_gone"
    BAD_REQUEST = "bad_request"
    GARBAGE = "garbage"
    EMPTY = "empty"
    TRUNCATED = "truncated"
    REFUSAL = "refusal"
    CONTENT_FILTER = "content_filter"
    INVALID_OUTPUT = "invalid_output"
    BREAKER_OPEN = "breaker_open"
    THROTTLED_HERE = "throttled_here"
    OVER_LIMIT = "over_limit"


class Billed(StrEnum):
    """Whether the provider charged for a call that failed."""

    NO = "no"
    MAYBE = "maybe"


@dataclass(frozen=True, slots=True)
class Consequence:
    """What follows from a failure.

    `retry`: the same model may be asked again at once, if the retry budget allows it. `next_model`: the next model of
    the chain is asked. `counts`: the breaker counts the failure. `probe_tells`: a probe that fails like this says
    something about the dependency: it reopens the breaker if the failure `counts`, and closes it otherwise.
    `alert_owner`: the owner must act before calls can succeed again. `billed`: whether the call may have cost money.
    `rest_s`: one such failure opens the breaker at once, for so many seconds; 0 where failures are counted first.
    """

    retry: bool
    next_model: bool
    counts: bool
    probe_tells: bool
    alert_owner: bool
    billed: Billed
    rest_s: float = 0.0


_DAY_S = 86_400.0

# fmt: off
CONSEQUENCES: Mapping[Failure, Consequence] = {
    #                                    retry  next   counts probe  alert  billed
    Failure.TIMEOUT:        Consequence(False, True,  True,  True,  False, Billed.MAYBE),
    Failure.CONNECTION:     Consequence(True,  True,  True,  True,  False, Billed.MAYBE),
    Failure.SERVER_ERROR:   Consequence(True,  True,  True,  True,  False, Billed.NO),
    Failure.RATE_LIMITED:   Consequence(False, True,  True,  True,  False, Billed.NO),
    Failure.NO_CREDIT:      Consequence(False, True,  True,  True,  True,  Billed.NO),
    Failure.BAD_KEY:        Consequence(False, True,  True,  True,  True,  Billed.NO),
    Failure.MODEL_GONE:     Consequence(False, True,  True,  True,  True,  Billed.NO, _DAY_S),
    Failure.BAD_REQUEST:    Consequence(False, True,  False, False, True,  Billed.NO),
    Failure.GARBAGE:        Consequence(False, True,  True,  True,  False, Billed.MAYBE),
    Failure.EMPTY:          Consequence(False, True,  True,  True,  False, Billed.MAYBE),
    Failure.TRUNCATED:      Consequence(False, False, False, True,  False, Billed.MAYBE),
    Failure.REFUSAL:        Consequence(False, False, False, True,  False, Billed.MAYBE),
    Failure.CONTENT_FILTER: Consequence(False, False, False, True,  False, Billed.MAYBE),
    Failure.INVALID_OUTPUT: Consequence(False, False, False, True,  False, Billed.MAYBE),
    Failure.BREAKER_OPEN:   Consequence(False, True,  False, False, False, Billed.NO),
    Failure.THROTTLED_HERE: Consequence(False, True,  False, False, False, Billed.NO),
    Failure.OVER_LIMIT:     Consequence(False, True,  False, False, False, Billed.NO),
}
# fmt: on

STATUSES: Mapping[int, Failure] = {
    401: Failure.BAD_KEY,
    402: Failure.NO_CREDIT,
    403: Failure.BAD_KEY,
    408: Failure.TIMEOUT,
    429: Failure.RATE_LIMITED,
    # A proxy answers with these for a service behind it, which may have done the work, and billed it.
    502: Failure.CONNECTION,
    504: Failure.TIMEOUT,
    520: Failure.CONNECTION,
    521: Failure.CONNECTION,
    522: Failure.CONNECTION,
    523: Failure.CONNECTION,
    524: Failure.TIMEOUT,
    525: Failure.CONNECTION,
    530: Failure.CONNECTION,
    598: Failure.TIMEOUT,
    599: Failure.TIMEOUT,
}
"""The HTTP statuses with a meaning of their own; those from 520 on come from Cloudflare and other proxies."""

_SERVER_ERRORS = 500


def failure_of_status(status: int) -> Failure:
    """Return the failure that an HTTP status other than 2xx means, for when the body says nothing more precise."""
    return STATUSES.get(status, Failure.SERVER_ERROR if status >= _SERVER_ERRORS else Failure.BAD_REQUEST)
