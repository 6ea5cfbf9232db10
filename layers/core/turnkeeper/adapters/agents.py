"""Finds agents: each is a module of the `agents` package, imported when a turn first needs it."""

import importlib
import pkgutil
import re
from functools import cache
from typing import Any

from turnkeeper.agent import Agent, AgentError
from turnkeeper.errors import NotFound

_NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")
_PACKAGE = "agents"


@cache
def agent(name: str) -> Agent[Any]:
    """Import the agent of this name; raises NotFound if there is none, AgentError if its module does not define it."""
    if not _NAME.fullmatch(name) or name not in agent_names():
        raise NotFound(f"there is no agent {name!r}; there are: {', '.join(agent_names())}")
    found = getattr(importlib.import_module(f"{_PACKAGE}.{name}"), "agent", None)
    if not isinstance(found, Agent) or found.name != name:
        raise AgentError(f"agents/{name}.py must define `agent = Agent(name={name!r}, ...)`")
    return found


@cache
def agent_names() -> list[str]:
    """List the names of the agents that are deployed, in alphabetical order."""
    paths = importlib.import_module(_PACKAGE).__path__
    return sorted(module.name for module in pkgutil.iter_modules(paths) if not module.name.startswith("_"))
