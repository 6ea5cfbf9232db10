"""CONTRIBUTING.md leads to what exists, and places every folder of tests."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "CONTRIBUTING.md").read_text()
CORE = ROOT / "layers/core/turnkeeper"


@pytest.mark.parametrize("path", sorted(set(re.findall(r"`([\w./]+(?:/|\.\w+))`", PAGE))))
def test_every_path_exists(path: str) -> None:
    assert (ROOT / path).exists() or (CORE / path).exists()


def test_every_folder_of_tests_is_in_the_table() -> None:
    folders = {path.name for path in (ROOT / "tests").iterdir() if any(path.glob("**/*.py"))}

    assert folders - {"support"} == set(re.findall(r"^\| `tests/(\w+)/` \|", PAGE, re.MULTILINE))
