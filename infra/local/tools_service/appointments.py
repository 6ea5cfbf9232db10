"""Books appointments: a provider has each slot once."""

import datetime as dt
from collections.abc import Collection
from typing import Any

from infra.local.tools_service.directory import Directory
from infra.local.tools_service.once import CREATED, Answer, Body, Once, missing


class Appointments:
    """The appointments that were made, and the slots that are taken."""

    def __init__(self, directory: Directory, taken: Collection[tuple[str, str, str]] = ()) -> None:
        self._directory, self._once, self._taken = directory, Once(), set(taken)

    def book(self, key: str, body: Body) -> Answer:
        """Book a slot, once for each key."""
        return self._once.answer(key, body, self._book)

    def of(self, customer_id: str | None) -> list[dict[str, Any]]:
        """Return a customer's appointments, or all."""
        return [made for made in self._once.created() if customer_id in (None, made["customer_id"])]

    def _book(self, body: Body) -> Answer:
        wrong = missing(body, "customer_id", "service_type", "name", "date", "time")
        if wrong:
            return wrong
        try:
            date, time = dt.date.fromisoformat(body["date"]), dt.time.fromisoformat(body["time"])
        except ValueError as error:
            return 400, {"error": f"date, time: {error}"}
        provider = self._directory.find(body["service_type"], body["name"])
        if provider is None:
            return 404, {"error": "there is no such provider"}
        slot = provider["name"].casefold(), f"{date}", f"{time:%H:%M}"
        if slot in self._taken:
            return 409, {"error": "unavailable"}
        self._taken.add(slot)
        return CREATED, {
            "appointment_id": f"apt-{len(self._taken):05}",
            "customer_id": body["customer_id"],
            "service_type": body["service_type"],
            "name": provider["name"],
            "date": f"{date}",
            "time": f"{time:%H:%M}",
            "address": provider.get("address"),
            "phone": provider.get("phone"),
        }
