"""Errors as RFC 9457 problem+json: the one table of codes, statuses and titles."""

import json
import math
from collections.abc import Mapping
from typing import Any

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.exceptions import RequestValidationError
from aws_lambda_powertools.utilities.idempotency.exceptions import (
    IdempotencyAlreadyInProgressError,
    IdempotencyPersistenceLayerError,
    IdempotencyValidationError,
)

from turnkeeper.domain.money import format_usd
from turnkeeper.domain.stage import Stoppable
from turnkeeper.errors import (
    InvalidAnswer,
    LimitExceeded,
    RateLimited,
    Stopped,
    StoreUnavailable,
    TurnkeeperError,
    TurnLost,
    UnpricedModel,
)

CONTENT_TYPE = "application/problem+json"
TYPE = "urn:turnkeeper:error:"
MAX_BODY_BYTES = 256 * 1024

TABLE: dict[str, tuple[int, str]] = {
    "invalid-request": (400, "The request is not valid"),
    "invalid-output": (400, "The output does not fit the agent's schema"),
    "unauthorized": (401, "No usable token"),
    "limit-exceeded": (402, "A spending limit would be passed"),
    "forbidden": (403, "This caller may not do this"),
    "not-found": (404, "Not found for this caller"),
    "in-flight": (409, "A request with this key is in progress"),
    "conflict": (409, "The present state does not allow it"),
    "answer-too-late": (410, "The time to answer is over"),
    "payload-too-large": (413, "The body is too large"),
    "key-reused": (422, "The key was used with another body"),
    "rate-limited": (429, "Too many turns at once"),
    "internal": (500, "A fault of ours"),
    "unpriced-model": (500, "A model has no price"),
    "store-unavailable": (503, "The state store did not answer"),
    "stopped": (503, "Stopped by the operators"),
    "outcome-pending": (503, "The outcome is not known yet"),
}

_RETRY_SECONDS = 2
STOPPED_RETRY_SECONDS = 60
"""What operators stop stays stopped for minutes at least."""


def problem(
    code: str, detail: str, *, headers: Mapping[str, str] | None = None, more: Mapping[str, Any] | None = None
) -> Response[str]:
    """Return a problem; `more` has the members that only its type has."""
    status, title = TABLE[code]
    body = {"type": f"{TYPE}{code}", "title": title, "status": status, "detail": detail, **(more or {})}
    return Response(status_code=status, content_type=CONTENT_TYPE, body=json.dumps(body), headers=dict(headers or {}))


def _retry(seconds: float) -> dict[str, str]:
    return {"Retry-After": str(max(1, math.ceil(seconds)))}


def of_error(error: Exception) -> Response[str]:  # noqa: C901, PLR0911, PLR0912 - a table: one case for each error
    """Map an error to its problem; an error that is not listed is `internal`, and its text is not shown."""
    if isinstance(error, IdempotencyPersistenceLayerError) and error.__cause__:
        error = error.__cause__ if isinstance(error.__cause__, Exception) else error
    match error:
        case LimitExceeded(over=over):
            more: dict[str, Any] = {"limit": over.limit.value, "resets_at": over.resets_at}
            more["remaining_usd"] = format_usd(over.told_remaining_micro_usd)
            detail = f"the worst case of this call does not fit into the {over.limit.value} limit"
            return problem("limit-exceeded", detail, more=more)
        case Stopped(target=target):
            what = "everything" if target.what == Stoppable.EVERYTHING else f"this {target.what}"
            detail = f"the operators stopped {what}: nothing was done; try again later, with the same key"
            return problem("stopped", detail, headers=_retry(STOPPED_RETRY_SECONDS))
        case RateLimited(retry_after_s=seconds):
            return problem("rate-limited", "send fewer turns, or send them later", headers=_retry(seconds))
        case IdempotencyValidationError():
            return problem("key-reused", "this Idempotency-Key was used with another body: take a new key")
        case IdempotencyAlreadyInProgressError():
            return problem("in-flight", "send the same request again in a moment", headers=_retry(_RETRY_SECONDS))
        case StoreUnavailable():
            detail = "nothing was lost: send the same request again, with the same key"
            return problem("store-unavailable", detail, headers=_retry(_RETRY_SECONDS))
        case TurnLost():
            detail = "another run has this turn, or ended it: send the same request again, with the same key"
            return problem("outcome-pending", detail, headers=_retry(_RETRY_SECONDS))
        case RequestValidationError():
            return problem("invalid-request", "see errors", more={"errors": _lines(error)})
        case InvalidAnswer(errors=errors):
            return problem("invalid-output", "see errors", more={"errors": errors})
        case UnpricedModel():
            return problem("unpriced-model", str(error))
        case TurnkeeperError(code=code) if code in TABLE:
            return problem(code, str(error))
        case _:
            return problem("internal", "the fault was logged: send the same request again, with the same key")


def _lines(error: RequestValidationError) -> list[str]:
    lines = []
    for e in error.errors():
        where = ".".join(str(part) for part in e.get("loc", ()) if part != "body")
        lines.append(f"{where}: {e.get('msg')}" if where else str(e.get("msg")))
    return lines
