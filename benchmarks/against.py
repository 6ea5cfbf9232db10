"""Compares this tree with another commit: both run in alternation, each time in a fresh process, by their CPU time."""

import io
import os
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import median

from benchmarks.report import table

ROOT = Path(__file__).resolve().parents[1]
ROUNDS = 7


@contextmanager
def checkout(ref: str) -> Iterator[Path]:
    """Yield a folder that has the files of a commit."""
    asked = ["git", "archive", ref]
    packed = subprocess.run(asked, cwd=ROOT, check=True, stdout=subprocess.PIPE).stdout  # noqa: S603 - a ref of ours
    with tempfile.TemporaryDirectory() as folder, tarfile.open(fileobj=io.BytesIO(packed)) as files:
        files.extractall(folder, filter="data")
        yield Path(folder)


def cpu_ms(tree: Path, script: str, arguments: Sequence[str]) -> float:
    """Run a script on a tree: the milliseconds of CPU time that it prints."""
    paths = (tree, tree / "layers" / "core", tree / "layers" / "agents")
    done = subprocess.run(  # noqa: S603 - our own interpreter
        [sys.executable, "-c", script, *arguments],
        cwd=tree,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(map(str, paths))},
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    return float(done.stdout)


def compare(title: str, ref: str, tree: Path, script: str, cases: Sequence[Sequence[str]]) -> None:
    """Print a table of the script's CPU time on both trees; a case is the script's arguments, its name the first."""
    rows: list[list[object]] = []
    for case in cases:
        theirs, ours = [], []
        for _ in range(ROUNDS + 1):
            theirs.append(cpu_ms(tree, script, case))
            ours.append(cpu_ms(ROOT, script, case))
        del theirs[0], ours[0]  # the first of each compiles
        figures = [f"{of(found):.2f}" for found in (theirs, ours) for of in (min, median)]
        rows.append([case[0], *figures, f"{min(ours) / min(theirs):.2f} x", f"{median(ours) / median(theirs):.2f} x"])
    table(
        f"{title}: milliseconds of CPU time, of {ROUNDS} runs each",
        ["", f"{ref}: min", "median", "this tree: min", "median", "ratio: min", "median"],
        rows,
        note="Both trees ran in alternation, with the packages that are installed here. Ratios hold anywhere.",
    )
