"""Runs benchmarks: all of them, or those named, as in `python -m benchmarks breakers spend`."""

import importlib
import sys

from benchmarks.report import say

NAMES = ("imports", "turn", "load", "breakers", "spend", "escalation")


def main(names: list[str]) -> int:
    """Run what is named, or everything."""
    unknown = [name for name in names if name not in NAMES]
    if unknown:
        say(f"there is no benchmark {unknown[0]!r}: choose from {', '.join(NAMES)}")
        return 2
    say("Ratios and counts hold anywhere; milliseconds and turns a second are this machine's.")
    for name in names or NAMES:
        importlib.import_module(f"benchmarks.{name}").run()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
