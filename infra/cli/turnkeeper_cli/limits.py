"""`turnkeeper limits`: what customers and agents may spend, changed at once and without a deploy."""

import re
from dataclasses import dataclass
from typing import Annotated

from cyclopts import App, Parameter
from turnkeeper.domain.money import micro_usd
from turnkeeper.ports import Delete, Key
from turnkeeper.stores import keys
from turnkeeper.stores.limits import set_limits

from turnkeeper_cli.errors import CliError
from turnkeeper_cli.show import say, usd
from turnkeeper_cli.store import Place, Store

_ID = re.compile(r"[A-Za-z0-9._:@+=-]{1,128}")
_NAMES = {"task": "a task", "customer_day": "a customer and day"}
_HERE = Place()

app = App(
    name="limits",
    help="Show, set and remove spending limits of a customer or an agent. They hold from the next turn on.\n\n"
    "A customer's own limit goes before an agent's, that before the deployment's.",
    help_epilogue="Example: turnkeeper limits set --customer carla --day-usd 20",
)


@Parameter(name="*")
@dataclass(frozen=True)
class Whose:
    """Whose limits: a customer's or an agent's."""

    customer: Annotated[str | None, Parameter(name="--customer")] = None
    """The customer whose limits these are."""

    agent: Annotated[str | None, Parameter(name="--agent")] = None
    """The agent whose limits these are, for all customers without limits of their own."""

    def key(self, store: Store) -> Key:
        """Return where the limits are kept; raises CliError unless exactly one is named."""
        name = self.customer or self.agent
        if not name or (self.customer and self.agent):
            raise CliError("say whose limit: --customer NAME or --agent NAME")
        if not _ID.fullmatch(name):
            raise CliError(f"{name!r} is no id: letters, digits and . _ : @ + = -")
        return (keys.customer_limits if self.customer else keys.agent_limits)(store.tenant, name)


@app.command(help_epilogue="Example: turnkeeper limits show")
def show(*, place: Place = _HERE) -> None:
    """List every limit that was set."""
    store = place.open()
    items = store.table.query(keys.customer_limits(store.tenant, "")[0])
    lines = [line for item in items for line in _lines(str(item["sk"]), item)]
    for line in lines:
        say(line)
    if not lines:
        say("No limit is set: agents' own limits and the deployment's hold.")


@app.command(
    name="set",
    help_epilogue="Examples:\n\nturnkeeper limits set --customer carla --day-usd 20\n\n"
    "turnkeeper limits set --agent booking --task-usd 0.25",
)
def set_(
    *,
    whose: Whose = Whose(),
    task_usd: str | None = None,
    day_usd: str | None = None,
    place: Place = _HERE,
) -> None:
    """Set limits; what is not named stays.

    Parameters
    ----------
    task_usd
        The most that one task may cost, such as 0.50.
    day_usd
        The most that one customer may spend in a UTC day, such as 5.00.
    """
    if task_usd is None and day_usd is None:
        raise CliError("say what to set: --task-usd 0.50, --day-usd 5.00, or both")
    given = {"task": _micro(task_usd), "customer_day": _micro(day_usd)}
    store = place.open()
    key = whose.key(store)
    before = store.table.get(key) or {}
    merged = {name: before.get(name) if value is None else value for name, value in given.items()}
    set_limits(store.table, key, **merged)
    for line in _lines(key[1], merged):
        say(line)


@app.command(help_epilogue="Example: turnkeeper limits remove --customer carla")
def remove(*, whose: Whose = Whose(), place: Place = _HERE) -> None:
    """Remove all limits that were set for a customer or an agent."""
    store = place.open()
    key = whose.key(store)
    store.table.transact([Delete(key)])
    say(f"{_name(key[1])}: no limit is set any more.")


def _micro(dollars: str | None) -> int | None:
    try:
        return None if dollars is None else micro_usd(dollars)
    except ValueError as error:
        raise CliError(str(error)) from error


def _lines(sk: str, item: dict[str, int | None]) -> list[str]:
    found = {name: item.get(name) for name in _NAMES}
    return [f"{_name(sk)}: {usd(value)} for {_NAMES[name]}" for name, value in found.items() if value is not None]


def _name(sk: str) -> str:
    kind, _, name = sk.partition("#")
    return f"{kind.lower()} {name}"
