"""What the API shows: the one definition of each shape, from which views are made and OpenAPI is written.

A view is plain JSON data. Money is dollars as decimal text with six places; moments are RFC 3339, in UTC.
"""

import json
from collections.abc import Mapping
from typing import Annotated, Any, Literal, NotRequired

from pydantic import Field
from typing_extensions import TypedDict

from turnkeeper.domain.attempt import Outcome
from turnkeeper.domain.escalation import Severity
from turnkeeper.domain.finite import finite
from turnkeeper.domain.money import format_usd
from turnkeeper.domain.tier import Tier
from turnkeeper.domain.turn import Status, Turn

Usd = Annotated[str, Field(pattern=r"^-?[0-9]+\.[0-9]{6}$", examples=["0.001234"])]
Moment = Annotated[str, Field(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$", examples=["2026-11-24T00:00:00Z"])]
Seconds = Annotated[int, Field(description="Seconds.")]
EscalationStatus = Literal["open", "claimed", "answered", "expired", "resolved", "stopped"]
EffectStatus = Literal["started", "done", "not_done"]
BreakerStatus = Literal["closed", "open", "half_open"]
Cursor = Annotated[str | None, Field(description="Leads to the next page; null on the last one.")]


class UsageView(TypedDict):
    """Tokens of all the calls of the run that answered."""

    input_tokens: int
    output_tokens: int


class TurnView(TypedDict):
    """A turn, whatever its state."""

    turn_id: str
    status: Status
    reply: Annotated[str | None, Field(description="What the customer reads; null until the turn has ended.")]
    output: Annotated[dict[str, Any] | None, Field(description="The agent's structured result, validated.")]
    confidence: Annotated[float | None, Field(ge=0, le=1)]
    tier: Annotated[Tier | None, Field(description="Which way it was answered.")]
    model: str | None
    degraded: Annotated[bool, Field(description="Whether the answer came from the cache.")]
    cost_usd: Annotated[Usd, Field(description="What the whole turn cost so far.")]
    usage: UsageView
    latency_ms: Annotated[int, Field(ge=0)]
    reason: Annotated[str | None, Field(description="Why it left the fast path, or how it failed: a stable code.")]
    agent: str
    conversation_id: str
    task_id: str
    customer_id: str


class ExchangeView(TypedDict):
    """One concluded turn of a conversation."""

    turn_id: str
    message: str
    reply: str | None
    status: Status


class ConversationView(TypedDict):
    """A page of a conversation's turns, oldest first; `cursor` leads to the page before it."""

    conversation_id: str
    agent: str
    turns: list[ExchangeView]
    cursor: Cursor


class AmountsView(TypedDict):
    """What was spent under one limit."""

    posted_usd: Usd
    pending_usd: Annotated[Usd, Field(description="Reserved for calls that are not settled yet.")]
    limit_usd: Usd
    remaining_usd: Usd


class TaskSpendView(AmountsView):
    """What a task spent that the client named."""

    task_id: str


class MonthSpendView(AmountsView):
    """What a customer spent in a UTC month, since the month's limit is on."""

    month: Annotated[str, Field(examples=["2026-11"])]
    resets_at: Moment


class SpendView(AmountsView):
    """What a customer spent on a UTC day, in its month where that has a limit, and in the tasks that were named."""

    customer_id: str
    day: Annotated[str, Field(examples=["2026-11-23"])]
    resets_at: Moment
    month: NotRequired[Annotated[MonthSpendView, Field(description="Only where the customer has a limit for it.")]]
    tasks: list[TaskSpendView]
    more_tasks: Annotated[bool, Field(description="Whether there are more named tasks than are listed.")]


# --- for operators ----------------------------------------------------------------------------------------------------


class ClaimView(TypedDict):
    """A claim: its `version` is needed to release it, and to answer."""

    version: int
    claim_until: Moment | None


class ReleaseView(TypedDict):
    """A claim that was released."""

    version: int


class EscalationSummary(TypedDict):
    """An escalation, as it stands in the list."""

    escalation_id: str
    turn_id: str
    status: EscalationStatus
    reason: str
    agent: str
    customer_id: str
    message: Annotated[str, Field(description="The beginning of what the customer wrote.")]
    opened_at: Moment | None
    answer_by: Moment | None
    waited_s: Seconds
    pages: Annotated[int, Field(description="How often people were paged.")]
    severity: Severity | None
    version: int
    claimant: str | None
    claimant_name: str | None
    claim_until: Moment | None


class EscalationPage(TypedDict):
    """A page of escalations, oldest first."""

    escalations: list[EscalationSummary]
    cursor: Cursor


class SaidView(TypedDict):
    """An earlier turn of the conversation."""

    message: str
    reply: str | None
    status: Status


class CallView(TypedDict):
    """A call of a model in an attempt; `error` is empty where it was answered, `why` what its provider said."""

    model: str
    error: str
    why: str
    duration_ms: int
    tokens_in: int
    tokens_out: int
    cost_usd: Usd


class AttemptView(TypedDict):
    """What one run tried; `at` is seconds since the epoch, `draft` the JSON text of an answer that was not accepted."""

    epoch: int
    tier: Tier
    outcome: Outcome
    reason: str
    at: float
    duration_ms: int
    calls: list[CallView]
    errors: list[str]
    draft: str
    confidence: float | None
    reasked: bool
    refused: bool
    cost_usd: Usd


class EffectView(TypedDict):
    """A side effect of the turn; `arguments` and `result` are JSON text."""

    tool: str
    arguments: str
    state: EffectStatus
    result: str | None


class BreakerView(TypedDict):
    """A dependency's breaker; `open_until` is seconds since the epoch."""

    dependency: str
    state: BreakerStatus
    why: Annotated[str | None, Field(description="The code of the failure that opened it.")]
    generation: int
    open_until: float


class EscalationDetails(TypedDict):
    """Everything a person needs to answer."""

    turn: TurnView
    message: str
    metadata: dict[str, str]
    conversation: list[SaidView]
    attempts: list[AttemptView]
    effects: list[EffectView]
    spend: SpendView
    breakers: Annotated[list[BreakerView], Field(description="Those of the agent's dependencies that are not closed.")]
    accept_at: Annotated[dict[str, float], Field(description="From which confidence a tier's answer is accepted.")]
    output_schema: Annotated[dict[str, Any], Field(description="JSON Schema of the agent's output.")]
    contact: str | None
    answer: dict[str, Any] | None
    draft: Annotated[dict[str, Any] | None, Field(description="An operator's answer that came too late.")]


class EscalationView(EscalationSummary, EscalationDetails):
    """One escalation, with everything a person needs to answer."""


def turn_view(
    turn: Turn,
    *,
    status: Status,
    cost_micro_usd: int,
    latency_ms: int,
    tier: Tier | None = None,
    reply: str | None = None,
    output: Mapping[str, Any] | None = None,
    confidence: float | None = None,
    model: str | None = None,
    degraded: bool = False,
    usage: UsageView | None = None,
    reason: str | None = None,
) -> TurnView:
    """Return the turn as the API shows it; `reason` says why it left the fast path, or how it failed."""
    return {
        "turn_id": turn.turn_id,
        "status": status,
        "reply": reply,
        "output": dict(output) if output is not None else None,
        "confidence": confidence,
        "tier": tier,
        "model": model,
        "degraded": degraded,
        "cost_usd": format_usd(cost_micro_usd),
        "usage": usage or {"input_tokens": 0, "output_tokens": 0},
        "latency_ms": latency_ms,
        "reason": reason,
        "agent": turn.agent,
        "conversation_id": turn.conversation,
        "task_id": turn.task,
        "customer_id": turn.customer,
    }


def json_text(data: Any) -> str:
    """Write JSON as every answer and document is written; a number that is not finite, which JSON lacks, as null."""
    return json.dumps(finite(data), ensure_ascii=False, allow_nan=False, separators=(",", ":"))
