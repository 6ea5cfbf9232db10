"""Answers customers of a shop from its knowledge base, and refunds within a policy that is kept in code."""

import datetime as dt
import re
from decimal import Decimal
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, Field, StringConstraints
from turnkeeper import (
    Agent,
    Alternative,
    AnswerContext,
    Answers,
    Calls,
    Dependency,
    Fixture,
    Model,
    PersonNeeded,
    Responds,
    ToolContext,
    ToolError,
    tool,
)

REFUND_DAYS = 30
REFUND_ALONE_USD = Decimal(50)
"""Above this only a person decides."""

ARTICLES = {
    "Delivery": "Orders leave our warehouse within one working day. Standard delivery takes 3 to 5 working days and "
    "costs $4.90; it is free from $60. Express delivery takes 1 to 2 working days and costs $12.",
    "Returns and refunds": "You may return an order within 30 days of its delivery, unused and in its packaging. We "
    "pay the way back. The money is on your card 3 to 5 working days after the refund.",
    "Warranty": "Everything we sell has a warranty of two years. If something breaks by itself, we repair or replace "
    "it. Wear, and damage from a fall, are not covered.",
    "Payment": "We take Visa, Mastercard, American Express and PayPal. Your card is charged when the parcel leaves.",
    "Changing an order": "An order can be changed or cancelled until it leaves the warehouse, in your account under "
    "Orders. After that, refuse the parcel or send it back.",
    "Account and privacy": "You can change your address and password in your account under Settings. To have your "
    "account deleted, write to privacy@shop.example; it takes up to 30 days.",
}

orders = Dependency("orders")

OrderId = Annotated[
    str,
    StringConstraints(pattern=r"^[A-Z]{1,4}-[0-9]{2,10}$"),
    Field(description="Such as A-1001.", examples=["A-1001"]),
]
Amount = Annotated[
    str,
    StringConstraints(pattern=r"^[0-9]{1,6}(\.[0-9]{1,2})?$"),
    AfterValidator(lambda amount: f"{Decimal(amount):.2f}"),
    Field(description="Dollars, such as 42.50.", examples=["42.50"]),
]


class Resolution(BaseModel):
    """What the answer rests on."""

    article: str | None = Field(None, description="The title of the article it is from, exactly as it was found.")
    refund_id: str | None = Field(None, description="As `refund` returned it; null where nothing was refunded.")


@tool
def search_knowledge(context: ToolContext, query: str) -> dict[str, Any]:  # noqa: ARG001 - it asks nobody
    """Search the shop's articles about delivery, returns, warranty, payment, orders and accounts."""
    wanted = _stems(query)
    ranked = sorted(ARTICLES, key=lambda title: -len(wanted & _stems(f"{title} {ARTICLES[title]}")))
    best = ranked[0]
    if not wanted & _stems(f"{best} {ARTICLES[best]}"):
        raise ToolError("there is no article about that")
    return {"article": best, "text": ARTICLES[best], "see_also": ranked[1:3]}


@tool(dependency=orders, timeout_s=4)
def find_order(context: ToolContext, order_id: OrderId) -> Any:
    """Find one of the customer's orders: what it holds, its total, when it was delivered."""
    response = context.http.get(f"/orders/{order_id}", params={"customer_id": context.customer_id})
    if response.status != 200:  # noqa: PLR2004
        raise ToolError("this customer has no such order")
    return response.json()


@tool(dependency=orders, timeout_s=6, side_effect=True, honours_keys=True)
def refund(context: ToolContext, order_id: OrderId, amount_usd: Amount) -> dict[str, Any]:
    """Refund an order, in whole or in part, once the customer has asked for it."""
    _hold_to_policy(find_order(context, order_id), Decimal(amount_usd), context.now.date())
    body = {"customer_id": context.customer_id, "order_id": order_id, "amount_usd": amount_usd}
    response = context.http.post("/refunds", body=body)
    match response.status:
        case 200 | 201:
            return {"refund_id": response.json()["refund_id"], "order_id": order_id, "amount_usd": amount_usd}
        case 409:
            raise ToolError("this order is already refunded")
    raise ToolError("the shop refused this refund")


def _hold_to_policy(order: Any, amount: Decimal, today: dt.date) -> None:
    delivered_on = order.get("delivered_on")
    if not delivered_on:
        raise ToolError("the order is not delivered yet, so it is cancelled and not refunded")
    if today - dt.date.fromisoformat(delivered_on) > dt.timedelta(days=REFUND_DAYS):
        raise ToolError(f"the order was delivered more than {REFUND_DAYS} days ago: it cannot be refunded")
    if not 0 < amount <= Decimal(str(order["total_usd"])):
        raise ToolError(f"an amount is above 0, and at most the order's total of ${order['total_usd']:.2f}")
    if amount > REFUND_ALONE_USD:
        # Below that the shop says so itself, and not to the same refund that is asked for again after a crash.
        if order.get("refunded"):
            raise ToolError("this order is already refunded")
        raise PersonNeeded(f"a refund of ${amount} is above ${REFUND_ALONE_USD}")


def _stems(text: str) -> set[str]:
    return {word[:5] for word in re.findall(r"[a-z]{4,}", text.lower())}


def _says_what_happened(output: Resolution | None, context: AnswerContext) -> None:
    found = {r.result["article"] for r in context.tool_results if r.tool == "search_knowledge"}
    refunded = {r.result["refund_id"] for r in context.tool_results if r.tool == "refund"}
    if output and output.article and output.article not in found:
        raise ValueError("article is one that search_knowledge found in this turn, or null")
    if output and {output.refund_id} - {None} != refunded:
        raise ValueError("refund_id is the one that refund returned in this turn, or null where there was none")


_A_1001 = {"order_id": "A-1001", "total_usd": 42.5, "delivered_on": "2026-11-12"}
_A_1003 = {"order_id": "A-1003", "total_usd": 72.0, "delivered_on": "2026-11-14"}

FIXTURES = [
    Fixture(
        says="How long does delivery take?",
        model=[
            Calls("search_knowledge", query="How long does delivery take?"),
            Answers("3 to 5 working days, or 1 to 2 with express.", {"article": "Delivery"}),
        ],
        expect={"status": "completed", "output": {"article": "Delivery", "refund_id": None}},
    ),
    Fixture(
        says="The lamp of order A-1001 is ugly. I want my $42.50 back.",
        model=[
            Calls("refund", order_id="A-1001", amount_usd="42.5"),
            Answers("You get $42.50 back within 5 working days.", {"refund_id": "rf-1"}),
        ],
        services={"GET /orders/A-1001": _A_1001, "POST /refunds": Responds(201, {"refund_id": "rf-1"})},
        expect={"status": "completed", "output": {"article": None, "refund_id": "rf-1"}},
    ),
    Fixture(
        says="Refund the whole of A-1003, please.",
        model=[Calls("refund", order_id="A-1003", amount_usd="72.00")],
        services={"GET /orders/A-1003": _A_1003},
        expect={"status": "awaiting_human", "reason": "person_needed"},
    ),
    Fixture(
        says="I want $60 for order A-1001.",
        model=[
            Calls("refund", order_id="A-1001", amount_usd="60"),
            Answers("I refunded $60.", {"refund_id": "rf-9"}),
            Answers("The order was $42.50, so at most that can be refunded. Shall I?", {}),
        ],
        services={"GET /orders/A-1001": _A_1001},
        expect={"status": "completed", "output": {"article": None, "refund_id": None}},
    ),
]

agent = Agent(
    name="support",
    instructions="""\
You help the customers of a shop. Answer questions from its articles: search with search_knowledge, and say nothing
about the shop's rules that an article does not say. Look orders up with find_order. When a customer wants money back
for an order, call refund with the amount they ask for; ask for the order's number or the amount where it is missing.
The tool keeps the rules of refunds: tell the customer what it says. "output" names the article and the refund.""",
    output=Resolution,
    check=_says_what_happened,
    tools=[search_knowledge, find_order, refund],
    chain=[
        Model("anthropic:claude-haiku-5-5", effort="low", max_latency_ms=8_000),
        Model("openai:gpt-6-luna", effort="low", max_latency_ms=8_000),
    ],
    alternative=Alternative(
        instructions="""\
You help the customers of a shop. search_knowledge finds its rules, find_order an order, refund gives money back.
Use one of them, then answer in one or two sentences. "output" names the article and the refund, or null.""",
        chain=[
            Model("bedrock:global.amazon.nova-2-lite-v1:0", max_latency_ms=10_000),
            Model("openai:gpt-6-luna", effort="low", max_latency_ms=10_000),
        ],
    ),
    task_limit_usd="0.30",
    escalation_contact="the refunds desk, refunds@shop.example",
    fixtures=FIXTURES,
)
