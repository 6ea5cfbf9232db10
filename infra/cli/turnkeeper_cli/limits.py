"""`turnkeeper limits`: what customers and agents may spend, changed at once and without a deploy."""

from dataclasses import dataclass
from typing import Annotated

from cyclopts import App, Parameter
from turnkeeper.domain.money import micro_usd
from turnkeeper.domain.spend import Override
from turnkeeper.domain.stage import StageVersion
from turnkeeper.domain.stage_file import WrongSettings, settings_from_json
from turnkeeper.runtime.limits import own_limits
from turnkeeper.stores.limits import LimitStore, Whose
from turnkeeper.stores.stage import StageStore

from turnkeeper_cli.config import data_of
from turnkeeper_cli.errors import CliError
from turnkeeper_cli.project import AGENTS, checked_id, known_agent, project_agents
from turnkeeper_cli.show import say, usd
from turnkeeper_cli.store import Place

_HERE = Place()

app = App(
    name="limits",
    help="Show, set and remove spending limits of a customer or an agent. They hold from the next turn on.\n\n"
    "A customer's own limit goes before an agent's, that before the stage's.",
    help_epilogue="Example: turnkeeper limits set --customer carla --day-usd 20",
)


@Parameter(name="*")
@dataclass(frozen=True)
class Owner:
    """Whose limits: a customer's or an agent's."""

    customer: Annotated[str | None, Parameter(name="--customer")] = None
    """The customer whose limits these are."""

    agent: Annotated[str | None, Parameter(name="--agent")] = None
    """The agent whose limits these are, for all customers without limits of their own."""

    def named(self) -> tuple[Whose, str]:
        """Return whose limits are meant, and the name; raises CliError unless exactly one is named."""
        name = self.customer or self.agent
        if not name or (self.customer and self.agent):
            raise CliError("say whose limit: --customer NAME or --agent NAME")
        checked_id(name)
        if self.agent:
            known_agent(name)
        return (Whose.CUSTOMER if self.customer else Whose.AGENT), name


@app.command(help_epilogue="Example: turnkeeper limits show")
def show(*, place: Place = _HERE) -> None:
    """List every limit that holds, and where each number comes from: a later line goes before an earlier one."""
    store = place.open()
    stage = StageStore(store.table).current()
    for line in _stage_lines(stage):
        say(line)
    for name, agent in project_agents().items():
        for line in _lines("agent", name, own_limits(agent)):
            say(f"{line}  ({AGENTS / name}.py)")
    for limit in LimitStore(store.table).all_of(store.tenant):
        for line in _lines(limit.whose, limit.name, limit.override):
            say(f"{line}  (turnkeeper limits)")


@app.command(
    name="set",
    help_epilogue="Examples:\n\nturnkeeper limits set --customer carla --day-usd 20\n\n"
    "turnkeeper limits set --agent booking --task-usd 0.25",
)
def set_(
    *,
    owner: Owner = Owner(),
    task_usd: str | None = None,
    day_usd: str | None = None,
    month_usd: str | None = None,
    place: Place = _HERE,
) -> None:
    """Set limits; what is not named stays.

    Parameters
    ----------
    task_usd
        The most that one task may cost, such as 0.50.
    day_usd
        The most that one customer may spend in a UTC day, such as 5.00.
    month_usd
        The most that one customer may spend in a UTC month, such as 50.00. Without any such limit nothing is counted by
        month: it holds for what is spent from then on.
    """
    change = Override(_micro_usd(task_usd), _micro_usd(day_usd), _micro_usd(month_usd))
    if change == Override():
        raise CliError("say what to set: --task-usd 0.50, --day-usd 5.00, --month-usd 50.00, or several")
    store = place.open()
    whose, name = owner.named()
    for line in _lines(whose, name, LimitStore(store.table).change(store.tenant, whose, name, change)):
        say(line)


@app.command(help_epilogue="Example: turnkeeper limits remove --customer carla")
def remove(*, owner: Owner = Owner(), place: Place = _HERE) -> None:
    """Remove all limits that were set for a customer or an agent."""
    store = place.open()
    whose, name = owner.named()
    LimitStore(store.table).remove(store.tenant, whose, name)
    say(f"{whose} {name}: no limit is set any more.")


def _micro_usd(dollars: str | None) -> int | None:
    try:
        return None if dollars is None else micro_usd(dollars)
    except ValueError as error:
        raise CliError(str(error)) from error


def _stage_lines(stage: StageVersion) -> list[str]:
    """Say what the stage allows, and whether its file or the code says so."""
    given = data_of(stage).get("limits", {})
    try:
        limits = settings_from_json(stage.settings).limits
    except WrongSettings as error:
        raise CliError(f"version {stage.version} of the stage cannot be read: see `turnkeeper config show`") from error
    amounts = {
        "task": (limits.task_micro_usd, "a task"),
        "customer_day": (limits.customer_day_micro_usd, "a customer and day"),
        "customer_month": (limits.customer_month_micro_usd, "a customer and month"),
        "tenant_day": (limits.tenant_day_micro_usd, "a tenant and day"),
        "stack_day": (limits.stack_day_micro_usd, "the whole stack and day"),
    }
    source = f"the stage's file, version {stage.version}"
    return [
        f"stage: {usd(amount)} for {what}  ({source if f'{name}_usd' in given else 'the default'})"
        for name, (amount, what) in amounts.items()
        if amount is not None
    ]


def _lines(whose: str, name: str, override: Override) -> list[str]:
    limits = [
        (override.task_micro_usd, "a task"),
        (override.customer_day_micro_usd, "a customer and day"),
        (override.customer_month_micro_usd, "a customer and month"),
    ]
    return [f"{whose} {name}: {usd(amount)} for {what}" for amount, what in limits if amount is not None]
