"""`turnkeeper stop` and `turnkeeper resume`: switches that hold for every new turn within 60 s."""

from collections.abc import Callable
from typing import Annotated

from cyclopts import Parameter
from turnkeeper.domain.stage import IN_FORCE_S, Stoppable, Target
from turnkeeper.stores.stage import StageStore

from turnkeeper_cli.errors import CliError
from turnkeeper_cli.project import checked_id, known_agent, known_model, known_name, project_agents
from turnkeeper_cli.show import moment, printable, say
from turnkeeper_cli.store import Place, Store

_LONGEST_REASON = 300
_HERE = Place()
_EFFECT = {
    Stoppable.MODEL: "no call of it is begun: its chains go on without it",
    Stoppable.TOOL: "no call of it is begun: models are told so",
}
_REFUSED = "new turns are refused (503, stopped)"

What = Annotated[Stoppable, Parameter(help="everything, tenant, agent, customer, model or tool.")]


def stop(what: What, name: str = "", *, reason: str = "", place: Place = _HERE) -> None:
    """Stop everything, a tenant, an agent, a customer, a model or a tool. It holds within 60 s.

    What runs is finished, what waits for a person can be answered, and no effect is cut in half.

    Parameters
    ----------
    name
        The tenant's client id, the agent's name, the customer's id, the model's id, the tool's name.
    reason
        Why: it is shown by `turnkeeper config show`.
    """
    if len(reason) > _LONGEST_REASON:
        raise CliError(f"the reason is too long: write at most {_LONGEST_REASON} characters")
    target, store = _target(what, name, place), StageStore(place.open().table)
    by, at = place.who(), place.now()
    before, after = store.change(lambda found: found.stopping(target, reason=reason, by=by, at=at))
    if before == after:
        since = next(s for s in before.stops if s.target == target)
        say(printable(f"{target} is stopped already, by {since.by}, {moment(since.at)} UTC."))
    else:
        say(f"{target} is stopped within {IN_FORCE_S} s: {_EFFECT.get(what, _REFUSED)}. What runs is finished.")


def resume(what: What, name: str = "", *, place: Place = _HERE) -> None:
    """Resume what was stopped. It holds within 60 s.

    Parameters
    ----------
    name
        As it was stopped.
    """
    store, by, at = StageStore(place.open().table), place.who(), place.now()
    target = _named(what, name, place.open())
    before, after = store.change(lambda found: found.resuming(target, by=by, at=at))
    if before == after:
        stopped = ", ".join(str(s.target) for s in before.stops) or "nothing"
        raise CliError(printable(f"{target} is not stopped; stopped is: {stopped}"))
    say(f"{target} is resumed within {IN_FORCE_S} s.")


def _named(what: Stoppable, name: str, store: Store) -> Target:
    if (what is Stoppable.EVERYTHING) == bool(name):
        raise CliError("write `turnkeeper stop everything`, or name what: `turnkeeper stop agent booking`")
    return Target(what, name, store.tenant if what is Stoppable.CUSTOMER else "")


def _target(what: Stoppable, name: str, place: Place) -> Target:
    """Return the target; raises CliError where there is no such thing, as stopping it would stop nothing."""
    target = _named(what, name, place.open())
    check: dict[Stoppable, Callable[[], object]] = {
        Stoppable.TENANT: lambda: place.known_tenant(name),
        Stoppable.AGENT: lambda: known_agent(name),
        Stoppable.CUSTOMER: lambda: checked_id(name),
        Stoppable.MODEL: lambda: known_model(name),
        Stoppable.TOOL: lambda: known_name(name, "tool", [t.name for a in project_agents().values() for t in a.tools]),
    }
    check.get(what, lambda: None)()
    return target
