"""The layers ship what uv.lock says, and nothing that the Lambda runtime has already."""

import re
import subprocess
import tomllib
from pathlib import Path

import pytest

from tests.template.source import ROOT

SHIPPED = ROOT / "layers" / "core" / "requirements.txt"
BUILD = ROOT / "layers" / "agents" / "build-requirements.txt"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


def names(requirements: str) -> set[str]:
    return set(re.findall(r"^[a-z0-9_.-]+", requirements, re.MULTILINE))


def test_the_requirements_are_those_of_the_lock(tmp_path: Path) -> None:
    """`make layers` writes them."""
    written = [tmp_path / "shipped", tmp_path / "build"]
    subprocess.run([ROOT / "infra" / "export-requirements", *written], check=True)

    assert [SHIPPED.read_text(), BUILD.read_text()] == [path.read_text() for path in written]


def test_every_dependency_is_shipped() -> None:
    wanted = {re.split(r"[><=\[]", requirement)[0] for requirement in PROJECT["project"]["dependencies"]}

    assert wanted <= names(SHIPPED.read_text())


@pytest.mark.parametrize("name", ["boto3", "botocore", "genai-prices", "pytest", "moto", "openai", "anthropic"])
def test_what_only_we_need_is_not_shipped(name: str) -> None:
    assert name not in names(SHIPPED.read_text())


def test_every_requirement_is_pinned() -> None:
    lines = [*SHIPPED.read_text().splitlines(), *BUILD.read_text().splitlines()]

    assert [] == [line for line in lines if "==" not in line]
