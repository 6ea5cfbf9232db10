"""`turnkeeper forget`: deletes what is kept about a customer."""

import time
from collections import Counter

from turnkeeper.stores.customer_data import CustomerData, Deletion

from turnkeeper_cli.store import Store


def plan(store: Store, customer: str) -> Deletion:
    """Find what is kept about a customer."""
    return _data(store, customer).plan_deletion()


def carry_out(store: Store, customer: str, todo: Deletion) -> None:
    """Delete it."""
    _data(store, customer).delete(todo)


def counts(todo: Deletion) -> dict[str, int]:
    """Count the items of each kind that would be deleted."""
    return dict(sorted(Counter(todo.kinds()).items()))


def _data(store: Store, customer: str) -> CustomerData:
    return CustomerData(store.table, time.time, store.tenant, customer)
