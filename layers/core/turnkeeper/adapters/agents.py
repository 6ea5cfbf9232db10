"""Finds agents: each is a module of the `agents` package, imported when a turn first needs it."""

import importlib
import pkgutil
import re
import traceback
from functools import cache
from pathlib import Path
from typing import Any

from turnkeeper.agent import Agent, AgentError
from turnkeeper.errors import BrokenAgent, NotFound

_NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")
_PACKAGE = "agents"


@cache
def agent(name: str) -> Agent[Any]:
    """Import the agent of this name; raises NotFound if there is none, BrokenAgent if its file cannot be imported.

    An import that failed is tried again the next time.
    """
    if not _NAME.fullmatch(name) or name not in agent_names():
        raise NotFound(f"there is no agent {name!r}; there are: {', '.join(agent_names())}")
    try:
        return _imported(name)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # whatever a file raises, SystemExit too: it must not end the function of the others
        raise BrokenAgent(name, type(error).__name__, _place(name, error)) from error


@cache
def agent_names() -> list[str]:
    """List the names of the agents that are deployed, in alphabetical order."""
    return sorted(module.name for module in pkgutil.iter_modules(_folders()) if not module.name.startswith("_"))


def _folders() -> list[str]:
    return list(importlib.import_module(_PACKAGE).__path__)


def _imported(name: str) -> Agent[Any]:
    found = getattr(importlib.import_module(f"{_PACKAGE}.{name}"), "agent", None)
    if not isinstance(found, Agent) or found.name != name:
        raise AgentError(f"the file must define `agent = Agent(name={name!r}, ...)`")
    return found


def _place(name: str, error: BaseException) -> str:
    """Return the last line of the agents' own files that an error passed, or else the first line of the agent's."""
    passed = [(frame.f_code.co_filename, line) for frame, line in traceback.walk_tb(error.__traceback__)]
    if isinstance(error, SyntaxError):
        passed.append((error.filename or "", error.lineno or 1))
    for file, line in reversed(passed):
        for folder in _folders():
            if Path(file).is_relative_to(folder):
                return f"{_PACKAGE}/{Path(file).relative_to(folder).as_posix()}:{line}"
    return f"{_PACKAGE}/{name}.py:1"
