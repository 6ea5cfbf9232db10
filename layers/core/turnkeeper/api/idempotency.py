"""Powertools Idempotency over the turn item, which is the lock and keeps the answer; Powertools drives the protocol."""

import json
from collections.abc import Callable
from typing import Any

from aws_lambda_powertools.utilities.idempotency import IdempotencyConfig, idempotent_function
from aws_lambda_powertools.utilities.idempotency.exceptions import (
    IdempotencyItemAlreadyExistsError,
    IdempotencyItemNotFoundError,
    IdempotencyValidationError,
)
from aws_lambda_powertools.utilities.idempotency.persistence.base import BasePersistenceLayer
from aws_lambda_powertools.utilities.idempotency.persistence.datarecord import STATUS_CONSTANTS, DataRecord

from turnkeeper.domain.turn import Document, Turn, TurnState
from turnkeeper.runtime.turns import Opening, Turns


class TurnLock(BasePersistenceLayer):
    """One request's persistence layer: made for one opening, so no request ever sees another's configuration.

    The run itself writes the answer, fenced, in the transaction that ends it: there is nothing left to save here.
    """

    def __init__(self, turns: Turns, opening: Opening) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._turns, self._opening = turns, opening

    def _put_record(self, data_record: DataRecord) -> None:
        turn, ours = self._turns.acquire(self._opening)
        if ours:
            return
        if turn.request_fingerprint != self._opening.turn.request_fingerprint:
            raise IdempotencyValidationError("the key was used with another body")
        raise IdempotencyItemAlreadyExistsError(old_data_record=_record(turn, data_record.idempotency_key))

    def _get_record(self, idempotency_key: str) -> DataRecord:
        raise IdempotencyItemNotFoundError(idempotency_key)  # a refused write always returns the item

    def _update_record(self, data_record: DataRecord) -> None:
        """Do nothing: the run has stored its answer already."""

    def _delete_record(self, data_record: DataRecord) -> None:  # noqa: ARG002 - the opening names the turn
        self._turns.refuse(self._opening)


def _record(turn: Turn, key: str) -> DataRecord:
    if turn.state is TurnState.RUN:
        return DataRecord(idempotency_key=key, status=STATUS_CONSTANTS["INPROGRESS"])
    answer = {"status": turn.first_status, "body": turn.first_body}
    return DataRecord(idempotency_key=key, status=STATUS_CONSTANTS["COMPLETED"], response_data=json.dumps(answer))


def answer_once(turns: Turns, opening: Opening, context: Any) -> tuple[Document, bool]:
    """Answer a request, or repeat its first answer; return the document, and whether it is a replay."""
    replayed: list[bool] = []

    def note(response: Any, idempotent_data: DataRecord) -> Any:  # noqa: ARG001 - Powertools names its hooks' arguments
        replayed.append(True)
        return response

    config = IdempotencyConfig(hash_function="sha256", response_hook=note, lambda_context=context)
    run: Callable[..., dict[str, Any]] = idempotent_function(
        lambda turn: _answer(turns.run(opening)),  # noqa: ARG005 - Powertools hashes the argument; the opening has the turn
        data_keyword_argument="turn",
        persistence_store=TurnLock(turns, opening),
        config=config,
        key_prefix="turn",
    )
    answer = run(turn={"turn_id": opening.turn.turn_id})
    return Document(answer["status"], answer["body"]), bool(replayed)


def _answer(document: Document) -> dict[str, Any]:
    return {"status": document.status, "body": document.body}
