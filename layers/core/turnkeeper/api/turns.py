"""The customers' routes: send a turn, look it up, rate it; a conversation; what a customer spent."""

from collections.abc import Iterable
from typing import Annotated
from urllib.request import parse_http_list

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.api_gateway import Router
from aws_lambda_powertools.event_handler.openapi.params import Header, Path, Query
from pydantic import AfterValidator, StringConstraints

from turnkeeper.api.app import caller_of, services_of
from turnkeeper.api.bodies import FeedbackBody, Id, TurnBody
from turnkeeper.api.idempotency import answer_once
from turnkeeper.api.identity import Caller, Forbidden, Role
from turnkeeper.domain.spend import month_of, month_resets_at, resets_at
from turnkeeper.errors import NotFound, TurnNotFound
from turnkeeper.ports import Json
from turnkeeper.runtime.turns import NewTurn
from turnkeeper.runtime.views import ConversationView, SpendView, TurnView, json_text

router = Router()  # type: ignore[no-untyped-call]
JSON = "application/json"
RETRY_SECONDS = "2"

Key = Annotated[str, Header(alias="Idempotency-Key", pattern=r"^[!-+\--~]{1,255}$", description="Yours to choose.")]


def _a_day(text: str) -> str:
    try:
        resets_at(text)
        month_resets_at(month_of(text))
    except (ValueError, OverflowError) as error:
        raise ValueError("is no day: write it like 2026-11-23") from error
    return text


Day = Annotated[
    Annotated[str, StringConstraints(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"), AfterValidator(_a_day)] | None,
    Query(description="UTC; default: today."),
]

Cursor = Annotated[
    str | None,
    Query(pattern=r"^[0-9]{17}\.turn_[0-9a-f]{32}$", description="The `cursor` of a page, for older turns."),
]


@router.post("/v1/agents/<agent>/turns", tags=["turns"])
def send_turn(
    agent: Annotated[str, Path()],
    body: TurnBody,
    idempotency_key: Key,
    prefer: Annotated[list[str] | None, Header(description="`respond-async`: 202 at once (RFC 7240).")] = None,
) -> Response[str]:
    """Send a turn to an agent: 200 with the answer, or 202 with the `Location` where it will be."""
    services, event = services_of(router), router.current_event.raw_event
    who = _customer()
    customer = who.customer(body.customer_id)
    context = router.lambda_context
    opening = services.turns.open(
        NewTurn(
            agent=services.agents(agent),
            tenant=who.tenant,
            customer=customer,
            path=f"/v1/agents/{agent}/turns",
            key=idempotency_key,
            body=body.model_dump(mode="json", exclude_none=True) | {"customer_id": customer},
            remaining_s=context.get_remaining_time_in_millis() / 1000,
            respond_async=_prefers(prefer or (), "respond-async"),
            base_url=_base_url(event),
            correlation_id=str(event["requestContext"].get("requestId", "")),
        )
    )
    document, replayed = answer_once(services.turns, opening, context)
    headers = {"Idempotency-Replayed": "true"} if replayed else {}
    if document.status != 200:  # noqa: PLR2004
        headers |= {"Location": f"../../turns/{opening.turn.turn_id}", "Retry-After": RETRY_SECONDS}
    return Response(status_code=document.status, content_type=JSON, body=document.body, headers=headers)


@router.get("/v1/turns/<turn_id>", tags=["turns"])
def get_turn(turn_id: Annotated[str, Path()]) -> Response[str]:
    """Look a turn up, whatever its state."""
    return _json(_own_turn(turn_id))


@router.post("/v1/turns/<turn_id>/feedback", tags=["turns"])
def send_feedback(turn_id: Annotated[str, Path()], body: FeedbackBody) -> Response[str]:
    """Rate a turn that has ended."""
    _own_turn(turn_id)
    services_of(router).lookups.feedback(turn_id, body.score, body.comment)
    return Response(status_code=204, content_type=JSON, body="")


@router.get("/v1/conversations/<conversation_id>", tags=["conversations"])
def get_conversation(conversation_id: Annotated[str, Path()], cursor: Cursor = None) -> Response[str]:
    """Read a conversation's turns that have ended, in their order: the newest page, or the one before it."""
    who = _customer()
    found = services_of(router).lookups.conversation(who.tenant, conversation_id, cursor)
    if not who.sees(found.tenant, found.customer):
        raise NotFound(f"there is no conversation {conversation_id}")
    return _json(found.view)


@router.get("/v1/customers/<customer_id>/spend", tags=["spend"])
def get_spend(
    customer_id: Annotated[Id, Path()],
    day: Day = None,
    agent: Annotated[str | None, Query(description="Show the limits of this agent's turns.")] = None,
) -> Response[str]:
    """Read what a customer spent and may still spend."""
    who = _customer()
    if not who.sees(who.tenant, customer_id):
        raise Forbidden("a customer sees their own spending only")
    services = services_of(router)
    found = services.agents(agent) if agent else None
    return _json(services.lookups.spend(who.tenant, customer_id, day, found))


def _prefers(headers: Iterable[str], wanted: str) -> bool:
    """Say whether a Prefer header has a preference, whatever its value and parameters (RFC 7240)."""
    preferences = [preference for header in headers for preference in parse_http_list(header)]
    return any(preference.partition(";")[0].partition("=")[0].strip().lower() == wanted for preference in preferences)


def _customer() -> Caller:
    return caller_of(router).must_be(Role.CUSTOMER, Role.SERVICE)


def _own_turn(turn_id: str) -> TurnView:
    who = _customer()
    found = services_of(router).lookups.turn(turn_id)
    if not who.sees(found.tenant, found.customer):
        raise TurnNotFound(f"there is no turn {turn_id}")
    return found.view


def _json(view: TurnView | ConversationView | SpendView) -> Response[str]:
    return Response(status_code=200, content_type=JSON, body=json_text(view))


def _base_url(event: Json) -> str:
    context = event["requestContext"]
    path = str(context.get("path") or "")
    prefix = path[: path.find("/v1/")] if "/v1/" in path else ""
    domain = context.get("domainName")
    return f"https://{domain}{prefix}" if domain else ""
