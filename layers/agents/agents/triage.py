"""Sorts an incoming message: what it is about, how urgent it is, and one sentence for whoever takes it on."""

import re
from enum import StrEnum

from pydantic import BaseModel, Field
from turnkeeper import Agent, Alternative, AnswerContext, Answers, Fails, Fixture, Model


class Category(StrEnum):
    """Which team takes a message."""

    BILLING = "billing"
    TECHNICAL = "technical"
    DELIVERY = "delivery"
    OTHER = "other"


class Urgency(StrEnum):
    """How soon somebody should look."""

    LOW = "low"
    NORMAL = "normal"
    HIGH = "high"


SIGNS = {
    Category.BILLING: r"invoice|bill|charg|refund|pay|price|card|money",
    Category.TECHNICAL: r"error|crash|broke|bug|log ?in|password|work|down|fail|slow",
    Category.DELIVERY: r"deliver|parcel|package|ship|arriv|order|courier|late",
}
"""Words that speak for a category. Where none is in the message, another model should look too."""


class Ticket(BaseModel):
    """A sorted message."""

    category: Category
    urgency: Urgency
    summary: str = Field(min_length=1, max_length=200, description="One sentence: who wants what.")


def _evidence(output: Ticket | None, context: AnswerContext) -> float:
    signs = SIGNS.get(output.category) if output else None
    return 0.95 if signs and re.search(signs, context.message, re.IGNORECASE) else 0.75


FIXTURES = [
    Fixture(
        says="You charged my card twice for the October invoice!",
        model=[
            Answers(
                "Thank you. Our billing team will look at it today.",
                {"category": "billing", "urgency": "high", "summary": "Charged twice for October's invoice."},
            )
        ],
        expect={"status": "completed", "tier": "first_attempt", "confidence": 0.95},
    ),
    Fixture(
        says="Do you also have a shop in Lyon?",
        model=3
        * [
            Answers(
                "Thank you. Somebody will answer you.",
                {"category": "other", "urgency": "low", "summary": "Asks for a shop in Lyon."},
            )
        ],
        expect={"status": "completed", "tier": "alternative_path", "confidence": 0.75},
    ),
    Fixture(
        says="The app crashes when I log in.",
        model=[
            Fails("timeout"),
            Answers("Thank you.", {"category": "software", "urgency": "high", "summary": "The app crashes."}),
            Answers("Thank you.", {"category": "technical", "urgency": "high", "summary": "The app crashes."}),
        ],
        expect={"status": "completed", "tier": "first_attempt", "model": "bedrock:global.amazon.nova-2-lite-v1:0"},
    ),
]

agent = Agent(
    name="triage",
    instructions="""\
You sort messages of customers for the teams that answer them; you do not answer them yourself. Reply with one
sentence that thanks them. The categories:
- billing: invoices, charges, payments, refunds, prices
- technical: errors, crashes, logging in, something that does not work
- delivery: parcels, shipping, orders that are late or lost
- other: anything else
Urgency is high where the customer loses money, or cannot go on; low where nothing waits for an answer; else normal.""",
    output=Ticket,
    score=_evidence,
    chain=[
        Model("openai:gpt-6-luna", effort="low", max_latency_ms=5_000),
        Model("bedrock:global.amazon.nova-2-lite-v1:0", max_latency_ms=5_000),
    ],
    alternative=Alternative(
        instructions="""\
Sort the customer's message: billing, technical, delivery or other; urgency low, normal or high; one sentence as the
summary. Reply with one sentence that thanks them.""",
        chain=[
            Model("anthropic:claude-haiku-5-5", effort="low", max_latency_ms=6_000),
            Model("openai:gpt-6-luna", effort="low", max_latency_ms=6_000),
        ],
    ),
    max_output_tokens=300,
    max_steps=2,
    history_tokens=0,
    cache_seconds=3_600,
    task_limit_usd="0.05",
    fixtures=FIXTURES,
)
