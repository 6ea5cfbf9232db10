"""`turnkeeper config`: the stage's settings, from its file into the table, at once and without a deployment."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from cyclopts import App, Parameter
from turnkeeper.domain.stage import StageVersion
from turnkeeper.domain.stage_file import StageFile as Shape
from turnkeeper.domain.stage_file import WrongSettings, settings_from_json
from turnkeeper.errors import StageChanged
from turnkeeper.stores.stage import StageStore

from turnkeeper_cli import stage_file
from turnkeeper_cli.errors import CliError
from turnkeeper_cli.project import root
from turnkeeper_cli.show import is_terminal, moment, printable, say
from turnkeeper_cli.stage_file import StageFile
from turnkeeper_cli.store import Place

_MOST_TOLD = 20
_HERE = Place()
Version = Annotated[int | None, Parameter(name="--version")]

app = App(
    name="config",
    help="Show, compare and apply what a stage decides: limits, prices, rates, URLs, hosts. They hold within 60 s, "
    "without a deployment.\n\nThe file is infra/stages/STAGE.toml; docs/settings.md lists every setting.",
    help_epilogue="Example: turnkeeper config diff --stage default",
)


@app.command(help_epilogue="Examples:\n\nturnkeeper config show\n\nturnkeeper config show --stage default --history")
def show(*, history: bool = False, place: Place = _HERE) -> None:
    """Print the settings that are in force, and what is stopped.

    Parameters
    ----------
    history
        Print every version instead: who made it, when, and what changed.
    """
    store = StageStore(place.open().table)
    if history:
        _show_history(store)
        return
    current = store.current()
    say(_about(current) if current.version else "Nothing was ever applied: every setting has its default.", "bold")
    fault = fault_of(current)
    if fault:
        say(f"It cannot be read, and the newest older version that can be holds instead: {fault}", "red")
    given = dict(stage_file.flat(data_of(current)))
    for name, default in defaults():
        if name not in given:
            say(f"{name} = {default}  (default)", "dim")
    for name, value in given.items():
        say(printable(f"{name} = {value}"))
    for stop in current.stops:
        why = f": {stop.reason}" if stop.reason else ""
        say(printable(f"stopped: {stop.target}, by {stop.by}, {moment(stop.at)} UTC{why}"), "yellow")


@app.command(
    help_epilogue="Examples:\n\nturnkeeper config diff\n\nturnkeeper config diff infra/stages/prod.toml --stage prod"
)
def diff(file: Path | None = None, *, place: Place = _HERE) -> None:
    """Print what applying a stage's file would change. Nothing is changed.

    Parameters
    ----------
    file
        The stage's file. Default: infra/stages/STAGE.toml.
    """
    wanted = _read(file, place)
    current = StageStore(place.open().table).base()
    found = stage_file.changes(data_of(current), wanted.data)
    for line in found:
        say(printable(line))
    if found:
        say(f"To apply exactly this: turnkeeper config apply --version {current.version}", "dim")
    else:
        say(f"{wanted.path} is in force: version {current.version}.")


@app.command(help_epilogue="Examples:\n\nturnkeeper config apply\n\nturnkeeper config apply --stage prod --version 12")
def apply(file: Path | None = None, *, version: Version = None, place: Place = _HERE) -> None:
    """Check a stage's file and put it in force. Where anything in it is wrong, nothing is changed.

    Parameters
    ----------
    file
        The stage's file. Default: infra/stages/STAGE.toml.
    version
        Apply it only if this is the version in force, as `config diff` printed it; nothing is asked then.
    """
    wanted, store = _read(file, place), StageStore(place.open().table)
    if is_terminal() and version is None:
        seen = store.base()
        version = seen.version
        if not _is_agreed(stage_file.changes(data_of(seen), wanted.data)):
            return
    say(apply_to(store, wanted, version=version, by=place.who(), at=place.now()))


def apply_to(store: StageStore, wanted: StageFile, *, by: str, at: float, version: int | None = None) -> str:
    """Put a file in force, and return what to say; raises CliError where somebody else was first."""
    found = store.base()
    if version is not None and found.version != version:
        raise CliError(_refused(store, version))
    if found.is_newer_than_the_code:
        raise CliError(f"version {found.version} was written by newer code, by {found.by}: use that code's command")
    changed = stage_file.changes(data_of(found), wanted.data)
    if found.version and not changed and not fault_of(found):
        return f"{wanted.path} is in force already: version {found.version}."
    try:
        store.replace(found, found.with_settings(wanted.text, changed, by=by, at=at))
    except StageChanged as error:
        raise CliError(_refused(store, found.version)) from error
    lines = [f"{wanted.path} is in force within 60 s: version {found.version + 1}.", *changed]
    return "\n".join(map(printable, lines))


def defaults() -> list[tuple[str, str]]:
    """Return every setting that has a default of its own, by its dotted name."""
    shown: list[tuple[str, str]] = []
    for section, field in Shape.model_fields.items():
        for name, setting in getattr(field.annotation, "model_fields", {}).items():
            value = setting.default
            if value not in (None, (), {}):
                shown.append((f"{section}.{name}", f"{value / 1_000_000:.2f}" if name.endswith("_usd") else str(value)))
    return shown


def variables_of(place: Place) -> Mapping[str, str]:
    """Return the variables that a stage's file may use: the shell's, and on the local stack its own first."""
    return {**os.environ, **place.local_variables()}


def _read(file: Path | None, place: Place) -> StageFile:
    path = file or root() / stage_file.path_of(place.stage_name())
    return stage_file.read(path, variables_of(place))


def data_of(version: StageVersion) -> dict[str, Any]:
    """Return the settings of a version as its file had them; nothing where they cannot be read."""
    try:
        data = json.loads(version.settings)
    except ValueError:
        return {}
    return data if isinstance(data, dict) else {}


def fault_of(version: StageVersion) -> str:
    """Return why functions cannot read a version, or nothing."""
    try:
        settings_from_json(version.settings)
    except WrongSettings as error:
        return version.fault or str(error)
    return version.fault


def _is_agreed(changed: list[str]) -> bool:
    """Show a person what would change, and ask."""
    for line in changed or ["nothing changes"]:
        say(printable(line))
    return not changed or input("Apply this? [y/N] ").strip().lower() in ("y", "yes")


def _refused(store: StageStore, seen: int) -> str:
    """Say what others changed since a version was seen."""
    lines = []
    for version in store.history(limit=_MOST_TOLD):
        if version.version > seen:
            lines += [_about(version), *(f"  {printable(line)}" for line in version.changes)]
    told = "\n".join(lines)
    advice = "See `turnkeeper config diff`, and apply again."
    return f"nothing was applied: others made changes since version {seen}\n{told}\n{advice}"


def _about(version: StageVersion) -> str:
    return printable(f"version {version.version}, by {version.by}, {moment(version.at)} UTC")


def _show_history(store: StageStore) -> None:
    for version in store.history():
        say(_about(version), "bold")
        for line in version.changes:
            say(f"  {printable(line)}")
