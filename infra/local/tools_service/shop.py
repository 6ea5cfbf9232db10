"""Keeps a shop's orders, and refunds each once."""

import json
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from infra.local.tools_service.once import CREATED, Answer, Body, Once, missing

_ORDERS = Path(__file__).with_name("orders.json")
_ANYBODY = "*"


class Shop:
    """Orders and their refunds. An order of the customer `*` belongs to whoever asks."""

    def __init__(self) -> None:
        self._orders = {order["order_id"]: order for order in json.loads(_ORDERS.read_text(encoding="utf-8"))}
        self._once = Once()
        self._refunded: set[str] = set()

    def order(self, order_id: str, customer_id: str) -> Answer:
        """Return a customer's order."""
        order = self._orders.get(order_id)
        if order is None or order["customer_id"] not in (customer_id, _ANYBODY):
            return 404, {"error": "there is no such order"}
        return 200, {**order, "customer_id": customer_id, "refunded": order_id in self._refunded}

    def refund(self, key: str, body: Body) -> Answer:
        """Refund an order, once for each key, and once for each order."""
        return self._once.answer(key, body, self._refund)

    def refunds(self) -> list[dict[str, Any]]:
        """Return every refund."""
        return self._once.created()

    def _refund(self, body: Body) -> Answer:
        wrong = missing(body, "customer_id", "order_id")
        if wrong:
            return wrong
        status, order = self.order(body["order_id"], body["customer_id"])
        if status != 200:  # noqa: PLR2004
            return status, order
        try:
            amount = Decimal(str(body.get("amount_usd")))
        except InvalidOperation:
            amount = Decimal("NaN")
        if not amount.is_finite():
            return 400, {"error": "amount_usd: expected an amount"}
        if order["refunded"]:
            return 409, {"error": "this order is already refunded"}
        if not 0 < amount <= Decimal(str(order["total_usd"])):
            return 422, {"error": "the amount is not between 0 and the order's total"}
        self._refunded.add(order["order_id"])
        refund_id = f"rf-{len(self._refunded):05}"
        given = {name: body[name] for name in ("customer_id", "order_id", "amount_usd")}
        return CREATED, {"refund_id": refund_id, **given, "status": "refunded"}
