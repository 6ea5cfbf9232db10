"""The operators' routes: what waits for a person, claim, release, answer, stop; and the health of the deployment."""

import base64
import json
from datetime import UTC, datetime
from typing import Annotated, cast

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.api_gateway import Router
from aws_lambda_powertools.event_handler.openapi.params import Path, Query

from turnkeeper.api.app import caller_of, services_of
from turnkeeper.api.bodies import AnswerBody, ClaimBody, ReleaseBody
from turnkeeper.api.identity import Role
from turnkeeper.domain.escalation import Escalation, Listed, severity
from turnkeeper.errors import InvalidRequest
from turnkeeper.ports import Json
from turnkeeper.runtime.health import HealthView
from turnkeeper.runtime.operators import Operator
from turnkeeper.runtime.views import (
    ClaimView,
    EscalationPage,
    EscalationStatus,
    EscalationSummary,
    EscalationView,
    ReleaseView,
    TurnView,
    json_text,
)
from turnkeeper.services import Services

router = Router()  # type: ignore[no-untyped-call]
JSON = "application/json"

TurnId = Annotated[str, Path(description="An escalation has its turn's id.")]


@router.get("/v1/escalations", tags=["escalations"])
def list_escalations(
    status: Annotated[Listed, Query()] = Listed.OPEN, cursor: Annotated[str | None, Query()] = None
) -> Response[str]:
    """List escalations of one status, oldest first."""
    try:
        found, after = _services().operators.page(_operator(), status, _read_cursor(cursor))
    except ValueError as error:
        raise InvalidRequest("the cursor is not one of ours: send it as it came, or leave it out") from error
    page: EscalationPage = {"escalations": [_summary(e) for e in found], "cursor": _write_cursor(after)}
    return _json(page)


@router.get("/v1/escalations/<turn_id>", tags=["escalations"])
def get_escalation(turn_id: TurnId) -> Response[str]:
    """Read one escalation with its full context."""
    context = _services().escalation_context(_operator(), turn_id)
    view: EscalationView = {**_summary(context.escalation), **context.details}
    return _json(view)


@router.post("/v1/escalations/<turn_id>/claim", tags=["escalations"])
def claim(turn_id: TurnId, body: ClaimBody) -> Response[str]:  # noqa: ARG001 - the contract has an empty body
    """Claim an escalation for a while."""
    claimed = _services().operators.claim(_operator(), turn_id)
    view: ClaimView = {"version": claimed.claim_version, "claim_until": _moment(claimed.claim_until)}
    return _json(view)


@router.post("/v1/escalations/<turn_id>/release", tags=["escalations"])
def release(turn_id: TurnId, body: ReleaseBody) -> Response[str]:
    """Release a claim, so that others are paged."""
    released = _services().operators.release(_operator(), turn_id, body.version)
    view: ReleaseView = {"version": released.claim_version}
    return _json(view)


@router.post("/v1/escalations/<turn_id>/answer", tags=["escalations"])
def answer(turn_id: TurnId, body: AnswerBody) -> Response[str]:
    """Answer the customer: that is the turn's outcome."""
    return _json(_services().operators.answer(_operator(), turn_id, body.version, body.reply, body.output))


@router.post("/v1/turns/<turn_id>/stop", tags=["escalations"])
def stop(turn_id: TurnId) -> Response[str]:
    """End an open turn now, even while a run works on it."""
    return _json(_services().operators.stop(_operator(), turn_id))


@router.get("/v1/health", tags=["health"])
def health() -> Response[str]:
    """Read the breakers, the backlog, and whether pages can be received."""
    return _json(_services().health(_operator()))


def _services() -> Services:
    return services_of(router)


def _operator() -> Operator:
    who = caller_of(router).must_be(Role.OPERATOR)
    return Operator(who.subject, who.tenant, who.name)


def _summary(e: Escalation) -> EscalationSummary:
    now, critical_from = _services().clock(), _services().settings.on_call.second_level_from
    status = e.listed(now)
    is_claimed = status is Listed.CLAIMED
    return {
        "escalation_id": e.turn_id,
        "turn_id": e.turn_id,
        "status": cast(EscalationStatus, (status or e.state).lower()),
        "reason": e.reason,
        "agent": e.agent,
        "customer_id": e.customer,
        "message": e.excerpt,
        "opened_at": _moment(e.opened_at),
        "answer_by": _moment(e.answer_by),
        "waited_s": round(now - e.opened_at),
        "pages": e.pages,
        "severity": severity(e.pages, critical_from) if e.pages else None,
        "version": e.claim_version,
        "claimant": e.claimant if is_claimed else None,
        "claimant_name": e.claimant_name if is_claimed else None,
        "claim_until": _moment(e.claim_until) if is_claimed else None,
    }


def _moment(seconds: float) -> str | None:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if seconds else None


def _json(view: TurnView | EscalationPage | EscalationView | ClaimView | ReleaseView | HealthView) -> Response[str]:
    return Response(status_code=200, content_type=JSON, body=json_text(view))


def _write_cursor(after: Json | None) -> str | None:
    return base64.urlsafe_b64encode(json.dumps(after).encode()).decode() if after else None


def _read_cursor(cursor: str | None) -> Json | None:
    after: Json | None = json.loads(base64.urlsafe_b64decode(cursor)) if cursor else None
    return after
