"""A package `agents` of a test's own, in the place of the project's."""

import importlib
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

from turnkeeper.adapters import agents

GOOD = """\
from pydantic import BaseModel
from turnkeeper import Agent, Alternative, Model


class Colour(BaseModel):
    colour: str


agent = Agent(
    name="good",
    instructions="Say the colour.",
    output=Colour,
    chain=[Model("openai:first", max_latency_ms=4_000)],
    alternative=Alternative("Say it simply.", [Model("openai:third", max_latency_ms=4_000)]),
)
"""

BROKEN = {
    "no_module": ('"""Books."""\n\nimport no_such_package\n', "ModuleNotFoundError", 3),
    "no_syntax": ("\nbook(:\n", "SyntaxError", 2),
    "wrong": ("from turnkeeper import Model\n\n\nModel('first', 1)\n", "AgentError", 4),
    "ends": ("import sys\nsys.exit(1)\n", "SystemExit", 2),
    "nothing": ("", "AgentError", 1),
    "helped": ("from agents import _helper\n", "ZeroDivisionError", 1),
}
"""Files that cannot be loaded, with the class of the error and the line that it comes from."""

FILES = {"good": GOOD, "_helper": "1 / 0\n", **{name: text for name, (text, _, _) in BROKEN.items()}}


def fault(name: str) -> str:
    """What is told of a broken agent."""
    _, kind, line = BROKEN[name]
    return f"{kind} at agents/{'_helper' if name == 'helped' else name}.py:{line}"


def write_agents(folder: Path, files: Mapping[str, str] = FILES) -> Path:
    """Write a package `agents` into a folder, and return the package's folder."""
    package = folder / "agents"
    package.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (package / f"{name}.py").write_text(text)
    return package


@contextmanager
def deployed(folder: Path, files: Mapping[str, str] = FILES) -> Iterator[Path]:
    """Write a package `agents` into a folder, and let it be found in the place of the project's; yields its folder."""
    package = write_agents(folder, files)
    path, bytecode, modules = sys.path, sys.dont_write_bytecode, forget()
    sys.path = [str(folder), *[place for place in path if not (Path(place) / "agents").is_dir()]]
    sys.dont_write_bytecode = True
    try:
        yield package
    finally:
        forget()
        sys.path, sys.dont_write_bytecode = path, bytecode
        sys.modules.update(modules)


def forget() -> dict[str, ModuleType]:
    """Forget every agent that was imported, as a new process does; returns the modules."""
    importlib.invalidate_caches()
    agents.agent.cache_clear()
    agents.agent_names.cache_clear()
    return {name: sys.modules.pop(name) for name in list(sys.modules) if name.partition(".")[0] == "agents"}
