"""`turnkeeper new agent`: what it writes works, passes its own test and the project's rules."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import Run

ROOT = Path(__file__).parents[2]


@pytest.fixture
def written(project: Path, run: Run) -> Path:
    """Give a project in which an agent was just written."""
    result = run("new", "agent", "order_desk")
    assert (0, "") == (result.code, result.err)
    assert "wrote layers/agents/agents/order_desk.py\nwrote tests/agents/test_order_desk.py\n" in result.out
    return project


def start(*command: str, folder: Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([sys.executable, "-m", *command], cwd=folder, capture_output=True, text=True, check=False)


def test_its_fixtures_and_its_test_pass(written: Path) -> None:
    fixtures = (ROOT / "tests/agents/test_fixtures.py").read_text().replace('{"booking", "support", "triage"}', "set()")
    (written / "tests/agents/test_fixtures.py").write_text(fixtures)
    (written / "pytest.ini").write_text(
        f"[pytest]\naddopts = --import-mode=importlib\nfilterwarnings = error\n"
        f"pythonpath = {ROOT}/layers/core layers/agents\n"
    )
    done = start("pytest", "-q", "-p", "no:cacheprovider", "tests", folder=written)

    assert 0 == done.returncode, done.stdout + done.stderr
    assert "6 passed" in done.stdout


@pytest.mark.parametrize("command", [("ruff", "check", "--no-cache"), ("ruff", "format", "--no-cache", "--check")])
def test_it_has_the_projects_style(written: Path, command: tuple[str, ...]) -> None:
    done = start(*command, "--config", str(ROOT / "pyproject.toml"), ".", folder=written)

    assert 0 == done.returncode, done.stdout + done.stderr


def test_its_types_are_right(written: Path) -> None:
    (written / "pyproject.toml").write_text(
        (ROOT / "pyproject.toml").read_text().replace('"layers/core"', f'"{ROOT}/layers/core"')
    )
    files = ["layers/agents/agents/order_desk.py", "tests/agents/test_order_desk.py"]
    done = start("mypy", "--cache-dir", str(ROOT / ".mypy_cache/new-agent"), *files, folder=written)

    assert 0 == done.returncode, done.stdout + done.stderr


def test_nothing_is_written_over(written: Path, run: Run) -> None:
    mine = written / "layers/agents/agents/order_desk.py"
    mine.write_text("mine")
    result = run("new", "agent", "order_desk")

    assert (1, "mine") == (result.code, mine.read_text())
    assert "order_desk.py is there already: choose another name, or remove it first" in result.err


@pytest.mark.parametrize("name", ["Order-Desk", "9lives", "import", "../up", ""])
def test_a_wrong_name_says_how_to_write_it(project: Path, run: Run, name: str) -> None:
    result = run("new", "agent", name)

    assert 1 == result.code
    assert "lower-case letters, digits and _, such as order_desk" in result.err
    assert [] == list((project / "layers/agents/agents").iterdir())


def test_outside_of_a_project_it_says_where_to_go(tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    assert "run it in the folder that holds layers/agents/agents" in run("new", "agent", "order_desk").err
