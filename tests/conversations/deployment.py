"""The booking agent's deployment in memory, with its models and tools in process, which may die at any moment."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any, TypeVar

from agents.booking import agent as booking
from turnkeeper.adapters.memory import MemoryTable
from turnkeeper.agent import Dependency, ToolHttp
from turnkeeper.domain.chat import ModelReply, ModelRequest
from turnkeeper.errors import TurnkeeperError
from turnkeeper.ports import CallHttp, Json, Key, ModelClient, Published
from turnkeeper.services import Services

from infra.local.http_service import App
from tests.local.chats import InProcessHttp, client
from tests.simulation.deployment import Inline
from tests.support.tables import Killed, WatchedTable
from tests.support.world import FOLLOWING, TIERS, Clock, Machine, Tools, Topics, World, operator

T = TypeVar("T")

ENV = {"limits.customer_day_usd": "1000", "limits.task_usd": "100"}
PRICES = {model.id: {"input": "1", "output": "4"} for model in booking.models}
LEASE_OVER_S = 70.0
"""More than any lease lasts: who comes after it takes over."""

_EFFECT = 10.0
"""How much oftener than elsewhere a process dies beside an effect: few turns have one."""

_PATIENCE = 20
"""How often a client sends a turn, and a minute passes for it, before it counts as one that did not end."""

_RETRIES = 6
"""Of a task, as the state machine has them."""


@dataclass
class Deaths:
    """Kills the process at a share of its moments: before and after each call of the table, a model, a tool, a service.

    `at` counts the deaths, by what ran (POST, a state's name, reconcile) and what it was about to do or had just done.
    """

    random: Random
    often: float
    within: str = ""
    at: Counter[tuple[str, str]] = field(default_factory=Counter)

    def moment(self, what: str, weight: float = 1.0) -> None:
        """Die, perhaps, where an invocation of ours runs."""
        if self.within and self.often and self.random.random() < self.often * weight:
            self.at[self.within, what] += 1
            raise Killed

    def around(self, what: str, call: Callable[[], T], weight: float = 1.0) -> T:
        """Call something that may die just before it and just after it."""
        self.moment(f"before {what}", weight)
        result = call()
        self.moment(f"after {what}", weight)
        return result


@dataclass
class _Model:
    inner: ModelClient
    clock: Clock
    deaths: Deaths
    invalid: Callable[[], bool]

    def complete(self, request: ModelRequest, *, timeout_s: float) -> ModelReply:
        reply = self.deaths.around("model", lambda: self.inner.complete(request, timeout_s=timeout_s))
        self.clock.now += 0.3
        return reply if reply.tool_calls or not self.invalid() else replace(reply, text='{"answer": 42}')


@dataclass
class _DyingHttp(ToolHttp):
    inner: InProcessHttp
    deaths: Deaths
    changed: bool = False
    answered: bool = True

    def request(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        body: Any = None,
    ) -> Any:
        what, weight = ("tool", 1.0) if method == "GET" else ("effect", _EFFECT)
        self.changed = self.changed or method != "GET"
        return self.deaths.around(what, lambda: self.inner.request(method, path, params=params, body=body), weight)


@dataclass
class _Tools(Tools):
    app: App
    deaths: Deaths

    def http(
        self, dependency: Dependency | None, *, timeout_s: float, idempotency_key: str, admits: Callable[[], bool]
    ) -> CallHttp:
        return _DyingHttp(InProcessHttp(self.app, idempotency_key), self.deaths)


@dataclass
class _Topics(Topics):
    deaths: Deaths = field(default_factory=lambda: Deaths(Random(0), 0))

    def publish(self, topic: str, message: Published) -> str:
        return self.deaths.around("page", lambda: super(_Topics, self).publish(topic, message))


@dataclass
class _Machine(Machine):
    deaths: Deaths = field(default_factory=lambda: Deaths(Random(0), 0))

    def start(self, name: str, payload: Json) -> bool:
        return self.deaths.around("start", lambda: super(_Machine, self).start(name, payload))


class Deployment(World):
    """A world of the booking agent: `invalid` is asked whether a model's next answer breaks the schema."""

    def __init__(self, models_url: str, tools: App, deaths: Deaths, invalid: Callable[[], bool]) -> None:
        self.deaths = deaths
        table = WatchedTable(MemoryTable(), self._before, self._after)
        super().__init__(booking, env=ENV, table=table, prices=PRICES)
        clock = self.clock
        self.asks = lambda endpoint: _Model(client(endpoint.name, models_url), clock, deaths, invalid)
        self.tools = _Tools(tools, deaths)
        self.topics, self.machine = _Topics(deaths=deaths), _Machine(deaths=deaths)
        self.restart()

    def _before(self, name: str, _: Sequence[Key]) -> None:
        self.deaths.moment(f"before {name}")

    def _after(self, name: str, _: Sequence[Key]) -> None:
        self.deaths.moment(f"after {name}")

    def restart(self) -> Services:
        """Restart after a death; reads are made in order: a seed decides everything."""
        services = super().restart()
        services.opener._executor = Inline()
        return services

    def mortal(self, within: str, work: Callable[[], T]) -> T:
        """Do one invocation's work, in which the process may die."""
        self.deaths.within = within
        try:
            return work()
        except Killed:
            self.restart()
            raise
        finally:
            self.deaths.within = ""

    # --- a turn -------------------------------------------------------------------------------------------------------

    def say(self, text: str, key: str, who: Mapping[str, str], *, later: bool, **body: Any) -> Json:
        """Send a turn as often as it takes, carry it to its end, and return it as its customer sees it."""
        headers = {"Prefer": "respond-async"} if later else {}
        accepted = self._until_accepted(lambda: self.send(text, key=key, who=who, headers=headers, **body))
        return self._until_ended(accepted["turn_id"], who)

    def _until_accepted(self, post: Callable[[], Any]) -> Json:
        for _ in range(_PATIENCE):
            try:
                answer = self.mortal("POST", post)
            except Killed:
                self.later(LEASE_OVER_S)
                continue
            if answer.status in {200, 202}:
                accepted: Json = answer.json
                return accepted
            self.later(LEASE_OVER_S)
        raise AssertionError(f"never accepted: {answer.text}")

    def _until_ended(self, turn_id: str, who: Mapping[str, str]) -> Json:
        for _ in range(_PATIENCE):
            for name, started in list(self.machine.running.items()):
                if self._execute(started["turn_id"], started["n"]):
                    self.machine.close(name)
            turn: Json = self.get(f"/v1/turns/{turn_id}", who).json
            if turn["status"] in {"completed", "expired", "failed"}:
                return turn
            if turn["status"] == "awaiting_human":
                self._answer(turn_id)
            else:
                self.later(LEASE_OVER_S)
                self._reconcile()
        return turn

    def _answer(self, turn_id: str) -> None:
        body = {"version": self.claim(turn_id), "reply": "This is Sam from the desk: I see to it."}
        assert self.post(f"/v1/escalations/{turn_id}/answer", body, operator()).status == 200

    def _reconcile(self) -> None:
        try:
            self.mortal("reconcile", self.reconcile)
        except Killed:
            self.later(1)

    # --- the state machine --------------------------------------------------------------------------------------------

    def _execute(self, turn_id: str, n: int) -> bool:
        """Play an execution until it has ended (True) or waits for a person."""
        state = self._task("Route", "Failed", lambda: self.services.tiers.route(turn_id, n))
        for name, tier in TIERS.items():
            if state == name:
                outcome = self._task(name, "failed", lambda tier=tier: self.tier(turn_id, tier, n))  # type: ignore[misc]
                state = "Conclude" if outcome == "accepted" else FOLLOWING[name]
        if state == "HandOffToHuman":
            self._task(state, None, lambda: self.escalate(turn_id, n, f"{turn_id}-{n}"))
            return f"{turn_id}-{n}" in self.machine.succeeded
        if state == "Conclude":
            self._task(state, None, lambda: self.services.tiers.conclude(turn_id, n))
        return True

    def _task(self, state: str, caught: T, work: Callable[[], T]) -> T:
        """Run one task, as often as the state machine does; `caught` is what follows when that was not enough."""
        for _ in range(1 + _RETRIES):
            try:
                return self.mortal(state, work)
            except (Killed, TurnkeeperError):
                self.later(LEASE_OVER_S / _RETRIES)
        return caught
