"""Decides after each failed call of DynamoDB whether to try again, for how long, and what the failure comes to."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError, ConnectionError, HTTPClientError  # noqa: A004 - its name
from botocore.parsers import ResponseParserError

from turnkeeper.errors import StoreContended, StoreUnavailable

FAILURES = (BotoCoreError, ClientError, ResponseParserError)
"""Everything a call of a client raises for what the network or the other side did."""

_REFUSED = "ConditionalCheckFailed"
_CONTENDED = {
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "ThrottlingException",
    "TransactionConflictException",
    # and as reasons of a cancelled transaction
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
    CONTENDED = auto()  # surely not written; try again
    UNSURE = auto()  # written or not; try again
    HOPELESS = auto()  # trying again would not help


@dataclass(frozen=True, slots=True)
class Patience:
    """How long calls are retried: `seconds` until the last try starts, with a clock, a sleep and a random in [0, 1)."""

    seconds: float
    clock: Callable[[], float]
    sleep: Callable[[float], None]
    random: Callable[[], float]


class Tries:
    """The tries of one call, from its first on."""

    def __init__(self, patience: Patience) -> None:
        self._patience = patience
        self._until = patience.clock() + patience.seconds
        self._longest_wait = _FIRST_WAIT_S
        self.unsure = False
        """Whether an earlier try may have been carried out, though no answer came."""

    def send(
        self, method: Callable[..., Any], params: dict[str, Any], on_conflict: Callable[[], None] | None = None
    ) -> Any:
        """Call until it succeeds or is hopeless; a refusal leaves as the `ClientError` it is, else `StoreUnavailable`.

        `on_conflict` runs before a retry only while all tries surely wrote nothing: given up by it, a write that may
        have been carried out would be taken for one that was not.
        """
        while True:
            try:
                return method(**params)
            except FAILURES as error:
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
        """Wait for the next try with full jitter, or raise because there is no time for it."""
        delay = self._patience.random() * self._longest_wait
        self._longest_wait = min(2 * self._longest_wait, _LONGEST_WAIT_S)
        if self._patience.clock() + delay > self._until:
            if self.unsure:
                raise StoreUnavailable(f"the table did not answer in time: {cause}") from cause
            raise StoreContended(f"no room until the time was up: {cause or 'throttled'}") from cause
        self._patience.sleep(delay)


def classify(error: Exception) -> Outcome:
    """Say what a failed call means."""
    if not isinstance(error, ClientError):
        lost = isinstance(error, HTTPClientError | ConnectionError | ResponseParserError)
        return Outcome.UNSURE if lost else Outcome.HOPELESS
    response: Any = error.response
    code = response["Error"].get("Code", "")
    codes = (
        {code} if code != "TransactionCanceledException" else {r.get("Code") for r in cancellations(error)} - {"None"}
    )
    # A condition is judged against what is committed, so its failure stands whatever else got in the transaction's way.
    if codes & {_REFUSED, f"{_REFUSED}Exception"}:
        return Outcome.REFUSED
    if codes and codes <= _CONTENDED:
        return Outcome.CONTENDED
    status = response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    return Outcome.UNSURE if codes & _UNSURE or status >= _SERVER_FAULT else Outcome.HOPELESS


def cancellations(error: ClientError) -> list[dict[str, Any]]:
    """Why a transaction was cancelled: a reason for each operation, `{"Code": "None"}` where it was not to blame."""
    response: Any = error.response
    reasons: list[dict[str, Any]] = response.get("CancellationReasons", [])
    return reasons


def _was_retried_inside(error: Exception) -> bool:
    """Whether the client itself tried more than once, and so may have lost an answer."""
    return isinstance(error, ClientError) and error.response.get("ResponseMetadata", {}).get("RetryAttempts", 0) > 0
