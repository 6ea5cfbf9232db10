"""The commands of `turnkeeper`, and how their errors are shown."""

import math
import sys
from collections.abc import Sequence
from importlib.metadata import version
from typing import Annotated

from cyclopts import App, CycloptsError, Parameter
from turnkeeper.domain.callbacks import shown_secret, tenant_secret

from turnkeeper_cli import config, forget, ledger, limits, models, switches
from turnkeeper_cli.client import Api
from turnkeeper_cli.errors import CliError
from turnkeeper_cli.new import write_agent
from turnkeeper_cli.project import root
from turnkeeper_cli.show import complain, say
from turnkeeper_cli.store import AWS_ERRORS, Place, explained
from turnkeeper_cli.talk import Chat, one_turn
from turnkeeper_cli.trace import tree_of

FAILED, MISUSED, INTERRUPTED = 1, 2, 130


def _seconds(_: type, value: float) -> None:
    if not 0 <= value < math.inf:
        raise ValueError("write seconds, such as 30")


Wait = Annotated[float, Parameter(name="--wait", validator=_seconds)]
_API, _HERE = Api(), Place()

app = App(
    name="turnkeeper",
    help="Write agents, talk to them, and look behind a turn.\n\nCommands speak to the local stack (`make up`), unless "
    "another place is named.",
    help_epilogue="Begin with: turnkeeper new agent greeter",
    version=lambda: version("turnkeeper"),
    help_format="markdown",
    result_action="return_value",
    exit_on_error=False,
    print_error=False,
)
new = App(name="new", help="Write something new.", help_epilogue="Example: turnkeeper new agent order_desk")
app.command(new)
app.command(limits.app)
app.command(config.app)
app.command(
    switches.stop,
    help_epilogue="Examples:\n\nturnkeeper stop agent booking\n\nturnkeeper stop model openai:gpt-6-luna "
    "--reason 'wrong prices' --stage prod",
)
app.command(models.app)
app.command(switches.resume, help_epilogue="Example: turnkeeper resume agent booking")


@new.command(name="agent", help_epilogue="Example: turnkeeper new agent order_desk")
def new_agent(name: str) -> None:
    """Write an agent that works, with fixtures and a test.

    Parameters
    ----------
    name
        Lower-case letters, digits and _: it is part of the agent's URL.
    """
    for path in write_agent(root(), name):
        say(f"wrote {path}")
    say(f"Test it:   uv run pytest tests/agents -k {name}", "dim")
    say(f"Try it:    make down up, then uv run turnkeeper chat {name}", "dim")


@app.command(
    help_epilogue="Examples:\n\nturnkeeper chat booking\n\nturnkeeper chat support --customer carla\n\n"
    "TURNKEEPER_TOKEN=... turnkeeper chat booking --api-url https://ID.execute-api.REGION.amazonaws.com/prod"
)
def chat(agent: str, *, wait: Wait = 300, conversation: str | None = None, api: Api = _API) -> None:
    """Talk to an agent: each turn shows its status, tier, cost and time.

    Parameters
    ----------
    agent
        The agent's name, such as booking.
    wait
        Seconds to wait for a turn that other tiers, or a person, must answer.
    conversation
        Continue this conversation.
    """
    with api.open() as client:
        Chat(client, agent, wait_s=wait, conversation=conversation).run()


@app.command(
    help_epilogue='Examples:\n\nturnkeeper turn triage "You charged me twice!"\n\n'
    'turnkeeper turn booking "I need a dentist in Wexley." --customer carla --wait 0'
)
def turn(
    agent: str,
    message: str,
    *,
    wait: Wait = 120,
    conversation: str | None = None,
    task: str | None = None,
    api: Api = _API,
) -> int:
    """Send one turn, and print its outcome as JSON. Exit code 1 unless it was answered.

    Parameters
    ----------
    agent
        The agent's name.
    message
        What the customer says.
    wait
        Seconds to wait for the outcome; 0 prints what the API says at first.
    conversation
        Continue this conversation.
    task
        The task that the turn belongs to, with a spending limit of its own.
    """
    with api.open() as client:
        answered = one_turn(client, agent, message, wait_s=wait, conversation_id=conversation, task_id=task)
    return 0 if answered else FAILED


@app.command(
    help_epilogue="Examples:\n\nturnkeeper trace turn_1a2b\n\nturnkeeper trace turn_1a2b --stack-name turnkeeper"
)
def trace(turn_id: str, *, place: Place = _HERE) -> None:
    """Print the journal of a turn as a tree: runs, model calls, tool effects, escalation, with costs and times.

    Parameters
    ----------
    turn_id
        The turn's id, as the API returned it.
    """
    say(tree_of(place.open(), turn_id))


@app.command(
    name="ledger", help_epilogue="Examples:\n\nturnkeeper ledger turn_1a2b\n\nturnkeeper ledger --customer carla"
)
def ledger_(turn_id: str | None = None, *, customer: str | None = None, place: Place = _HERE) -> int:
    """Print every reservation with its outcome. Exit code 1 if a sum does not match its counter.

    Parameters
    ----------
    turn_id
        Print the reservations of this turn.
    customer
        Print those of all turns of this customer, compared with the counters of each day and task.
    """
    if (turn_id is None) == (customer is None):
        raise CliError("name a turn, or a customer: turnkeeper ledger turn_1a2b, or --customer carla")
    store = place.open()
    found = ledger.of_turn(store, turn_id) if turn_id else ledger.of_customer(store, customer or "")
    ledger.show(found)
    return 0 if found.matches else FAILED


@app.command(
    name="callback-secret",
    help_epilogue="Examples:\n\nturnkeeper callback-secret 4q2mexampleclientid\n\n"
    "turnkeeper callback-secret 4q2mexampleclientid --stack-name turnkeeper",
)
def callback_secret(tenant: str, *, place: Place = _HERE) -> None:
    """Print the secret with which a tenant's receiver verifies callbacks. Give it to that tenant only.

    Parameters
    ----------
    tenant
        The client id of the tenant's service.
    """
    say(shown_secret(tenant_secret(place.callback_key(), place.known_tenant(tenant))))


@app.command(
    name="forget",
    help_epilogue="Examples:\n\nturnkeeper forget carla\n\nturnkeeper forget carla --yes --stack-name turnkeeper",
)
def forget_(customer: str, *, yes: bool = False, place: Place = _HERE) -> int:
    """Delete what is kept about a customer: turns, conversations, ledger, limits. Without --yes nothing is deleted.

    Logs are not in the table: they contain ids and no messages, and are deleted when their retention ends.

    Parameters
    ----------
    customer
        The customer's id.
    yes
        Delete it; this cannot be undone.
    """
    store = place.open()
    todo = forget.plan(store, customer)
    for kind, count in forget.counts(todo).items():
        say(f"{count:>6} {kind}")
    if not todo.delete:
        say(f"Nothing to delete about {customer!r}.")
    elif yes:
        forget.carry_out(store, customer, todo)
        say("Deleted.")
    else:
        say("Nothing was deleted. To delete it, repeat the command with --yes", "yellow")
    for when in todo.current:
        say(f"{when} spending stays counted, so that no limit can be passed; it is removed later by itself.", "dim")
    for turn_id in todo.unfinished:
        say(f"Not finished yet, so it stays: {turn_id}. Try again when it has ended.", "yellow")
    return FAILED if todo.unfinished else 0


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; an error is one line that says what to do."""
    try:
        result = app(sys.argv[1:] if arguments is None else arguments)
    except CycloptsError as error:
        complain(f"{error} (see `turnkeeper --help`)")
        return MISUSED
    except CliError as error:
        complain(str(error))
        return FAILED
    except AWS_ERRORS as error:
        complain(explained(error))
        return FAILED
    except KeyboardInterrupt:
        return INTERRUPTED
    return result if isinstance(result, int) else 0
