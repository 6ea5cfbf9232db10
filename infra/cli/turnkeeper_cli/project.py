"""Finds the project around the current folder, and its local stack."""

import base64
import json
from pathlib import Path
from typing import Any

from turnkeeper_cli.errors import CliError

AGENTS = Path("layers/agents/agents")
STACK_FILE = Path(".local/stack.json")


def root() -> Path:
    """Return the folder of the project; raises CliError outside of one."""
    here = Path.cwd()
    for folder in (here, *here.parents):
        if (folder / AGENTS).is_dir():
            return folder
    raise CliError(f"this is no Turnkeeper project: run it in the folder that holds {AGENTS}")


def local_stack() -> dict[str, Any]:
    """Read what `make up` wrote; raises CliError when nothing is up."""
    path = root() / STACK_FILE
    if not path.exists():
        raise CliError("the local stack is not up: run `make up`, and try again")
    stack: dict[str, Any] = json.loads(path.read_text())
    return stack


def tenant_of(token: str) -> str:
    """Return the tenant that a service's token stands for. The token is not verified: the API does that."""
    try:
        payload = token.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        return str(claims["client_id"])
    except (IndexError, KeyError, ValueError) as error:
        raise CliError("the service's token names no client: say whose data you mean with --tenant") from error
