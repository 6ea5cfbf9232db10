"""Limits that an owner set for one customer or agent; they take effect at the next turn, without a deploy."""

from collections.abc import Mapping
from typing import Any

from turnkeeper.domain.spend import Limits
from turnkeeper.ports import Item, Key, Table, Update
from turnkeeper.stores import keys


def limit_keys(tenant: str, customer: str, agent: str) -> list[Key]:
    """The items that can change the limits of a turn."""
    return [keys.agent_limits(tenant, agent), keys.customer_limits(tenant, customer)]


def effective(defaults: Limits, items: Mapping[Key, Item], tenant: str, customer: str, agent: str) -> Limits:
    """Return the limits of a turn: the customer's own before the agent's before the defaults."""
    merged: dict[str, Any] = {}
    for key in limit_keys(tenant, customer, agent):
        merged |= {name: value for name, value in items.get(key, {}).items() if name in ("task", "customer_day")}
    return Limits(
        task=merged.get("task", defaults.task),
        customer_day=merged.get("customer_day", defaults.customer_day),
        tenant_day=defaults.tenant_day,
    )


def set_limits(table: Table, key: Key, *, task: int | None = None, customer_day: int | None = None) -> None:
    """Set limits, in micro-dollars, for the customer or agent of a key; None removes an override."""
    given = {"task": task, "customer_day": customer_day}
    table.write(
        Update(
            key,
            set={name: value for name, value in given.items() if value is not None},
            remove=tuple(name for name, value in given.items() if value is None),
        )
    )
