"""Measures turns a second and their latency, through the use case, over one emulated table."""

import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import quantiles

from benchmarks.report import table
from tests.concurrency.deployment import Deployment, Log
from tests.support.crowd import crowd
from tests.support.emulator import emulator, new_table

CLIENTS = (8, 32, 64)
SECONDS = 5.0


def client(deployment: Deployment) -> Callable[[int], list[tuple[float, float]]]:
    """Return what sends turns, one after another, for some seconds: (begin, seconds) of each."""
    environment = deployment.environment()

    def send(n: int) -> list[tuple[float, float]]:
        took: list[tuple[float, float]] = []
        end = time.time() + SECONDS
        while (began := time.time()) < end:
            sent = environment.turn(f"{n}-{len(took)}", f"customer-{n}")
            if sent.status != 200:  # noqa: PLR2004 - answered
                raise RuntimeError(f"a turn was not answered: {sent}")
            took.append((began, time.time() - began))
        return took

    return send


def measure(deployment: Deployment, clients: int) -> list[object]:
    """Let some clients send for some seconds: turns a second, and latencies in milliseconds."""
    turns = [turn for each in crowd(partial(client, deployment), clients) for turn in each]
    begin, end = min(t[0] for t in turns), max(sum(t) for t in turns)
    cuts = quantiles([1_000 * t[1] for t in turns], n=100)
    return [clients, f"{len(turns) / (end - begin):.0f}", *(f"{cuts[p - 1]:.0f}" for p in (50, 95, 99))]


def run() -> None:
    """Print the table."""
    with tempfile.TemporaryDirectory() as folder, emulator(Path(folder) / "emulator") as (endpoint, _):
        deployment = Deployment(new_table(endpoint), Log(Path(folder) / "bills"))
        rows = [measure(deployment, clients) for clients in CLIENTS]
    table(
        "Load: turns of different customers through the use case, 8 processes, a model that answers in no time",
        ["clients", "turns/s", "P50 ms", "P95 ms", "P99 ms"],
        rows,
        note="One emulator serves everybody, so this is a floor and says nothing of DynamoDB; no turn may fail.",
    )
