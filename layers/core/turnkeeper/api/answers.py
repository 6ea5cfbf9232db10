"""What each route may answer: its statuses, their shapes and headers. The contract is written from this table.

The routes themselves do not name their answers: building these models would cost every cold start what only the
contract needs. The tests hold every answer that the API gives to what stands here.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Annotated, Any, Literal, NotRequired

from pydantic import Field, TypeAdapter
from typing_extensions import TypedDict

from turnkeeper.api import problems
from turnkeeper.ports import Json
from turnkeeper.runtime.health import HealthView
from turnkeeper.runtime.views import (
    ClaimView,
    ConversationView,
    EscalationPage,
    EscalationView,
    Moment,
    ReleaseView,
    SpendView,
    TurnView,
    Usd,
)

JSON = "application/json"
COMPONENTS = "#/components/schemas/"


class Problem(TypedDict):
    """An error, as RFC 9457 says: `type` is `urn:turnkeeper:error:` and a stable code."""

    type: Annotated[str, Field(examples=["urn:turnkeeper:error:invalid-request"])]
    title: str
    status: int
    detail: str
    errors: NotRequired[Annotated[list[str], Field(description="What is wrong, a line each, with the place first.")]]
    limit: NotRequired[Literal["task", "customer_day", "customer_month", "tenant_day", "stack_day"]]
    remaining_usd: NotRequired[Annotated[Usd, Field(description="Left under it; always 0 for `stack_day`.")]]
    resets_at: NotRequired[Moment | None]


_EVERYWHERE = ("invalid-request", "unauthorized", "forbidden", "payload-too-large", "rate-limited", "internal")
_EVERYWHERE_503 = ("store-unavailable", "outcome-pending")
"""The gateway gives these too: before it calls a function, or when one does not answer in time."""

_RETRY_AFTER: Json = {"description": "Seconds to wait.", "schema": {"type": "integer", "minimum": 1}, "required": True}
_LOCATION: Json = {
    "description": "Where the turn's outcome will be, relative to this route.",
    "schema": {"type": "string", "pattern": r"^\.\./\.\./turns/turn_[0-9a-f]{32}$"},
    "required": True,
}
_LATER = "It is escalating: look at `Location` after `Retry-After`."
_REPLAYED: Json = {
    "description": "`true` when this repeats the first answer to the key.",
    "schema": {"type": "string", "const": "true"},
}


@dataclass(frozen=True)
class Answers:
    """The answers of a route: a view by status (None: no body), their headers, and the codes of its own problems."""

    views: Mapping[int, Any]
    headers: Mapping[int, Json] = field(default_factory=dict)
    problems: tuple[str, ...] = ()

    def codes(self) -> Iterator[str]:
        """The codes of every problem that the route may answer."""
        yield from (*_EVERYWHERE, *_EVERYWHERE_503, *self.problems)


ROUTES: dict[str, Answers] = {
    "POST /v1/agents/{agent}/turns": Answers(
        {200: TurnView, 202: TurnView},
        {
            200: {"Idempotency-Replayed": _REPLAYED},
            202: {"Location": _LOCATION, "Retry-After": _RETRY_AFTER, "Idempotency-Replayed": _REPLAYED},
        },
        ("limit-exceeded", "not-found", "in-flight", "key-reused", "unpriced-model", "stopped"),
    ),
    "GET /v1/turns/{turn_id}": Answers({200: TurnView}, problems=("not-found",)),
    "POST /v1/turns/{turn_id}/feedback": Answers({204: None}, problems=("not-found", "conflict")),
    "GET /v1/conversations/{conversation_id}": Answers({200: ConversationView}, problems=("not-found",)),
    "GET /v1/customers/{customer_id}/spend": Answers({200: SpendView}, problems=("not-found",)),
    "GET /v1/escalations": Answers({200: EscalationPage}),
    "GET /v1/escalations/{turn_id}": Answers({200: EscalationView}, problems=("not-found",)),
    "POST /v1/escalations/{turn_id}/claim": Answers({200: ClaimView}, problems=("not-found", "conflict")),
    "POST /v1/escalations/{turn_id}/release": Answers({200: ReleaseView}, problems=("not-found", "conflict")),
    "POST /v1/escalations/{turn_id}/answer": Answers(
        {200: TurnView}, problems=("invalid-output", "not-found", "conflict", "answer-too-late")
    ),
    "POST /v1/turns/{turn_id}/stop": Answers({200: TurnView}, problems=("not-found", "conflict")),
    "GET /v1/health": Answers({200: HealthView}),
}
"""By method and path, as OpenAPI writes them."""

_WAITS = {"in-flight", "rate-limited", "store-unavailable", "stopped", "outcome-pending"}
"""The problems that come with Retry-After."""


def responses(route: str) -> Json:
    """Return the OpenAPI responses of a route, by status."""
    answers = ROUTES[route]
    written = {status: _view(status, view, answers.headers.get(status, {})) for status, view in answers.views.items()}
    by_status: dict[int, list[str]] = {}
    for code in answers.codes():
        by_status.setdefault(problems.TABLE[code][0], []).append(code)
    written |= {status: _problem(status, codes) for status, codes in by_status.items()}
    return {str(status): written[status] for status in sorted(written)}


def components() -> Json:
    """Return the schemas of every view, and of a problem, by name."""
    views = {view.__name__: view for answers in ROUTES.values() for view in answers.views.values() if view}
    views["Problem"] = Problem
    adapters = [TypeAdapter(view) for view in views.values()]
    _, written = TypeAdapter.json_schemas(
        [(adapter, "serialization", adapter) for adapter in adapters], ref_template=f"{COMPONENTS}{{model}}"
    )
    schemas: Json = written["$defs"]
    return schemas


def _view(status: int, view: Any, headers: Json) -> Json:
    if view is None:
        return {"description": "Done; the answer has no body."}
    said = _LATER if status == HTTPStatus.ACCEPTED else view.__doc__
    content = {JSON: {"schema": {"$ref": f"{COMPONENTS}{view.__name__}"}}}
    return {"description": said, "content": content, **({"headers": headers} if headers else {})}


def _problem(status: int, codes: list[str]) -> Json:
    said = "; ".join(f"`{code}`: {problems.TABLE[code][1]}" for code in codes)
    types = [f"{problems.TYPE}{code}" for code in codes]
    schema = {
        "allOf": [{"$ref": f"{COMPONENTS}Problem"}],
        "properties": {"type": {"enum": types}, "status": {"const": status}},
    }
    waits = _WAITS.intersection(codes)
    header = {**_RETRY_AFTER, "required": waits == set(codes)}
    headers = {"headers": {"Retry-After": header}} if waits else {}
    return {"description": said, "content": {problems.CONTENT_TYPE: {"schema": schema}}, **headers}
