"""Every snippet of docs/agents.md does what the page says."""

import re
import shlex
import subprocess
import sys
import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from turnkeeper import Calls, Fails
from turnkeeper.authoring.presets import PRESETS
from turnkeeper.runtime.operators import Operator
from turnkeeper.testing import TENANT, Stage, play
from turnkeeper_cli.app import app, main

from tests.docs.snippets import ROOT, Snippet, commands, run, snippets

PAGE = ROOT / "docs/agents.md"


COMMANDS = commands(PAGE)
PYTHON, TEXT = snippets(PAGE, "python"), snippets(PAGE, "text")


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project that holds the files of the page, and the project's own test of fixtures."""
    for snippet in PYTHON:
        if snippet.path:
            (tmp_path / snippet.path).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / snippet.path).write_text(snippet.text)
    fixtures = (ROOT / "tests/agents/test_fixtures.py").read_text()
    (tmp_path / "tests/agents/test_fixtures.py").write_text(fixtures)
    (tmp_path / "pytest.ini").write_text(
        "[pytest]\naddopts = --import-mode=importlib -p no:cacheprovider\nfilterwarnings = error\n"
        f"pythonpath = {ROOT}/layers/core layers/agents\n"
    )
    monkeypatch.chdir(tmp_path)
    return tmp_path


def namespace() -> dict[str, Any]:
    """Run the page's Python from top to bottom, but its tests, in one place."""
    return run([snippet for snippet in PYTHON if not snippet.path.startswith("tests/")])


def test_the_python_runs_from_top_to_bottom() -> None:
    names = namespace()

    assert "parcels" == names["agent"].name
    assert {"order_id", "cents"} == set(names["give_credit"].schema["properties"])
    with pytest.raises(ValueError, match="visits begin from 9:00"):
        names["Visit"](at="2026-12-04T21:00:00", guests=2)


def test_the_agents_fixtures_pass() -> None:
    agent = namespace()["agent"]

    assert ["completed", "completed"] == [play(agent, fixture)[-1]["status"] for fixture in agent.fixtures]


def waiting(stage: Stage, *before: Calls) -> str:
    """Send a turn that no model can answer after these calls, so that it waits for a person."""
    stage.script([*before, *[Fails("server_error")] * 8], {"POST /credits": {"credit_id": "C-1"}})
    turn = stage.send("My order A-1001 came late.")
    assert "awaiting_human" == turn["status"]
    return str(turn["turn_id"])


def test_a_customer_reads_the_agents_own_texts_where_nobody_answers() -> None:
    stage = Stage(namespace()["german"])
    turn = waiting(stage)
    stage._time += 100_000

    stage.services.reconciler.run(until=stage._time + 60)

    texts = stage.agent.closing_texts
    assert f"{texts.expired} {texts.expired_advice}" == stage.services.lookups.turn(turn).view["reply"]


def test_a_customer_reads_what_was_done_as_the_page_shows_it() -> None:
    names = namespace()
    stage = Stage(replace(names["german"], tools=[names["give_credit"]]))
    turn = waiting(stage, Calls("give_credit", order_id="A-1001", cents=500))

    view = stage.services.operators.stop(Operator("olga", TENANT), turn)

    assert f"{view['reply']}\n" in [snippet.text for snippet in TEXT]


@pytest.mark.parametrize("command", [c for c in COMMANDS if c.startswith("uv run pytest")])
def test_its_tests_pass_as_the_page_runs_them(command: str, project: Path) -> None:
    arguments = shlex.split(command.removeprefix("uv run "))
    done = subprocess.run([sys.executable, "-m", *arguments], cwd=project, capture_output=True, text=True, check=False)

    assert 0 == done.returncode, done.stdout + done.stderr
    assert "5 passed" in done.stdout


@pytest.mark.parametrize("snippet", [s for s in PYTHON if s.path], ids=str)
def test_its_files_have_the_projects_style(snippet: Snippet, project: Path) -> None:
    config = ["--config", str(ROOT / "pyproject.toml"), "--no-cache"]
    for check in (["check", *config, "--ignore", "PLR2004"], ["format", "--check", *config]):
        done = subprocess.run(
            [sys.executable, "-m", "ruff", *check, snippet.path],
            cwd=project,
            capture_output=True,
            text=True,
            check=False,
        )
        assert 0 == done.returncode, done.stdout


def test_it_writes_an_agent_as_the_page_does(project: Path) -> None:
    (command,) = (c for c in COMMANDS if "new agent" in c)

    assert 0 == main(shlex.split(command)[3:])
    assert (project / "layers/agents/agents/front_desk.py").exists()


@pytest.mark.parametrize("command", [c for c in COMMANDS if c.startswith("uv run turnkeeper")])
def test_the_commands_are_ones_that_turnkeeper_knows(command: str) -> None:
    function, bound, _ = app.parse_args(shlex.split(command)[3:], print_error=False, exit_on_error=False)

    assert callable(function)
    assert bound.arguments


@pytest.mark.parametrize("text", re.findall(r"`(turnkeeper [^`A-Z]+)`", PAGE.read_text()))
def test_the_commands_in_the_text_are_ones_too(text: str) -> None:
    assert app.parse_args(shlex.split(text)[1:], print_error=False, exit_on_error=False)


def test_the_other_commands_name_what_exists() -> None:
    template = (ROOT / "template.yaml").read_text()
    for command in COMMANDS:
        match shlex.split(command):
            case ["make", *_]:
                continue  # held for every page together
            case ["aws", "secretsmanager", "create-secret", "--name", name, *_]:
                prefix, slash, secret = name.rpartition("/")
                assert f"SECRETS_PREFIX: !Sub {prefix.replace('/turnkeeper', '/${AWS::StackName}')}{slash}" in template
                assert secret in {preset.key_secret for preset in PRESETS.values()}
            case ["uv", "add", "--group", group, _]:
                assert group in tomllib.loads((ROOT / "pyproject.toml").read_text())["dependency-groups"]
            case ["curl", *rest]:
                assert "scope=turnkeeper/turns" in rest
            case other:
                assert ["uv", "run"] == other[:2]


def test_nothing_on_the_page_is_left_out() -> None:
    languages = set(re.findall(r"^```(\w+)$", PAGE.read_text(), re.MULTILINE))

    assert {"python", "console", "text"} == languages
    assert 5 <= len(COMMANDS)
