"""Finds the project around the current folder, and its local stack."""

import base64
import json
import re
import sys
import tomllib
from pathlib import Path
from typing import Any

from turnkeeper.errors import BrokenAgent

from turnkeeper_cli.errors import CliError

AGENTS = Path("layers/agents/agents")
_ID = re.compile(r"[A-Za-z0-9._:@+=-]{1,128}")
STACK_FILE = Path(".local/stack.json")
_FACTS = ("api_url", "aws_endpoint_url", "region", "table_name", "user_pool_id")
_TOKENS = ("service", "customer")


def root() -> Path:
    """Return the folder of the project; raises CliError outside of one."""
    here = Path.cwd()
    for folder in (here, *here.parents):
        if (folder / AGENTS).is_dir():
            return folder
    raise CliError(f"this is no Turnkeeper project: run it in the folder that holds {AGENTS}")


def agent_names() -> list[str]:
    """List the project's agents: each is a file."""
    return sorted(path.stem for path in (root() / AGENTS).glob("*.py") if not path.stem.startswith("_"))


def project_agents() -> dict[str, Any]:
    """Import the project's agents, by name; raises CliError where one cannot be imported."""
    folder = str(root() / AGENTS.parent)
    if folder not in sys.path:
        sys.path.insert(0, folder)
    from turnkeeper.adapters.agents import agent  # noqa: PLC0415 - finds the package in that folder

    found = {}
    for name in agent_names():
        try:
            found[name] = agent(name)
        except BrokenAgent as error:
            raise CliError(f"{error}: {error.kind} in {AGENTS.parent / error.place}") from error
    return found


def checked_id(name: str) -> str:
    """Return a customer's or an agent's id; raises CliError where it cannot be one."""
    if not _ID.fullmatch(name):
        raise CliError(f"{name!r} is no id: letters, digits and . _ : @ + = -")
    return name


def known_agent(name: str) -> str:
    """Return an agent's name; raises CliError where the project has no such agent."""
    names = agent_names()
    if name not in names:
        raise CliError(f"there is no agent {name!r}; there are: {', '.join(names) or 'none'}")
    return name


def known_name(name: str, kind: str, known: list[str]) -> str:
    """Return the name of something that agents have; raises CliError where none of them has it."""
    if name not in known:
        raise CliError(f"no agent has the {kind} {name!r}; there are: {', '.join(sorted(set(known))) or 'none'}")
    return name


def known_model(model: str) -> str:
    """Return a model's id; raises CliError where no agent of the project has it."""
    return known_name(model, "model", [m.id for agent in project_agents().values() for m in agent.models])


def has_local_stack() -> bool:
    """Whether `make up` wrote its file in this project."""
    return (root() / STACK_FILE).exists()


def local_stack() -> dict[str, Any]:
    """Read what `make up` wrote; raises CliError if the local cloud is not up, or another version wrote it."""
    path = root() / STACK_FILE
    if not has_local_stack():
        raise CliError("the local stack is not up: run `make up`, and try again")
    try:
        stack: dict[str, Any] = json.loads(path.read_text())
        facts = [*(stack[name] for name in _FACTS), *(stack["tokens"][who] for who in _TOKENS)]
    except (ValueError, TypeError, KeyError):
        facts = [None]
    if not all(isinstance(fact, str) for fact in facts):
        raise CliError(f"{STACK_FILE} is damaged, or of an older version: run `make down`, then `make up`")
    return stack


def stack_of(stage: str) -> str:
    """Return the stack of a stage, as samconfig.toml names it; raises CliError where it does not."""
    try:
        settings = tomllib.loads((root() / "samconfig.toml").read_text()).get(stage, {})
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise CliError(f"samconfig.toml cannot be read: {error}") from error
    for command in ("deploy", "global"):
        name = settings.get(command, {}).get("parameters", {}).get("stack_name")
        if name:
            return str(name)
    raise CliError(f"samconfig.toml names no stack for the stage {stage!r}")


def tenant_of(token: str) -> str:
    """Return the tenant that a service's token stands for. The token is not verified: the API does that."""
    try:
        payload = token.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        return str(claims["client_id"])
    except (IndexError, KeyError, TypeError, ValueError) as error:
        raise CliError("the service's token names no client: say whose data you mean with --tenant") from error
