"""Runs benchmarks: all of them, or those named, as in `python -m benchmarks breakers spend`.

`python -m benchmarks turn imports --against HEAD~1` compares with a commit.
"""

import argparse
import importlib
import sys

from benchmarks.report import say

NAMES = ("imports", "turn", "load", "breakers", "spend", "escalation")
COMPARED = ("imports", "turn")
"""Those that can be compared with another commit."""


def main(arguments: list[str]) -> int:
    """Run what is named, or everything."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Measure what is claimed.")
    parser.add_argument("names", nargs="*", metavar="name", help=f"one of {', '.join(NAMES)} (all)")
    parser.add_argument("--against", metavar="REF", help=f"compare {' and '.join(COMPARED)} with a commit")
    asked = parser.parse_args(arguments)
    possible = COMPARED if asked.against else NAMES
    if unknown := [name for name in asked.names if name not in possible]:
        parser.error(f"choose from {', '.join(possible)}, not {unknown[0]}")
    say("Ratios and counts hold anywhere; milliseconds and turns a second are this machine's.")
    for name in asked.names or possible:
        benchmark = importlib.import_module(f"benchmarks.{name}")
        benchmark.against(asked.against) if asked.against else benchmark.run()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
