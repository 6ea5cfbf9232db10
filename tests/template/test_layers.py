"""The layers ship what uv.lock says, and nothing that the Lambda runtime has already."""

import os
import platform
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from infra.release import sam_environment
from tests.support.agents import GOOD
from tests.template.source import ROOT

SHIPPED = ROOT / "layers" / "core" / "requirements.txt"
BUILD = ROOT / "layers" / "agents" / "build-requirements.txt"
AGENTS = ROOT / "layers" / "agents" / "requirements.txt"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


LOCK = tomllib.loads((ROOT / "uv.lock").read_text())["package"]


def canonical(requirement: str) -> str:
    """The name in a requirement, as the lock writes it."""
    (name,) = re.findall(r"^[A-Za-z0-9._-]+", requirement)
    return re.sub(r"[-_.]+", "-", name).lower()


def names(requirements: str) -> set[str]:
    return set(re.findall(r"^[a-z0-9_.-]+", requirements, re.MULTILINE))


def test_the_requirements_are_those_of_the_lock(tmp_path: Path) -> None:
    """`make layers` writes them."""
    files = [SHIPPED, BUILD, AGENTS]
    written = [tmp_path / path.name for path in (SHIPPED.with_name("core.txt"), BUILD, AGENTS)]
    subprocess.run([ROOT / "infra" / "export-requirements", *written], check=True)

    assert [path.read_text() for path in files] == [path.read_text() for path in written]


def test_the_lock_has_what_agents_require() -> None:
    (project,) = [p for p in LOCK if p["name"] == PROJECT["project"]["name"]]
    locked = {requirement["name"] for requirement in project["metadata"]["requires-dev"]["agents"]}

    assert {canonical(requirement) for requirement in PROJECT["dependency-groups"]["agents"]} == locked


def test_what_agents_require_is_installed_for_their_tests_too() -> None:
    assert {"include-group": "agents"} in PROJECT["dependency-groups"]["dev"]


def test_every_dependency_is_shipped() -> None:
    wanted = {re.split(r"[><=\[]", requirement)[0] for requirement in PROJECT["project"]["dependencies"]}

    assert wanted <= names(SHIPPED.read_text())


@pytest.mark.parametrize("name", ["boto3", "botocore", "genai-prices", "pytest", "moto", "openai", "anthropic"])
def test_what_only_we_need_is_not_shipped(name: str) -> None:
    assert name not in names(SHIPPED.read_text())


def test_every_requirement_is_pinned() -> None:
    lines = [*SHIPPED.read_text().splitlines(), *BUILD.read_text().splitlines()]

    assert [] == [line for line in lines if "==" not in line]


# --- the agents' layer ------------------------------------------------------------------------------------------------


def pinned(*wanted: str) -> str:
    """Requirements as `make layers` writes them for agents."""
    found = {package["name"]: package for package in LOCK}
    lines = []
    for name in wanted:
        files = [*found[name]["wheels"], found[name]["sdist"]]
        lines.append(f"{name}=={found[name]['version']} " + " ".join(f"--hash={file['hash']}" for file in files))
    return "\n".join(lines) + "\n"


def build(project: Path) -> "subprocess.CompletedProcess[str]":
    """Build the agents' layer as the local cloud does, from inside of an environment that has more than the layers."""
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    settings = [f"LAMBDA_PYTHON={version}", f"LAMBDA_PLATFORM={platform.machine()}-manylinux_2_28"]
    environment = {**sam_environment(), "VIRTUAL_ENV": sys.prefix, "PATH": f"{sys.prefix}/bin:{os.environ['PATH']}"}
    environment.pop("PYTHONPATH", None)
    command = ["make", "-s", "build-AgentsLayer", f"ARTIFACTS_DIR={project / 'built'}", *settings]
    return subprocess.run(
        command,
        cwd=project,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def layers(tmp_path: Path) -> Path:
    """A copy of the layers' folder, as SAM makes one, with one agent."""
    copied = tmp_path / "layers"
    shutil.copytree(ROOT / "layers", copied, ignore=shutil.ignore_patterns("__pycache__", "agents"))
    shutil.copytree(AGENTS.parent, copied / "agents", ignore=shutil.ignore_patterns("agents"))
    (copied / "agents/agents").mkdir()
    (copied / "agents/agents/good.py").write_text(GOOD)
    own = '{"input": "1", "output": "4"}'
    (copied / "agents/prices.json").write_text(f'{{"openai:first": {own}, "openai:third": {own}}}')
    return copied


@pytest.mark.parametrize("module", ["pytest", "httpx2"])
def test_a_module_that_the_layers_lack_fails_the_build_though_it_is_installed_here(layers: Path, module: str) -> None:
    """The developer's environment has the first, and the export of prices the second."""
    (layers / "agents/agents/needy.py").write_text(f'"""Needs more."""\n\nimport {module}\n')
    done = build(layers)

    assert 0 != done.returncode
    assert f"layers/agents/agents/needy.py:3: No module named '{module}'" in done.stderr


def test_the_layer_holds_what_agents_require_but_not_what_the_core_layer_or_lambda_has(layers: Path) -> None:
    wanted = ["boto3", "botocore", "s3transfer", "jmespath", "python-dateutil", "six", "urllib3"]
    (layers / "agents/requirements.txt").write_text(pinned(*wanted))
    (layers / "agents/agents/needy.py").write_text("import boto3, six\n" + GOOD.replace('"good"', '"needy"'))
    done = build(layers)
    built = {path.name for path in (layers / "built/python").glob("[!.]*") if path.suffix != ".dist-info"}

    assert (0, "") == (done.returncode, done.stderr)
    assert {"agents", "dateutil", "six.py", "urllib3"} == built
    assert {"good.py", "needy.py", "prices.json"} == {p.name for p in (layers / "built/python/agents").iterdir()}
    assert [layers / "built/python"] == list((layers / "built").iterdir())


def test_a_package_with_another_content_than_the_locks_is_refused(layers: Path) -> None:
    (layers / "agents/requirements.txt").write_text(re.sub(r"sha256:\w{8}", "sha256:00000000", pinned("six")))

    assert "six" in build(layers).stderr
    assert not (layers / "built/python/six.py").exists()


def test_a_package_that_would_hide_the_agents_is_refused(layers: Path) -> None:
    (layers / "built/python/agents").mkdir(parents=True)
    (layers / "agents/requirements.txt").write_text(pinned("six"))

    assert "imported as 'agents'" in build(layers).stderr


def test_where_agents_require_nothing_nothing_is_installed_for_them(layers: Path) -> None:
    (layers / "agents/requirements.txt").write_text("# nothing\n")
    command = ["make", "-n", "build-AgentsLayer", "ARTIFACTS_DIR=built"]
    told = subprocess.run(command, cwd=layers, capture_output=True, text=True, check=True).stdout

    assert [] == [line for line in told.splitlines() if "agents/requirements.txt" in line]
