"""How the command line writes money, moments and other people's text."""

import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from rich.console import Console, RenderableType
from rich.text import Text
from turnkeeper.domain.money import MICRO, format_usd

QUOTED = 160
_ENDLESS = 10_000


def say(what: RenderableType = "", style: str | None = None) -> None:
    """Print to the terminal; text is never read as markup, and lines are not broken where nobody looks at them."""
    text = Text(what, style or "") if isinstance(what, str) else what
    Console(highlight=False, width=None if sys.stdout.isatty() else _ENDLESS).print(text)


def complain(message: str) -> None:
    """Print an error."""
    Console(stderr=True, highlight=False).print(Text(f"turnkeeper: {message}", "red"), soft_wrap=True)


def printable(text: str) -> str:
    """Replace whatever could move a terminal's cursor or hide text, because others wrote it."""
    return "".join(c if c.isprintable() or c == "\n" else "�" for c in text)


def quoted(text: str, most: int = QUOTED) -> str:
    """Show somebody's text on one line, cut where it is longer than `most` characters."""
    line = printable(" ".join(text.split()))
    return f"“{line[:most]}…”" if len(line) > most else f"“{line}”"


def usd(micro: int) -> str:
    """Write micro-dollars."""
    return f"-${format_usd(-micro)}" if micro < 0 else f"${format_usd(micro)}"


def micro(text: str) -> int:
    """Read what the API writes as dollars."""
    return round(float(text) * MICRO)


def moment(seconds: float) -> str:
    """Write a moment in UTC."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S")


def line_of(turn: Mapping[str, Any]) -> str:
    """Say in one line how a turn ended: status, tier, model, cost, time."""
    parts = [turn["status"], turn["tier"], turn["model"], "degraded" if turn["degraded"] else None]
    parts += [turn["reason"], f"${turn['cost_usd']}", f"{turn['latency_ms'] / 1000:.2f} s"]
    return " · ".join(printable(str(part)) for part in parts if part)


def is_terminal() -> bool:
    """Whether a person is typing."""
    return sys.stdin.isatty()
