"""Limits that an owner set for one customer or agent; they take effect at the next turn, without a deploy."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from turnkeeper.domain.spend import Override
from turnkeeper.ports import Delete, Item, Key, Table, Update
from turnkeeper.stores import keys
from turnkeeper.stores.items import OVERRIDE


class Whose(StrEnum):
    """Who a limit applies to; a customer's limit takes precedence over an agent's."""

    AGENT = "agent"
    CUSTOMER = "customer"


@dataclass(frozen=True, slots=True)
class OwnerLimit:
    """Limits that an owner set, and the customer or agent that they apply to."""

    whose: Whose
    name: str
    override: Override


def override_keys(tenant: str, customer: str, agent: str) -> list[Key]:
    """Return the keys of the items that can change a turn's limits, in the order in which they apply."""
    return [keys.agent_limits(tenant, agent), keys.customer_limits(tenant, customer)]


def overrides_among(items: Mapping[Key, Item], tenant: str, customer: str, agent: str) -> Sequence[Override]:
    """Pick the overrides of a turn out of items that were read together."""
    found = (items.get(key) for key in override_keys(tenant, customer, agent))
    return [OVERRIDE.read(item) for item in found if item]


class LimitStore:
    """Owners' limits over the table."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def overrides(self, tenant: str, customer: str, agent: str = "") -> Sequence[Override]:
        """Read what an owner set for a customer, and for an agent, in the order in which they apply."""
        wanted = override_keys(tenant, customer, agent)
        return overrides_among(self._table.batch_get(wanted), tenant, customer, agent)

    def all_of(self, tenant: str) -> list[OwnerLimit]:
        """List every limit that an owner set for a tenant."""
        return [_owner_limit(item) for item in self._table.query(keys.owner_limits(tenant))]

    def change(self, tenant: str, whose: Whose, name: str, change: Override) -> Override:
        """Set the limits that `change` names, and keep the others. Returns the limits as they are now."""
        item = self._table.write(Update(_key(tenant, whose, name), set=_set(change)))
        return OVERRIDE.read(item)

    def remove(self, tenant: str, whose: Whose, name: str) -> None:
        """Remove all limits of a customer or an agent."""
        self._table.transact([Delete(_key(tenant, whose, name))])


def _set(change: Override) -> Item:
    return {name: value for name, value in OVERRIDE.write(change).items() if value is not None}


def _key(tenant: str, whose: Whose, name: str) -> Key:
    return (keys.customer_limits if whose is Whose.CUSTOMER else keys.agent_limits)(tenant, name)


def _owner_limit(item: Item) -> OwnerLimit:
    kind, _, name = str(item["sk"]).partition("#")
    return OwnerLimit(Whose(kind.lower()), name, OVERRIDE.read(item))
