"""The command line explains itself."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import Run

ROOT = Path(__file__).parents[2]
COMMANDS = [
    "new agent",
    "chat",
    "turn",
    "trace",
    "ledger",
    "callback-secret",
    "forget",
    "limits show",
    "limits set",
    "limits remove",
    "config show",
    "config diff",
    "config apply",
    "models",
    "stop",
    "resume",
]


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_with_an_example(run: Run, command: str) -> None:
    result = run(*command.split(), "--help")

    assert 0 == result.code
    assert "Example" in result.out
    assert f"turnkeeper {command}" in result.out.partition("Example")[2]


@pytest.mark.parametrize("group", ["new", "limits", "config"])
def test_a_group_of_commands_shows_an_example_of_its_own(run: Run, group: str) -> None:
    assert f"turnkeeper {group} " in run(group, "--help").out.partition("Example")[2]


def test_the_help_names_every_command(run: Run) -> None:
    out = run("--help").out

    assert all(command.partition(" ")[0] in out for command in COMMANDS)


@pytest.mark.parametrize(
    ("wrong", "message"), [("tracce", 'Did you mean "trace"?'), ("trace", "turn-id"), ("ledgr", "?")]
)
def test_a_mistake_is_one_line_that_helps(run: Run, wrong: str, message: str) -> None:
    result = run(wrong)

    assert (2, "") == (result.code, result.out)
    assert message in result.err
    assert 1 == len(result.err.splitlines())


def test_it_is_installed_as_a_script() -> None:
    script = Path(sys.executable).parent / "turnkeeper"
    done = subprocess.run([script, "--version"], capture_output=True, text=True, check=True)

    assert "0.2.0\n" == done.stdout


def test_an_agents_import_does_not_load_it() -> None:
    code = "import sys, turnkeeper.bootstrap; print({'cyclopts', 'rich', 'turnkeeper_cli'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert "set()\n" == done.stdout
