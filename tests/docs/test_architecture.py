"""docs/architecture.md names the items and the modules that there are."""

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "layers/core/turnkeeper"
PAGE = (ROOT / "docs/architecture.md").read_text()
INDEX_PARTITIONS = {"DUE", "CUST"}
SMALL = {"__init__", "run", "limits", "views", "closing_texts"}
"""Modules of `runtime/` that are no use case."""


def section(heading: str) -> str:
    return PAGE.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]


def test_the_table_of_items_has_the_keys_of_the_code() -> None:
    tree = ast.parse((PACKAGE / "stores/keys.py").read_text())
    texts = [n.value for n in ast.walk(tree) if isinstance(n, ast.Constant) and isinstance(n.value, str)]
    keys = {word for text in texts for word in re.findall(r"^#?([A-Z]{3,})#?$", text)}
    cells = "".join(line.split("|", 2)[2] for line in section("The table").splitlines() if line.startswith("|"))

    assert keys - INDEX_PARTITIONS == set(re.findall(r"\b[A-Z]{3,}\b", cells))


def test_the_modules_of_the_runtime_are_those_of_the_code() -> None:
    named = re.findall(r"`(\w+)\.py`", "".join(re.findall(r"^\| `.*", section("The house"), re.MULTILINE)))

    assert {path.stem for path in (PACKAGE / "runtime").glob("*.py")} - SMALL == set(named)
