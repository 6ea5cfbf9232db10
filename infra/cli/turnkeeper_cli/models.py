"""`turnkeeper models`: every model of every agent, and which are gone, go soon, or cannot be called or priced."""

import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from random import random
from typing import Annotated, Any
from urllib.parse import urlsplit

from cyclopts import App, Parameter
from turnkeeper.authoring.presets import PRESETS
from turnkeeper.domain.breaker import Admit, BreakerPolicy, State
from turnkeeper.domain.places import is_clear
from turnkeeper.domain.stage import StageSettings
from turnkeeper.domain.stage_file import WrongSettings, settings_from_json
from turnkeeper.errors import StoreUnavailable
from turnkeeper.stores.breakers import BreakerStore
from turnkeeper.stores.stage import StageStore

from turnkeeper_cli import asking, models_view, shutdowns
from turnkeeper_cli.asking import Answer, Question
from turnkeeper_cli.errors import CliError
from turnkeeper_cli.lineup import Known, known, problems, uses_of
from turnkeeper_cli.models_view import Found
from turnkeeper_cli.project import has_local_stack, known_agent, known_model, project_agents
from turnkeeper_cli.show import printable, say
from turnkeeper_cli.store import Place

FAILED = 1
_HERE = Place()
_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_AT_ONCE = 8
_LONGEST_DAYS = 3_650


app = App(
    name="models",
    help_epilogue="Examples:\n\nturnkeeper models\n\nturnkeeper models --agent booking --days 90\n\n"
    "turnkeeper models --ask --stage prod\n\nturnkeeper models retry openai:gpt-6-luna --stage prod",
)


def _checked(_: type, value: int) -> None:
    if not 0 <= value <= _LONGEST_DAYS:
        raise ValueError("write whole days, such as 60")


Days = Annotated[int, Parameter(name="--days", validator=_checked)]
AsJson = Annotated[bool, Parameter(name="--json")]


def models(
    *,
    agent: str | None = None,
    days: Days = 60,
    as_json: AsJson = False,
    ask: bool = False,
    place: Place = _HERE,
) -> int:
    """List every model of every agent: where it is asked, its price, when it ends, what to write instead.

    Exit code 1 where a model is gone or goes within --days, has no price, or is refused for its id; with --ask, also
    where its endpoint does not know it. Nothing is called unless you --ask: dates are those of the list that ships with
    this release, and may be older than a provider's word. Without a stack, URLs are those of the code.

    Parameters
    ----------
    agent
        Only this agent's models.
    days
        How many days a model must last. 60 is the notice that Anthropic and Azure promise: a check that runs daily
        fails as soon as an end is announced, and leaves that time to try another model.
    as_json
        Print JSON instead: a model of an agent has all that is known of it.
    ask
        Ask each endpoint whether it has the model and when it ends, with the stack's keys or those of your shell
        (OPENAI_API_KEY), and Bedrock with your AWS credentials.
    """
    agents = project_agents()
    if agent is not None:
        agents = {known_agent(agent): agents[agent]}
    settings, stage = _stage(place)
    uses = uses_of(agents)
    region = place.region() if stage or ask else None
    found = known((use.model for use in uses), settings, shutdowns.shipped(), region)
    if ask:
        found = _asked(found.values(), place, settings)
    today = datetime.fromtimestamp(place.now(), UTC).date()
    wrong = {k: problems(one, today=today, days=days, has_stage=bool(stage)) for k, one in found.items()}
    whole = Found(stage, uses, found, wrong, shutdowns.shipped(), today, days)
    models_view.print_json(whole) if as_json else models_view.show(whole)
    return FAILED if whole.faults else 0


def retry(model: str, *, place: Place = _HERE) -> None:
    """Let the next call ask a model that is left alone, because its provider was said not to have it, or was down.

    For when the cause is mended: its URL, its key's access, its deployment. One call asks it; if that is answered, all
    do. Others of its chain answer until then.

    Parameters
    ----------
    model
        The model's id, such as openai:gpt-6-luna.
    """
    known_model(model)
    breaker = BreakerStore(place.open().table, place.now, BreakerPolicy(), random).retry(model)
    if breaker.admits(place.now()) is Admit.PROBE:
        say(printable(f"The next call asks {model}; if that is answered, all do."))
    elif breaker.state is State.HALF_OPEN:
        say(printable(f"A call is asking {model} at this moment: look at `turnkeeper trace`, or at health."))
    else:
        raise CliError(printable(f"{model} is not left alone: its calls are made"))


app.default(models)
app.command(retry, help_epilogue="Example: turnkeeper models retry openai:gpt-6-luna --stage prod")


def _stage(place: Place) -> tuple[StageSettings, str]:
    """Return the settings that hold, and what to call their stage; nothing where no stack is named and none is up."""
    if place.is_local and not has_local_stack():
        return StageSettings(), ""
    try:
        current = StageStore(place.open().table).current()
    except StoreUnavailable:
        if not place.is_local:
            raise
        return StageSettings(), ""
    try:
        settings = settings_from_json(current.settings)
    except WrongSettings as error:
        said = f"version {current.version} of the stage cannot be read: see `turnkeeper config show`"
        raise CliError(said) from error
    name = place.stage or place.stack_name or place.table or place.stage_name()
    return settings, f"{name}, version {current.version}"


def _asked(found: Iterable[Known], place: Place, settings: StageSettings) -> dict[tuple[str, str], Known]:
    """Ask every model's endpoint, several at once."""
    listed = list(found)
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        answers = pool.map(lambda one: _answer(one, place, settings), listed)
        return {one.key: replace(one, answer=answer) for one, answer in zip(listed, answers, strict=True)}


def _answer(one: Known, place: Place, settings: StageSettings) -> Answer:
    key, control = _key(one, place, settings), _control_plane(one, place)
    return asking.ask(
        Question(one.model.name, one.endpoint.wire, one.url, one.host, key, dict(one.endpoint.headers)), control
    )


def _key(one: Known, place: Place, settings: StageSettings) -> Callable[[], str]:
    """Return what reads the key of an endpoint, and raises CliError where the endpoint is not to be asked with one."""

    def read() -> str:
        asked = urlsplit(one.url).hostname
        if not one.url:
            raise CliError("nobody says its URL: name a stage")
        if not one.endpoint.key_secret:
            return ""
        if asked in _LOOPBACK and place.is_local:
            is_ours = one.endpoint.name in PRESETS  # the local provider takes any key, and must not see yours
            return "local" if is_ours else place.secret(one.endpoint.key_secret, default="local")
        if is_clear(one.url, settings.private_hosts):
            raise CliError("a key goes over https only, or to a host under hosts.private in the stage's file")
        return place.secret(one.endpoint.key_secret)

    return read


def _control_plane(one: Known, place: Place) -> Callable[[], Any]:
    """Return what makes the client of Bedrock's control plane, in the region where a model is asked."""

    def make() -> Any:
        is_known = one.is_at_aws or "AWS_ENDPOINT_URL_BEDROCK" in os.environ
        if not is_known:
            said = f"models are asked at {one.url}" if one.url else "nobody says the region"
            raise CliError(f"{said}: set AWS_ENDPOINT_URL_BEDROCK or AWS_REGION to ask Bedrock about them")
        return place.bedrock(one.region)

    return make
