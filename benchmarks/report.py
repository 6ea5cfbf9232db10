"""Prints results as aligned tables that need no colour."""

import sys
from collections.abc import Sequence


def say(line: str = "") -> None:
    """Print a line at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def table(title: str, head: Sequence[str], rows: Sequence[Sequence[object]], *, note: str = "") -> None:
    """Print a table: the first column is text, the others are figures."""
    cells = [list(head), *([str(cell) for cell in row] for row in rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(head))]
    say()
    say(title)
    for row in cells:
        first, *others = (
            cell.ljust(width) if n == 0 else cell.rjust(width)
            for n, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        say("  " + "   ".join([first, *others]).rstrip())
        if row is cells[0]:
            say("  " + "-" * (sum(widths) + 3 * (len(widths) - 1)))
    if note:
        say(f"  {note}")
