"""Finds the project around the current folder, and its local stack."""

import base64
import json
from pathlib import Path
from typing import Any

from turnkeeper_cli.errors import CliError

AGENTS = Path("layers/agents/agents")
STACK_FILE = Path(".local/stack.json")
_FACTS = ("api_url", "aws_endpoint_url", "region", "table_name")
_TOKENS = ("service", "customer")


def root() -> Path:
    """Return the folder of the project; raises CliError outside of one."""
    here = Path.cwd()
    for folder in (here, *here.parents):
        if (folder / AGENTS).is_dir():
            return folder
    raise CliError(f"this is no Turnkeeper project: run it in the folder that holds {AGENTS}")


def local_stack() -> dict[str, Any]:
    """Read what `make up` wrote; raises CliError if the local cloud is not up, or another version wrote it."""
    path = root() / STACK_FILE
    if not path.exists():
        raise CliError("the local stack is not up: run `make up`, and try again")
    try:
        stack: dict[str, Any] = json.loads(path.read_text())
        facts = [*(stack[name] for name in _FACTS), *(stack["tokens"][who] for who in _TOKENS)]
    except (ValueError, TypeError, KeyError):
        facts = [None]
    if not all(isinstance(fact, str) for fact in facts):
        raise CliError(f"{STACK_FILE} is damaged, or of an older version: run `make down`, then `make up`")
    return stack


def tenant_of(token: str) -> str:
    """Return the tenant that a service's token stands for. The token is not verified: the API does that."""
    try:
        payload = token.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        return str(claims["client_id"])
    except (IndexError, KeyError, TypeError, ValueError) as error:
        raise CliError("the service's token names no client: say whose data you mean with --tenant") from error
