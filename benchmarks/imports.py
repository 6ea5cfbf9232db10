"""Measures what each function imports at a cold start: milliseconds, modules, and the slowest packages."""

import os
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

from benchmarks.against import checkout, compare
from benchmarks.report import table

ROOT = Path(__file__).resolve().parents[1]
PATHS = (ROOT / "layers" / "core", ROOT / "layers" / "agents", ROOT)
TRIES = 5
YARDSTICK = "import boto3"
_SHOWN = 3


def measure(statement: str) -> tuple[float, int, dict[str, float]]:
    """Import in a fresh interpreter: (milliseconds, modules, milliseconds by package); the fastest of some tries."""
    return min((_import(statement) for _ in range(TRIES)), key=lambda found: found[0])


def _import(statement: str) -> tuple[float, int, dict[str, float]]:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, PATHS))}
    done = subprocess.run(  # noqa: S603 - our own interpreter
        [sys.executable, "-X", "importtime", "-c", statement],
        env=environment,
        check=True,
        capture_output=True,
        text=True,
    )
    packages: dict[str, float] = defaultdict(float)
    modules = 0
    for line in done.stderr.splitlines():
        own, _, rest = line.removeprefix("import time:").partition("|")
        if own.strip().isdecimal():
            modules += 1
            packages[rest.rpartition("|")[2].strip().partition(".")[0]] += int(own) / 1_000
    return sum(packages.values()), modules, packages


CPU = """
import importlib, sys, time
began = time.process_time()
importlib.import_module(f"functions.{sys.argv[1]}.app")
print(1_000 * (time.process_time() - began))
"""


def functions(tree: Path) -> list[str]:
    """The functions that a tree has."""
    return sorted(path.parent.name for path in (tree / "functions").glob("*/app.py"))


def against(ref: str) -> None:
    """Print the CPU time of each function's imports, beside that of another commit."""
    with checkout(ref) as tree:
        both = [[name] for name in functions(ROOT) if name in functions(tree)]
        compare("Imports of each function at a cold start", ref, tree, CPU, both)


def run() -> None:
    """Print the table."""
    handlers = functions(ROOT)
    yardstick, _, at_start = measure(YARDSTICK)
    rows: list[list[object]] = [["(boto3 alone)", f"{yardstick:.0f}", "", "1.0 x", ""]]
    for name in handlers:
        total, modules, packages = measure(f"import functions.{name}.app")
        slowest = sorted(packages.items(), key=lambda item: -item[1])[:_SHOWN]
        largest = ", ".join(f"{package} {own:.0f}" for package, own in slowest)
        rows.append([name, f"{total:.0f}", modules, f"{total / yardstick:.1f} x", largest])
    del at_start
    table(
        "Imports of each function at a cold start",
        ["function", "ms", "modules", "boto3's", "slowest packages (own ms)"],
        rows,
        note="The interpreter's own start is part of every row. Modules and ratios hold anywhere.",
    )
