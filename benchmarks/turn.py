"""Counts the AWS calls of a turn and how many follow one another, and measures the time that our own code takes."""

import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.against import checkout, compare
from benchmarks.report import table
from tests.support.emulator import emulator, new_table
from tests.support.world import World, prose

REPEATS = 30


CPU = """
import sys, time
from tests.support.emulator import new_table
from tests.support.world import World
kind, endpoint = sys.argv[1:]
world = World(table=new_table(endpoint).open(), env={"turns.per_minute": 6000000, "turns.burst": 1000000})
began = world.send(key="replayed").json["conversation_id"]
bodies = {"answered at once": {}, "in a conversation": {"conversation_id": began}, "replayed": {"key": "replayed"}}
took = []
for _ in range(60):
    before = time.process_time()
    world.send(**bodies[kind])
    took.append(time.process_time() - before)
print(1_000 * sum(took[10:]) / 50)
"""
"""A turn's mean, of 50 after 10 that load and fill what is kept; both trees have what it imports."""


class Calls:
    """The AWS calls that a client makes: names, and the times between which each was under way."""

    def __init__(self, client: Any) -> None:
        self.made: list[tuple[float, float, str]] = []
        client.meta.events.register("before-call.dynamodb", self._begin)
        client.meta.events.register("after-call.dynamodb", self._end)

    def _begin(self, context: dict[str, Any], **_: Any) -> None:
        context["began"] = time.perf_counter()

    def _end(self, context: dict[str, Any], model: Any, **_: Any) -> None:
        self.made.append((context["began"], time.perf_counter(), model.name))

    @property
    def serial(self) -> int:
        """Return the length of the longest chain of calls in which each began after the one before had ended."""
        chain, free = 0, 0.0
        for began, ended, _ in sorted(self.made, key=lambda call: call[1]):
            if began >= free:
                chain, free = chain + 1, ended
        return chain

    @property
    def waited(self) -> float:
        """Return the seconds during which at least one call was under way."""
        total, until = 0.0, 0.0
        for began, ended, _ in sorted(self.made):
            total += max(0.0, ended - max(began, until))
            until = max(until, ended)
        return total


def measure(calls: Calls, send: Callable[[], object]) -> list[object]:
    """Repeat a request: calls, serial calls, milliseconds in all, and those of them that are not AWS's."""
    found = []
    for _ in range(REPEATS):
        calls.made.clear()
        began = time.perf_counter()
        send()
        total = time.perf_counter() - began
        found.append((len(calls.made), calls.serial, total * 1_000, (total - calls.waited) * 1_000))
    counts = sorted({f[0] for f in found}), sorted({f[1] for f in found})
    return [
        *("/".join(map(str, count)) for count in counts),
        f"{median(f[2] for f in found):.1f}",
        f"{median(f[3] for f in found):.1f}",
    ]


def against(ref: str) -> None:
    """Print the CPU time of a turn, beside that of another commit."""
    with (
        tempfile.TemporaryDirectory() as folder,
        emulator(Path(folder) / "emulator") as (endpoint, _),
        checkout(ref) as tree,
    ):
        kinds = ("answered at once", "in a conversation", "replayed")
        compare("A turn through the API handler", ref, tree, CPU, [(kind, endpoint) for kind in kinds])


def run() -> None:
    """Print the table."""
    with tempfile.TemporaryDirectory() as folder, emulator(Path(folder) / "emulator") as (endpoint, _):
        cloud = new_table(endpoint)
        opened = cloud.open()
        calls = Calls(opened._client)  # noqa: SLF001 - the client is watched from outside
        world = World(table=opened, env={"turns.per_minute": 6000000, "turns.burst": 1000000})
        poor = World(table=opened, env={"limits.customer_day_usd": "0.000001"})
        began: str = world.send(key="first").json["conversation_id"]
        world.send(key="replayed")
        rows = [
            ["answered at once", *measure(calls, world.send)],
            ["in a conversation", *measure(calls, lambda: world.send(conversation_id=began))],
            ["replayed", *measure(calls, lambda: world.send(key="replayed"))],
            ["refused: over the limit (402)", *measure(calls, lambda: poor.send(key="poor"))],
            ["re-asked once", *measure(calls, lambda: _reasked(world))],
        ]
    table(
        f"A turn through the API handler, with a model that answers in no time (median of {REPEATS})",
        ["turn", "AWS calls", "in series", "ms", "ms ours"],
        rows,
        note="Calls hold anywhere; on AWS each in series costs one round trip to DynamoDB. `ms ours` is without them.",
    )


def _reasked(world: World) -> None:
    world.models.script["first"] = [prose(), world.models.script["first"][-1]]
    world.send()
