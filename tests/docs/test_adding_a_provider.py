"""Whoever follows docs/failures.md by hand has a provider more, which all that knows providers takes."""

import json
import os
import re
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/failures.md").read_text().partition("## Adding a provider")[2]
PROJECT = ("functions", "infra", "layers", "statemachines", "tests", "docs", "template.yaml", "pyproject.toml")
PRESETS, MODULE = "layers/core/turnkeeper/authoring/presets.py", "layers/core/turnkeeper/adapters/models/cohere.py"

_USE_IT = """
import json
from agents.triage import agent
from dataclasses import replace
from turnkeeper import Model
from turnkeeper.export_prices import export
names = ["fireworks:accounts/fireworks/models/gpt-oss-120b", "cohere:command-a"]
mine = replace(agent, chain=[Model(name) for name in names])
print(json.dumps(export(mine.chain, {})))
"""


def said(pattern: str) -> str:
    """The one piece of code on the page that looks like this."""
    (found,) = re.findall(pattern, PAGE, re.DOTALL)
    return str(found)


def add_to_the_presets(project: Path) -> None:
    before, bracket, after = (project / PRESETS).read_text().partition("_ENDPOINTS = (\n")
    lines = [said(r"`(Endpoint\(\"fireworks\"[^`]*)`"), said(r"`(Endpoint\(\"cohere\"[^`]*)`")]
    added = "".join(f"    {line}\n" for line in lines)
    (project / PRESETS).write_text(f"{before}{bracket}{added}{after}")


def add_the_word(project: Path) -> None:
    wires = project / said(r"`WIRES` in `(\S+)`")
    before, opening, after = wires.read_text().partition("\nWIRES = (")
    word = said(r"domain/wires\.py`: `([^`]+)`")
    wires.write_text(f"{before}{opening}{word}, {after}")


def write_the_wire(project: Path) -> None:
    module = textwrap.dedent(said(r"```python\n(   # layers/.*?)   ```"))
    (project / module.split()[1]).write_text(module)


def add_its_format(project: Path) -> None:
    wires = project / said(r"At the end of `(\S+)`")
    wires.write_text(wires.read_text() + said(r"`(WIRES\[\"cohere\"\] = [^`]*)`") + "\n")


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project in which every step was done."""
    copy = tmp_path_factory.mktemp("project")
    for name in PROJECT:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, copy)
    for step in (add_to_the_presets, add_the_word, write_the_wire, add_its_format):
        step(copy)
    return copy


def run(project: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    paths = [project / "layers/core", project / "layers/agents", project]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, paths)), "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(
        [sys.executable, *arguments], cwd=project, env=environment, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("model", ["fireworks:accounts/fireworks/models/gpt-oss-120b", "cohere:command-a"])
def test_an_agent_names_its_models_and_they_have_a_price(model: str, project: Path) -> None:
    done = run(project, "-c", _USE_IT)

    assert 0 == done.returncode, done.stderr
    assert {"input", "output"} <= json.loads(done.stdout)[model].keys()


def test_the_provider_suite_holds_it_to_the_page(project: Path) -> None:
    done = run(project, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/contract/models", "-k", "cohere")
    passed = re.search(r"(\d+) passed", done.stdout)

    assert 0 == done.returncode, done.stdout
    assert passed
    assert int(passed[1]) > 100


def test_the_words_of_the_wires_are_those_that_the_suite_knows(project: Path) -> None:
    done = run(project, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/contract/models", "-k", "held_to_this")

    assert 0 == done.returncode, done.stdout


def test_it_needs_nothing_of_the_template_and_imports_no_more_than_the_others(project: Path) -> None:
    tests = ["tests/template/test_settings.py", "tests/template/test_permissions.py", "tests/unit/test_dependencies.py"]
    of_interest = "cohere or test_settings or test_permissions"
    done = run(project, "-m", "pytest", "-q", "-p", "no:cacheprovider", *tests, "-k", of_interest)

    assert 0 == done.returncode, done.stdout


def test_what_was_written_has_the_projects_style(project: Path) -> None:
    for check in (["ruff", "check", "--no-cache"], ["ruff", "format", "--check", "--no-cache"]):
        done = run(project, "-m", *check, MODULE, PRESETS)

        assert 0 == done.returncode, done.stdout
