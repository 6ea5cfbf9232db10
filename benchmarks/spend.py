"""Compares how far a burst passes a spending limit: the usual guard (read, compare, call, add) and ours."""

import tempfile
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.report import table
from tests.concurrency.deployment import CALL, PRICES, Deployment, Log, usd
from tests.concurrency.test_spend import sending
from tests.support.crowd import crowd
from tests.support.emulator import emulator, new_table
from tests.support.usual_guard import UsualGuard

TURNS, ROOM = 200, 10
LATENCY_S = 0.05


@dataclass(frozen=True)
class Case:
    """Two models: what a call of each costs, in calls of the usual price, and how it behaves."""

    costs: tuple[int, int] = (1, 1)
    modes: Mapping[str, str] = field(default_factory=dict)
    limit: int = ROOM
    """In calls of the usual price."""


CASES = {
    "every call costs its estimate": Case(),
    "the first model fails over to one 10 times dearer": Case((1, 10), {"first": "error"}, 10 * ROOM),
    "a free model fails over to a paid one": Case((0, 1), {"first": "error"}),
    "billed, but no answer came": Case(modes={"first": "timeout", "second": "timeout"}),
}


def usual(case: Case) -> tuple[int, float]:
    """Send the burst to the usual guard: (turns admitted, what was billed in limits)."""
    guard = UsualGuard(case.limit, lambda: time.sleep(LATENCY_S))
    modes = {n: case.modes[model] for n, model in enumerate(("first", "second")) if model in case.modes}
    with ThreadPoolExecutor(TURNS) as threads:
        admitted = sum(threads.map(lambda _: guard.turn(case.costs, modes), range(TURNS)))
    return admitted, guard.billed / case.limit


def ours(case: Case, endpoint: str, log: Path) -> tuple[int, float]:
    """Send the burst to several processes of ours: (turns with a bill, what was billed in limits)."""
    log.unlink(missing_ok=True)
    prices: dict[str, Any] = dict(PRICES)
    for model, cost in zip(("openai:first", "anthropic:second"), case.costs, strict=True):
        prices[model] = {"input": "0", "output": str(4 * cost)}
    deployment = Deployment(
        new_table(endpoint),
        Log(log),
        env={"limits.customer_day_usd": usd(case.limit)},
        modes=case.modes,
        prices=prices,
    )
    sent = crowd(partial(sending, deployment), TURNS)
    admitted = sum(status in (200, 202) for status, _ in sent)
    return admitted, deployment.log.billed / (case.limit * CALL)


def run() -> None:
    """Print the table."""
    rows = []
    with tempfile.TemporaryDirectory() as folder, emulator(Path(folder) / "emulator") as (endpoint, _):
        for name, case in CASES.items():
            theirs, held = usual(case), ours(case, endpoint, Path(folder) / "bills")
            rows.append([name, theirs[0], f"{theirs[1]:.1f} x", held[0], f"{held[1]:.1f} x"])
    table(
        f"What the provider billed, in limits: {TURNS} turns at once, room for {ROOM}",
        ["case", "usual: admitted", "billed", "ours: admitted", "billed"],
        rows,
        note="Ours runs in 8 processes over an emulated DynamoDB. An admitted turn whose fallback does not fit "
        "any more costs nothing further: a person answers it.",
    )
