"""What the local cloud says to a terminal: coloured only where it is one."""

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

_CODES = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33", "blue": "34", "cyan": "36"}
STEP_WIDTH = 44


def paint(text: str, *styles: str) -> str:
    """Colour a text, on a terminal that wants it."""
    if not sys.stdout.isatty() or os.environ.get("NO_COLOR"):
        return text
    return f"\033[{';'.join(_CODES[s] for s in styles)}m{text}\033[0m"


def say(text: str = "") -> None:
    """Print a line at once."""
    print(text, flush=True)


@contextmanager
def step(what: str) -> Iterator[None]:
    """Show a step while it is taken, and how long it took."""
    began = time.monotonic()
    if sys.stdout.isatty():
        print(f"  {paint('·', 'dim')} {what}", end="\r", flush=True)
    try:
        yield
    except BaseException:
        say(f"  {paint('✗', 'red')} {what:<{STEP_WIDTH}}")
        raise
    took = paint(f"{time.monotonic() - began:5.1f} s", "dim")
    say(f"  {paint('✓', 'green')} {what:<{STEP_WIDTH}} {took}")
