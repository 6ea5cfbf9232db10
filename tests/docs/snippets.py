"""The blocks of code of a page, as its tests run them."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Snippet:
    """A block of a page; `path` where its first line names the file that it is."""

    page: Path
    language: str
    text: str
    line: int

    @property
    def path(self) -> str:
        """The file that it is."""
        found = re.match(r"# ([\w/]+\.py)\n", self.text)
        return found[1] if found else ""

    def __str__(self) -> str:
        return f"line {self.line}"


def snippets(page: Path, language: str) -> list[Snippet]:
    """Return the blocks of a language, in their order."""
    text = page.read_text()
    return [
        Snippet(page, m[1], m[2], text.count("\n", 0, m.start()) + 1)
        for m in re.finditer(r"^```(\w+)\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
        if m[1] == language
    ]


def run(blocks: Sequence[Snippet]) -> dict[str, Any]:
    """Run blocks of Python from top to bottom in one place; returns its names."""
    names: dict[str, Any] = {"__name__": "page"}
    for snippet in blocks:
        exec(compile("\n" * snippet.line + snippet.text, snippet.page, "exec"), names)  # noqa: S102
    return names


def commands(page: Path) -> list[str]:
    """Return what a page types at a prompt, without comments."""
    lines = [line for s in snippets(page, "console") for line in s.text.splitlines() if line.startswith("$ ")]
    return [line.removeprefix("$ ") for line in lines]


def rows(page: Path, heading: str, first: str) -> list[list[str]]:
    """Return the rows of the table whose first column is called `first`, below a heading: its cells as they stand."""
    section = page.read_text().partition(f" {heading}\n")[2]
    lines = section.partition(f"\n| {first} |")[2].splitlines()[2:]
    found = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[: _end(lines)]]
    assert found, heading
    return found


def _end(lines: list[str]) -> int:
    return next((number for number, line in enumerate(lines) if not line.startswith("|")), len(lines))
