"""The one table of how a dependency can fail and what follows from each way."""

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

    `retry`: the same model may be asked again at once, budget allowing. `next_model`: the chain goes on.
    `counts`: for the breaker. `probe_tells`: a half-open probe that ends so has an answer (closes if not `counts`).
    `alert_owner`: somebody must act before it can work again. `billed`: what is posted for it.
    """

    retry: bool
    next_model: bool
    counts: bool
    probe_tells: bool
    alert_owner: bool
    billed: Billed


# fmt: off
CONSEQUENCES: dict[Failure, Consequence] = {
    #                                    retry  next   counts probe  alert  billed
    Failure.TIMEOUT:        Consequence(False, True,  True,  True,  False, Billed.MAYBE),
    Failure.CONNECTION:     Consequence(True,  True,  True,  True,  False, Billed.MAYBE),
    Failure.SERVER_ERROR:   Consequence(True,  True,  True,  True,  False, Billed.NO),
    Failure.RATE_LIMITED:   Consequence(False, True,  True,  True,  False, Billed.NO),
    Failure.NO_CREDIT:      Consequence(False, True,  True,  True,  True,  Billed.NO),
    Failure.BAD_KEY:        Consequence(False, True,  True,  True,  True,  Billed.NO),
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
