"""Reads a stage's file: TOML with variables of the shell, checked, and each mistake named with its line."""

import json
import os
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from turnkeeper.authoring.presets import PRESETS
from turnkeeper.domain.stage import StageSettings
from turnkeeper.domain.stage_file import Mistake, WrongSettings, settings_from_json

from turnkeeper_cli.errors import CliError
from turnkeeper_cli.project import project_agents

STAGES = Path("infra/stages")
_VARIABLE = re.compile(r"\$\{([A-Z][A-Z0-9_]*)\}")


@dataclass(frozen=True)
class StageFile:
    """A stage's file that was checked: `data` are its settings, with the variables replaced."""

    path: Path
    data: Mapping[str, Any]
    settings: StageSettings

    @property
    def text(self) -> str:
        """The settings as the table keeps them."""
        return json.dumps(self.data, sort_keys=True)


def path_of(stage: str) -> Path:
    """Return where the file of a stage is, seen from the project's folder."""
    return STAGES / f"{stage}.toml"


def read(path: Path, variables: Mapping[str, str] | None = None) -> StageFile:
    """Read a file and check it, also against the project's agents; raises CliError with a line for each mistake.

    `variables` replace `${NAME}`; by default they are the shell's.
    """
    shown = path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path
    try:
        text = path.read_text("utf-8-sig")
    except OSError as error:
        raise CliError(f"{shown} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise CliError(f"{shown} is not UTF-8") from error
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise CliError(f"{shown} is not TOML: {error}") from error
    except RecursionError as error:
        raise CliError(f"{shown} is nested too deeply") from error
    mistakes: list[Mistake] = []
    data = _replaced(raw, (), os.environ if variables is None else variables, mistakes)
    settings = StageSettings()
    try:
        settings = settings_from_json(json.dumps(data))
        mistakes += _unknown_names(data)
    except WrongSettings as error:
        mistakes += error.mistakes
    if mistakes:
        where = lines_of(text)
        lines = [f"{shown}:{line_of(where, mistake.path)}: {mistake}" for mistake in mistakes]
        raise CliError("\n".join(dict.fromkeys(lines)))
    return StageFile(shown, data, settings)


def lines_of(text: str) -> dict[tuple[str, ...], int]:
    """Return the line (from 1) on which each table and setting of a TOML text begins, by its path."""
    found: dict[tuple[str, ...], int] = {(): 1}
    table: tuple[str, ...] = ()
    lines = text.split("\n")
    begin = 0
    for end in range(1, len(lines) + 1):
        if begin == end - 1 and not lines[begin].partition("#")[0].strip():
            begin = end
            continue
        try:
            data = tomllib.loads("\n".join(lines[begin:end]))
        except tomllib.TOMLDecodeError:
            continue  # within a value of several lines
        paths = list(_paths(data))
        if lines[begin].lstrip().startswith("["):
            table = paths[-1]
            paths = [table[:depth] for depth in range(1, len(table) + 1)]
        else:
            paths = [table + path for path in paths]
        for path in paths:
            found.setdefault(path, begin + 1)
        begin = end
    return found


def line_of(lines: Mapping[tuple[str, ...], int], path: Sequence[str]) -> int:
    """Return the line of the setting at a path, or of the last table above it."""
    above = (tuple(path[:depth]) for depth in range(len(path), -1, -1))
    return next(lines[part] for part in above if part in lines)


def _paths(data: Any) -> Iterator[tuple[str, ...]]:
    """Yield every path into the data, the outer ones first."""
    if isinstance(data, list):
        data = data[-1] if data and isinstance(data[-1], dict) else {}
    for name, value in data.items() if isinstance(data, dict) else ():
        yield (name,)
        for inner in _paths(value):
            yield (name, *inner)


def flat(data: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Yield every setting with its dotted name, as text."""
    for name, value in data.items():
        dotted = f"{prefix}.{name}" if prefix else name
        if isinstance(value, Mapping) and value:
            yield from flat(value, dotted)
        else:
            yield dotted, value if isinstance(value, str) else json.dumps(value)


def changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """Say what differs between the settings of two files, a line each."""
    old, new = dict(flat(before)), dict(flat(after))
    return [
        f"{name}: {old.get(name, '(default)')} -> {new.get(name, '(default)')}"
        for name in dict.fromkeys([*old, *new])
        if old.get(name) != new.get(name)
    ]


def _replaced(value: Any, path: tuple[str, ...], variables: Mapping[str, str], missing: list[Mistake]) -> Any:
    if isinstance(value, dict):
        return {name: _replaced(inner, (*path, name), variables, missing) for name, inner in value.items()}
    if isinstance(value, list):
        return [_replaced(inner, path, variables, missing) for inner in value]
    if not isinstance(value, str | int | float):
        missing.append(Mistake(path, "is a date or a time: write text, in quotes"))
        return str(value)
    if not isinstance(value, str):
        return value
    unset = [name for name in _VARIABLE.findall(value) if not variables.get(name)]
    missing += [Mistake(path, f"set the variable {name} in the shell that applies this file") for name in unset]
    if "${" in _VARIABLE.sub("", value):
        missing.append(Mistake(path, "a variable is written ${NAME}, in capital letters"))
    return _VARIABLE.sub(lambda found: variables.get(found[1], ""), value)


def _unknown_names(data: Mapping[str, Any]) -> Iterator[Mistake]:
    """Find agents, models, endpoints and dependencies that the project does not have: a typing error does nothing."""
    if not data.keys() & {"agents", "endpoints", "dependencies"}:
        return
    agents = project_agents()
    models = {name: [model.id for model in found.models] for name, found in agents.items()}
    endpoints = {model.asked_at.name for found in agents.values() for model in found.models} | PRESETS.keys()
    dependencies = {t.dependency.name for found in agents.values() for t in found.tools if t.dependency}
    for section, known in (("agents", agents.keys()), ("endpoints", endpoints), ("dependencies", dependencies)):
        for name in data.get(section, {}):
            if name not in known:
                yield Mistake((section, name), f"there is no {name!r}; there are: {', '.join(sorted(known)) or 'none'}")
    for name, settings in data.get("agents", {}).items():
        for model in settings.get("first", []) if name in models else []:
            if model not in models[name]:
                yield Mistake(
                    ("agents", name, "first"), f"{name} does not ask {model!r}; it asks: {', '.join(models[name])}"
                )
