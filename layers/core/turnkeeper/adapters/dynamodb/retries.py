"""Decides after each failed call of DynamoDB whether to try again, when, and which error it ends in."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

from botocore.exceptions import ClientError, ConnectionError, HTTPClientError  # noqa: A004 - its name
from botocore.parsers import ResponseParserError

from turnkeeper.adapters.aws_errors import AWS_ERRORS
from turnkeeper.errors import StoreContended, StoreUnavailable

_REFUSED = "ConditionalCheckFailed"
_CONTENDED = {
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "ThrottlingException",
    "TransactionConflictException",
    # the same, as reasons of a cancelled transaction
    "ProvisionedThroughputExceeded",
    "ThrottlingError",
    "TransactionConflict",
}
_UNSURE = {"InternalServerError", "TransactionInProgressException"}
_SERVER_FAULT = 500
_FIRST_WAIT_S, _LONGEST_WAIT_S = 0.02, 0.5


class Outcome(Enum):
    """What a failed call says about the write it asked for."""

    REFUSED = auto()  # a condition did not hold
    CONTENDED = auto()  # surely not written: try again
    UNSURE = auto()  # perhaps written: try again
    HOPELESS = auto()  # another try would fail as well


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a call is retried: `seconds` from its first try until its last may start.

    `clock` returns seconds, `sleep` takes seconds, `random` returns a number in [0, 1).
    """

    seconds: float
    clock: Callable[[], float]
    sleep: Callable[[float], None]
    random: Callable[[], float]


class Tries:
    """The tries of one call; its time starts when this is made."""

    def __init__(self, patience: Patience) -> None:
        self._patience = patience
        self._until_s = patience.clock() + patience.seconds
        self._longest_wait_s = _FIRST_WAIT_S
        self.unsure = False
        """Whether a try may have been carried out though no answer came."""

    def send(
        self, method: Callable[..., Any], params: dict[str, Any], on_conflict: Callable[[], None] | None = None
    ) -> Any:
        """Call until it succeeds, and return the response.

        Raises the `ClientError` itself where a condition did not hold, StoreContended or StoreUnavailable otherwise.
        `on_conflict` runs before a retry, and may raise to give up. It runs only while no try can have written
        anything, because whoever gives up assumes that nothing was written.
        """
        while True:
            try:
                return method(**params)
            except AWS_ERRORS as error:
                outcome = classify(error)
                self.unsure |= _was_retried_inside(error)
                if outcome is Outcome.REFUSED:
                    raise
                self.unsure |= outcome is Outcome.UNSURE
                if outcome is Outcome.HOPELESS:
                    raise StoreUnavailable(f"the table refused the call: {error}") from error
                self.wait(error)
            if on_conflict is not None and not self.unsure:
                on_conflict()

    def wait(self, cause: Exception | None = None) -> None:
        """Sleep until the next try, with full jitter; raises StoreUnavailable or StoreContended if time is up."""
        delay_s = self._patience.random() * self._longest_wait_s
        self._longest_wait_s = min(2 * self._longest_wait_s, _LONGEST_WAIT_S)
        if self._patience.clock() + delay_s > self._until_s:
            if self.unsure:
                raise StoreUnavailable(f"the table did not answer in time: {cause}") from cause
            raise StoreContended(f"the table was busy until the time was up: {cause or 'throttled'}") from cause
        self._patience.sleep(delay_s)


def classify(error: Exception) -> Outcome:
    """Return what an error (one of AWS_ERRORS) says about the write."""
    if not isinstance(error, ClientError):
        lost = isinstance(error, HTTPClientError | ConnectionError | ResponseParserError)
        return Outcome.UNSURE if lost else Outcome.HOPELESS
    response: Any = error.response
    code = response["Error"].get("Code", "")
    codes = (
        {code} if code != "TransactionCanceledException" else {r.get("Code") for r in cancellations(error)} - {"None"}
    )
    # A condition is judged by what is committed, so a failed one decides, whatever else stopped the transaction.
    if codes & {_REFUSED, f"{_REFUSED}Exception"}:
        return Outcome.REFUSED
    if codes and codes <= _CONTENDED:
        return Outcome.CONTENDED
    status = response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    return Outcome.UNSURE if codes & _UNSURE or status >= _SERVER_FAULT else Outcome.HOPELESS


def cancellations(error: ClientError) -> list[dict[str, Any]]:
    """Return the reason of each operation of a cancelled transaction; one that did not stop it has the code `None`."""
    response: Any = error.response
    reasons: list[dict[str, Any]] = response.get("CancellationReasons", [])
    return reasons


def _was_retried_inside(error: Exception) -> bool:
    """Whether boto3 itself tried more than once, and may therefore have lost the answer of an earlier try."""
    return isinstance(error, ClientError) and error.response.get("ResponseMetadata", {}).get("RetryAttempts", 0) > 0
