"""Plays every conversation of the data set in each mode: `python -m tests.conversations [SEED]`."""

import os
import sys
import time
from typing import Any

from turnkeeper.domain.tier import Tier

from benchmarks.report import say, table
from infra.local import sgd
from tests.conversations.play import MODES, Count, Mode, play

_HEAD = ("mode", "turns", *(tier.value for tier in Tier), "no answer", "not ended", "killed", "deaths", "as annotated")
_HEAD += ("booked", "twice")
_KEYS = {"AWS_ACCESS_KEY_ID": "local", "AWS_SECRET_ACCESS_KEY": "local", "AWS_DEFAULT_REGION": "eu-central-1"}


def main(arguments: list[str]) -> int:
    """Print the table; 1 where a turn did not end or something was booked twice, 2 where there is nothing to play."""
    dialogues = sgd.load()
    if not dialogues:
        say("The conversations were not played: the data set is not at hand (set SGD_DATA to sgd_appointments.jsonl).")
        return 2
    seed = int(arguments[0]) if arguments else 7
    os.environ |= _KEYS
    began, counts = time.monotonic(), {}
    for mode in MODES:
        counts[mode] = play(dialogues, mode, seed)
        say(f"{mode.name}: {time.monotonic() - began:.0f} s")
    table(
        f"{len(dialogues)} conversations with the booking agent, seed {seed}",
        _HEAD,
        [_row(mode, count) for mode, count in counts.items()],
        note="Turns by what answered them. Killed: turns in which a process died at least once; deaths: all of them. "
        "As annotated: conversations whose last booking is the data set's (none where it has none).",
    )
    for mode, count in counts.items():
        _tell(mode.name, "turns that did not end", count.open)
        _tell(mode.name, "booked twice", count.doubled)
        _tell(mode.name, "conversations not as annotated", count.differing)
    return 0 if all(count.kept for count in counts.values()) else 1


def _row(mode: Mode, count: Count) -> list[object]:
    ended = [count.tiers[tier.value] for tier in Tier]
    others = [len(count.unanswered), len(count.open), count.killed, count.deaths.total()]
    return [mode.name, count.turns, *ended, *others, count.as_annotated, count.bookings, len(count.doubled)]


def _tell(mode: str, what: str, found: list[Any]) -> None:
    if found:
        say(f"{mode}: {what}: {', '.join(map(str, found))}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
