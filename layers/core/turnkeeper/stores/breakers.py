"""Breakers over the table: one item per dependency, shared by the fleet, and hardly written while all is well."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from threading import Lock

from turnkeeper.domain.breaker import Breaker, BreakerPolicy, State, open_seconds, should_trip
from turnkeeper.domain.failures import Failure
from turnkeeper.ports import Attr, Clock, Cond, Item, Key, Refused, Table, Update
from turnkeeper.stores import keys
from turnkeeper.stores.counters import ALERT_AGAIN_S
from turnkeeper.stores.items import BREAKER

_WINDOW_TTL = 600

REPORT_EVERY = 50
"""Calls of one environment in a minute after which it reports them even if none failed."""


class BreakerStore:
    """The fleet's breakers, with this environment's last known state of each and its count of calls."""

    def __init__(self, table: Table, clock: Clock, policy: BreakerPolicy, random: Callable[[], float]) -> None:
        self._table, self._clock, self._policy, self._random = table, clock, policy, random
        self._known: dict[str, Breaker] = {}
        self._calls: dict[str, dict[int, int]] = defaultdict(lambda: defaultdict(int))
        self._lock = Lock()

    def learn(self, breakers: Iterable[Breaker]) -> None:
        """Remember breakers that were just read."""
        with self._lock:
            self._known.update((breaker.dependency, breaker) for breaker in breakers)

    def known(self, dependency: str) -> Breaker:
        """Return the breaker as it was last read; a breaker that was never read is taken for closed."""
        return self._known.get(dependency) or Breaker(dependency)

    def read(self, dependencies: Iterable[str]) -> list[Breaker]:
        """Read the breakers of some dependencies from the table, in the order given."""
        names = list(dependencies)
        breakers = breakers_among(self._table.batch_get([keys.breaker(name) for name in names]), names)
        self.learn(breakers)
        return breakers

    def called(self, dependency: str) -> bool:
        """Count a call in this environment; returns whether it is time to report the count to the fleet."""
        with self._lock:
            counts = self._calls[dependency]
            minute = self._minute()
            counts[minute] += 1
            for old in [m for m in counts if m < minute - 1]:
                del counts[old]
            return counts[minute] >= REPORT_EVERY

    def report(self, dependency: str, generation: int) -> None:
        """Add this environment's counted calls to the fleet's; none of them failed."""
        with self._counted(dependency) as made:
            for minute in list(made):
                self._count(dependency, generation, minute, calls=made[minute], fails=0)
                del made[minute]

    def failed(
        self,
        dependency: str,
        generation: int,
        retry_after_s: float | None = None,
        failure: Failure | None = None,
    ) -> Breaker | None:
        """Report a failure and the calls since the last report; returns the breaker if this failure opened it.

        `retry_after_s` is how long the dependency itself asked to be left alone, in seconds.
        """
        minute = self._minute()
        with self._counted(dependency) as made:
            now = self._count(dependency, generation, minute, calls=made.get(minute, 1), fails=1)
            made.pop(minute, None)
            if minute - 1 in made:
                before = self._count(dependency, generation, minute - 1, calls=made[minute - 1], fails=0)
                del made[minute - 1]
            else:
                before = self._window(dependency, generation, minute - 1)
        fails, calls = now[1] + before[1], now[0] + before[0]
        if not should_trip(fails=fails, calls=calls, policy=self._policy):
            return None
        open_s = self._open_s(0, retry_after_s)
        return self._open(Breaker(dependency, generation=generation).opened(self._clock(), open_s, failure))

    def open(self, dependency: str, generation: int, failure: Failure, said: str) -> Breaker | None:
        """Open a breaker because of one failure that has a rest of its own; None if it is not closed any more.

        A notice of it is due to the owner: from now on the reconciler publishes it, unless it is confirmed before.
        """
        open_s = self._open_s(0, failure=failure)
        return self._open(Breaker(dependency, generation=generation).opened(self._clock(), open_s, failure, said))

    def _open(self, opened: Breaker) -> Breaker | None:
        generation = opened.generation - 1
        closed = Attr("st").eq(State.CLOSED) & Attr("gen").eq(generation)
        return self._move(opened, closed if generation else Attr("pk").absent() | closed, remove=("lease_until",))

    def probe(self, breaker: Breaker, lease_s: float) -> Breaker | None:
        """Try to become the fleet's only prober, for `lease_s` seconds; None if another caller was first."""
        now = self._clock()
        rested = Attr("st").eq(State.OPEN) & Attr("open_until").le(now)
        lapsed = Attr("st").eq(State.HALF_OPEN) & Attr("lease_until").le(now)
        return self._move(breaker.probing(now, lease_s), Attr("gen").eq(breaker.generation) & (rested | lapsed))

    def release(self, probing: Breaker) -> Breaker | None:
        """Let another caller probe at once, because this probe ended without saying anything about the dependency."""
        return self._move(probing.probe_released(), _half_open(probing))

    def close(self, probing: Breaker) -> Breaker | None:
        """Close the breaker after an answered probe; None if the probe's lease ran out and another probe began."""
        with self._lock:
            self._calls.pop(probing.dependency, None)
        return self._move(probing.closed(), _half_open(probing))

    def reopen(
        self, probing: Breaker, retry_after_s: float | None = None, failure: Failure | None = None, said: str = ""
    ) -> Breaker | None:
        """Open the breaker for longer after a failed probe; None if its lease ran out and another probe began."""
        open_s = self._open_s(probing.times_reopened + 1, retry_after_s, failure)
        return self._move(probing.reopened(self._clock(), open_s, failure, said), _half_open(probing))

    def retry(self, dependency: str) -> Breaker:
        """Let the next call of a dependency whose breaker is open probe it; returns the breaker as it is then.

        One that is closed, half-open or rested stays as it is, and so does one that moved in between.
        """
        (breaker,) = self.read([dependency])
        now = self._clock()
        if breaker.state is not State.OPEN or breaker.open_until <= now:
            return breaker
        retried = breaker.retried(now)
        same = Attr("st").eq(State.OPEN) & Attr("gen").eq(breaker.generation)
        fresh = {"open_until": retried.open_until, "changed_at": now}
        try:
            self._table.write(Update(keys.breaker(dependency), set=fresh, when=same))
        except Refused as refusal:
            retried = _breaker(dependency, refusal.olds[0])
        self.learn([retried])
        return retried

    # --- the notice that one failure was enough -----------------------------------------------------------------------

    def begin_notice(self, dependency: str) -> Breaker | None:
        """Take a notice that is due, to publish it again; None if somebody else does, or nothing is to be told."""
        now = self._clock()
        try:
            taken = {"due_at": now + ALERT_AGAIN_S}
            item = self._table.write(Update(keys.breaker(dependency), set=taken, when=Attr("due_at").le(now)))
        except Refused:
            return None
        breaker = _breaker(dependency, item)
        if not breaker.is_told:  # it closed meanwhile
            self.confirm_notice(breaker)
            return None
        return breaker

    def confirm_notice(self, breaker: Breaker) -> None:
        """Record that there is nothing more to tell the owner about this opening of the breaker."""
        key = keys.breaker(breaker.dependency)
        same = Attr("opening").eq(breaker.opening) if breaker.opening else Attr("gen").eq(breaker.generation)
        with suppress(Refused):  # there is news already, with a notice of its own
            self._table.write(Update(key, remove=("due_pk", "due_at"), when=same))

    # --- writes -------------------------------------------------------------------------------------------------------

    def _move(self, to: Breaker, when: Cond, *, remove: tuple[str, ...] = ()) -> Breaker | None:
        state = BREAKER.write(to, without=("dependency",)) | {"changed_at": self._clock()}
        if to.state is State.OPEN and to.is_told:
            state |= {"due_pk": keys.due(to.dependency), "due_at": self._clock() + ALERT_AGAIN_S}
        for name in remove:
            del state[name]
        try:
            self._table.write(Update(keys.breaker(to.dependency), set=state, remove=remove, when=when))
        except Refused as refusal:
            self.learn([_breaker(to.dependency, refusal.olds[0])])
            return None
        self.learn([to])
        return to

    @contextmanager
    def _counted(self, dependency: str) -> Iterator[dict[int, int]]:
        """Take out this environment's counts by minute; what is left in the end, after a failed write, is put back."""
        with self._lock:
            made = dict(self._calls.pop(dependency, {}))
        try:
            yield made
        finally:
            with self._lock:
                for minute, calls in made.items():
                    self._calls[dependency][minute] += calls

    def _count(self, dependency: str, generation: int, minute: int, *, calls: int, fails: int) -> tuple[int, int]:
        key = keys.breaker_window(dependency, generation, minute)
        ttl = {"ttl": (minute + 2) * 60 + _WINDOW_TTL}
        item = self._table.write(Update(key, set=ttl, add={"calls": calls, "fails": fails}))
        return _counts(item)

    def _window(self, dependency: str, generation: int, minute: int) -> tuple[int, int]:
        return _counts(self._table.get(keys.breaker_window(dependency, generation, minute)))

    def _minute(self) -> int:
        return int(self._clock() // 60)

    def _open_s(self, times_reopened: int, retry_after_s: float | None = None, failure: Failure | None = None) -> float:
        return open_seconds(times_reopened, self._policy, self._random(), retry_after_s, failure)


def _counts(item: Item | None) -> tuple[int, int]:
    return (int(item.get("calls", 0)), int(item.get("fails", 0))) if item else (0, 0)


def _half_open(probing: Breaker) -> Cond:
    return Attr("st").eq(State.HALF_OPEN) & Attr("gen").eq(probing.generation)


def breakers_among(items: Mapping[Key, Item], dependencies: Iterable[str]) -> list[Breaker]:
    """Pick breakers out of items that were read together; one that has no item is closed."""
    return [_breaker(dependency, items.get(keys.breaker(dependency))) for dependency in dependencies]


def _breaker(dependency: str, item: Item | None) -> Breaker:
    return BREAKER.read({**item, "dependency": dependency}) if item else Breaker(dependency)
