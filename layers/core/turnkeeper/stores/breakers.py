"""Breakers over the table: one item a dependency, shared by the fleet; the healthy path hardly writes."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from threading import Lock

from turnkeeper.domain import breaker as rules
from turnkeeper.domain.breaker import Breaker, BreakerPolicy, State
from turnkeeper.ports import Attr, Clock, Cond, Item, Key, Refused, Table, Update
from turnkeeper.stores import keys

_WINDOW_TTL = 600

REPORT_EVERY = 50
"""Calls of one environment in a minute, after which it reports them though none failed."""


class BreakerStore:
    """The fleet's breakers, with this environment's last known state of each and its count of calls."""

    def __init__(self, table: Table, clock: Clock, policy: BreakerPolicy, random: Callable[[], float]) -> None:
        self._table, self._clock, self._policy, self._random = table, clock, policy, random
        self._known: dict[str, Breaker] = {}
        self._calls: dict[str, dict[int, int]] = defaultdict(lambda: defaultdict(int))
        self._lock = Lock()

    def learn(self, dependencies: Iterable[str], items: Mapping[Key, Item]) -> None:
        """Take in what a read of the table said of some dependencies; what it did not hold is closed."""
        with self._lock:
            for dependency in dependencies:
                self._known[dependency] = _breaker(dependency, items.get(keys.breaker(dependency)))

    def known(self, dependency: str) -> Breaker:
        """Return the last known state: closed until something else was read."""
        return self._known.get(dependency) or Breaker(dependency)

    def read(self, dependencies: Iterable[str]) -> list[Breaker]:
        """Read some breakers now."""
        names = list(dependencies)
        self.learn(names, self._table.batch_get([keys.breaker(name) for name in names]))
        return [self.known(name) for name in names]

    def called(self, dependency: str) -> bool:
        """Count a call in this environment; says whether it is time to report what was counted."""
        with self._lock:
            counts = self._calls[dependency]
            minute = self._minute()
            counts[minute] += 1
            for old in [m for m in counts if m < minute - 1]:
                del counts[old]
            return counts[minute] >= REPORT_EVERY

    def report(self, dependency: str, gen: int) -> None:
        """Tell the fleet of the good calls made here: so rarely that the healthy path hardly writes."""
        with self._counted(dependency) as made:
            for minute in list(made):
                self._count(dependency, gen, minute, calls=made[minute], fails=0)
                del made[minute]

    def failed(self, dependency: str, gen: int, rest_s: float | None = None) -> Breaker | None:
        """Report a failure, and the calls made since the last report; returns the breaker if this opened it.

        `rest_s` is for how long the dependency itself asked to be left alone.
        """
        minute = self._minute()
        with self._counted(dependency) as made:
            now = self._count(dependency, gen, minute, calls=made.get(minute, 1), fails=1)
            made.pop(minute, None)
            if minute - 1 in made:
                before = self._count(dependency, gen, minute - 1, calls=made[minute - 1], fails=0)
                del made[minute - 1]
            else:
                before = self._window(dependency, gen, minute - 1)
        fails, calls = now[1] + before[1], now[0] + before[0]
        if not rules.should_trip(fails=fails, calls=calls, policy=self._policy):
            return None
        opened = Breaker(dependency, State.OPEN, gen + 1, open_until=self._open_until(0, rest_s))
        when = Attr("pk").absent() | (Attr("st").eq(State.CLOSED) & Attr("gen").eq(gen))
        if gen:
            when = Attr("st").eq(State.CLOSED) & Attr("gen").eq(gen)
        return self._move(opened, when, remove=("lease_until",))

    def probe(self, breaker: Breaker, lease_seconds: float) -> Breaker | None:
        """Try to become the one prober in the fleet; None when another is."""
        now = self._clock()
        rested = Attr("st").eq(State.OPEN) & Attr("open_until").le(now)
        lapsed = Attr("st").eq(State.HALF_OPEN) & Attr("lease_until").le(now)
        probing = replace(breaker, state=State.HALF_OPEN, gen=breaker.gen + 1, lease_until=now + lease_seconds)
        return self._move(probing, Attr("gen").eq(breaker.gen) & (rested | lapsed))

    def release(self, probing: Breaker) -> Breaker | None:
        """Give the probe back: it ended in something that tells nothing of the dependency."""
        return self._move(replace(probing, lease_until=0.0), _half_open(probing))

    def close(self, probing: Breaker) -> Breaker | None:
        """Close after a probe that was answered; None when the probe was overtaken."""
        with self._lock:
            self._calls.pop(probing.dependency, None)
        closed = Breaker(probing.dependency, State.CLOSED, probing.gen + 1)
        return self._move(closed, _half_open(probing))

    def reopen(self, probing: Breaker, rest_s: float | None = None) -> Breaker | None:
        """Stay open, for longer, after a probe that failed; None when the probe was overtaken."""
        reopened = probing.reopened + 1
        until = self._open_until(reopened, rest_s)
        again = Breaker(probing.dependency, State.OPEN, probing.gen + 1, open_until=until, reopened=reopened)
        return self._move(again, _half_open(probing))

    def _move(self, to: Breaker, when: Cond, *, remove: tuple[str, ...] = ()) -> Breaker | None:
        state = {
            "st": to.state,
            "gen": to.gen,
            "open_until": to.open_until,
            "lease_until": to.lease_until,
            "reopened": to.reopened,
            "changed_at": self._clock(),
        }
        for name in remove:
            del state[name]
        try:
            self._table.write(Update(keys.breaker(to.dependency), set=state, remove=remove, when=when))
        except Refused as refusal:
            with self._lock:
                self._known[to.dependency] = _breaker(to.dependency, refusal.olds[0])
            return None
        with self._lock:
            self._known[to.dependency] = to
        return to

    @contextmanager
    def _counted(self, dependency: str) -> Iterator[dict[int, int]]:
        """Take this environment's counts by minute; what is left of them afterwards, as after a failed write, stays."""
        with self._lock:
            made = dict(self._calls.pop(dependency, {}))
        try:
            yield made
        finally:
            with self._lock:
                for minute, calls in made.items():
                    self._calls[dependency][minute] += calls

    def _count(self, dependency: str, gen: int, minute: int, *, calls: int, fails: int) -> tuple[int, int]:
        key = keys.breaker_window(dependency, gen, minute)
        ttl = {"ttl": (minute + 2) * 60 + _WINDOW_TTL}
        item = self._table.write(Update(key, set=ttl, add={"calls": calls, "fails": fails}))
        return _counts(item)

    def _window(self, dependency: str, gen: int, minute: int) -> tuple[int, int]:
        return _counts(self._table.get(keys.breaker_window(dependency, gen, minute)))

    def _minute(self) -> int:
        return int(self._clock() // 60)

    def _open_until(self, reopened: int, rest_s: float | None) -> float:
        return self._clock() + rules.open_seconds(reopened, self._policy, self._random(), rest_s)


def _counts(item: Item | None) -> tuple[int, int]:
    return (int(item.get("calls", 0)), int(item.get("fails", 0))) if item else (0, 0)


def _half_open(probing: Breaker) -> Cond:
    return Attr("st").eq(State.HALF_OPEN) & Attr("gen").eq(probing.gen)


def _breaker(dependency: str, item: Item | None) -> Breaker:
    if item is None:
        return Breaker(dependency)
    return Breaker(
        dependency,
        State(item["st"]),
        int(item["gen"]),
        float(item.get("open_until", 0)),
        float(item.get("lease_until", 0)),
        int(item.get("reopened", 0)),
    )
