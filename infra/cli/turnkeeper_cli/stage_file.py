"""Reads a stage's file: TOML with variables of the shell, checked, and each mistake named with its line."""

import json
import os
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from turnkeeper.domain.providers import PROVIDERS
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
        text = path.read_text()
    except OSError as error:
        raise CliError(f"{shown} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise CliError(f"{shown} is not UTF-8") from error
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise CliError(f"{shown} is not TOML: {error}") from error
    mistakes: list[Mistake] = []
    data = _replaced(raw, (), os.environ if variables is None else variables, mistakes)
    settings = StageSettings()
    try:
        settings = settings_from_json(json.dumps(data, default=str))
        mistakes += _unknown_names(data)
    except WrongSettings as error:
        mistakes += error.mistakes
    if mistakes:
        lines = [f"{shown}:{line_of(text, mistake.path)}: {mistake}" for mistake in mistakes]
        raise CliError("\n".join(dict.fromkeys(lines)))
    return StageFile(shown, data, settings)


def line_of(text: str, path: Sequence[str]) -> int:
    """Return the line (from 1) of a TOML text on which the setting at `path` begins, or the last table above it."""
    lines, found, parsed = text.splitlines(), 1, 0
    reached = 0
    for number in range(1, len(lines) + 1):
        try:
            data = tomllib.loads("\n".join(lines[:number]))
        except tomllib.TOMLDecodeError:
            continue  # within a value of several lines
        depth = _depth(data, path)
        if depth > reached:
            found, reached = parsed + 1, depth
            while not lines[found - 1].strip() or lines[found - 1].lstrip().startswith("#"):
                found += 1
        parsed = number
    return found


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


def _depth(data: Any, path: Sequence[str]) -> int:
    """Return how many names of a path lead into the data."""
    for depth, name in enumerate(path):
        if isinstance(data, list):
            return depth
        if not isinstance(data, dict) or name not in data:
            return depth
        data = data[name]
    return len(path)


def _replaced(value: Any, path: tuple[str, ...], variables: Mapping[str, str], missing: list[Mistake]) -> Any:
    if isinstance(value, dict):
        return {name: _replaced(inner, (*path, name), variables, missing) for name, inner in value.items()}
    if isinstance(value, list):
        return [_replaced(inner, path, variables, missing) for inner in value]
    if not isinstance(value, str):
        return value
    unset = [name for name in _VARIABLE.findall(value) if not variables.get(name)]
    missing += [Mistake(path, f"set the variable {name} in the shell that applies this file") for name in unset]
    return _VARIABLE.sub(lambda found: variables.get(found[1], ""), value)


def _unknown_names(data: Mapping[str, Any]) -> Iterator[Mistake]:
    """Find agents, models, endpoints and dependencies that the project does not have: a typing error does nothing."""
    if not data.keys() & {"agents", "endpoints", "dependencies"}:
        return
    agents = project_agents()
    models = {name: [model.id for model in found.models] for name, found in agents.items()}
    endpoints = {model.asked_at.name for found in agents.values() for model in found.models} | PROVIDERS.keys()
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
