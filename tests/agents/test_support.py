"""What the agent `support` promises, beyond its fixtures."""

from typing import Any

import pytest
from agents.support import agent
from turnkeeper import Answers, Calls
from turnkeeper.testing import Stage

ORDER = {"order_id": "A-1001", "total_usd": 400.0, "delivered_on": "2026-11-20", "refunded": False}


@pytest.mark.parametrize(
    "order",
    [
        {"order_id": "A-1001", "total_usd": 400.0},
        ORDER | {"delivered_on": None},
        ORDER | {"delivered_on": "2026-01-01"},
        ORDER | {"refunded": True},
    ],
)
def test_a_refund_that_is_not_possible_is_told_to_the_customer_and_pages_nobody(order: dict[str, Any]) -> None:
    stage = Stage(agent)
    stage.script(
        [Calls("refund", order_id="A-1001", amount_usd="400"), Answers("That is not possible.", {})],
        {"GET /orders/A-1001": order},
    )
    turn = stage.send("Refund A-1001.")

    assert ("first_attempt", {"refund": "NOT_DONE"}) == (turn["tier"], stage.steps(turn["turn_id"]))


def test_a_large_refund_is_a_persons() -> None:
    stage = Stage(agent)
    stage.script([Calls("refund", order_id="A-1001", amount_usd="400")], {"GET /orders/A-1001": ORDER})

    assert "person_needed" == stage.send("Refund A-1001.")["reason"]
