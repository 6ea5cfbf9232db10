"""uv is found where it is installed, and where only `make setup` put it: whoever needs it goes through infra/uv."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from infra.release import sam_environment
from tests.template.source import ROOT

SCRIPTS = (
    "Makefile",
    "layers/Makefile",
    "infra/export-requirements",
    "infra/test",
    ".ci/run",
    ".pre-commit-config.yaml",
)
_CALL = re.compile(r"(?<![\w/.])uv (?:--version|build|export|lock|pip|run|sync|tool)\b.*")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with infra/uv, and a folder `bin` to find commands in, which has nothing but bash."""
    for folder in ("infra", "bin"):
        (tmp_path / folder).mkdir()
    shutil.copy(ROOT / "infra" / "uv", tmp_path / "infra")
    (tmp_path / "bin" / "bash").symlink_to(shutil.which("bash") or "/bin/bash")
    return tmp_path


def put_uv(folder: Path, name: str) -> None:
    """Put a uv there that says its name and what it was asked."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "uv").write_text(f'#!/usr/bin/env bash\necho "{name}: $*"\n')
    (folder / "uv").chmod(0o755)


def run(project: Path, cwd: str = ".") -> "subprocess.CompletedProcess[str]":
    command = [str(project / "infra" / "uv"), "run", "it"]
    path = {"PATH": str(project / "bin")}
    return subprocess.run(command, cwd=cwd, env=path, capture_output=True, text=True, check=False)


def test_the_one_that_is_installed_goes_first(project: Path) -> None:
    put_uv(project / ".local" / "uv" / "bin", "own")
    put_uv(project / "bin", "installed")

    assert "installed: run it\n" == run(project).stdout


def test_where_none_is_installed_the_projects_own_is_run_from_any_folder(project: Path) -> None:
    put_uv(project / ".local" / "uv" / "bin", "own")

    assert ["own: run it\n"] * 2 == [run(project, folder).stdout for folder in (".", "/")]


def test_where_there_is_none_it_says_what_to_do(project: Path) -> None:
    done = run(project)

    assert (127, "uv is missing: run `make setup`\n") == (done.returncode, done.stderr)


@pytest.mark.parametrize("script", SCRIPTS)
def test_no_script_calls_uv_by_itself(script: str) -> None:
    code = [line for line in (ROOT / script).read_text().splitlines() if not line.lstrip().startswith("#")]

    assert [] == [found[0] for line in code if (found := _CALL.search(line))]


def test_sam_builds_the_layers_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("UV", raising=False)
    command = ["make", "-n", "-C", str(ROOT / "layers"), "build-CoreLayer", "build-AgentsLayer"]
    done = subprocess.run(command, env=sam_environment(), capture_output=True, text=True, check=True)

    assert done.stdout.count(f'"{ROOT / "infra" / "uv"}" ') == 3


def test_a_build_that_uv_itself_runs_stays_with_that_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UV", "/somewhere/uv")

    assert "/somewhere/uv" == sam_environment()["UV"]
