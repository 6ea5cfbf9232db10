"""`turnkeeper new agent`: writes an agent that works, and its test."""

import keyword
import re
from importlib.resources import files
from pathlib import Path
from string import Template

from turnkeeper_cli.errors import CliError
from turnkeeper_cli.project import AGENTS

_NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")
_TESTS = Path("tests/agents")


def write_agent(root: Path, name: str) -> list[Path]:
    """Write layers/agents/agents/NAME.py and tests/agents/test_NAME.py; raises CliError, and writes nothing then."""
    if not _NAME.fullmatch(name) or keyword.iskeyword(name):
        raise CliError(f"{name!r} is no name of an agent: lower-case letters, digits and _, such as order_desk")
    targets = {AGENTS / f"{name}.py": "agent.py.txt", _TESTS / f"test_{name}.py": "test_agent.py.txt"}
    for path in targets:
        if (root / path).exists():
            raise CliError(f"{path} is there already: choose another name, or remove it first")
    for path, template in targets.items():
        text = Template((files("turnkeeper_cli") / "templates" / template).read_text()).substitute(
            name=name, title=name.replace("_", " ").capitalize()
        )
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    return list(targets)
