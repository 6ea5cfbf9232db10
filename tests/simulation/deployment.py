"""A deployment in which anything may die or fail at any write; a seed decides what does, and repeats it."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count
from random import Random
from typing import Any, TypeVar

from turnkeeper.adapters.memory import MemoryTable
from turnkeeper.agent import Agent, Model, ToolContext, ToolError, tool
from turnkeeper.domain.chat import Finish, ModelReply, ModelRequest, Usage
from turnkeeper.domain.failures import CONSEQUENCES, Billed, Failure
from turnkeeper.errors import DependencyError, StoreUnavailable, TurnkeeperError, WorkflowUnavailable
from turnkeeper.ports import Json, Key, Published
from turnkeeper.services import Services

from tests.support.tables import Killed, WatchedTable
from tests.support.world import (
    FOLLOWING,
    TIERS,
    Answer,
    Clock,
    Machine,
    Models,
    Queue,
    Receivers,
    Topics,
    World,
    answer,
    operator,
    paint,
    prose,
    tool_call,
)

T = TypeVar("T")
ANSWER_BY = 1_800
ENV = {
    "ANSWER_BY_SECONDS": str(ANSWER_BY),
    "limits.customer_day_usd": "0.05",
    "limits.task_usd": "0.02",
    "BREAKER_FAILURE_THRESHOLD": "2",
    "BREAKER_RECOVERY_SECONDS": "60",
    "PAGE_SECONDS": "300",
    "CLAIM_SECONDS": "600",
    "SECOND_LEVEL_TOPIC_ARN": "second-level",
    "hosts.callbacks": {"*": ["hooks.example"]},
}
HOOK = "https://hooks.example/turns"
_RETRIES = 3
_OURS = (Failure.BREAKER_OPEN, Failure.THROTTLED_HERE, Failure.OVER_LIMIT)
_FAILURES = [f for f in Failure if CONSEQUENCES[f].next_model and f not in _OURS]


@dataclass
class Faults:
    """Decides what goes wrong, and how often; nothing does while `quiet`."""

    random: Random
    often: float
    quiet: bool = False

    def strikes(self, weight: float = 1.0) -> bool:
        """Decide whether a fault happens now; one with half the weight happens half as often."""
        return not self.quiet and self.random.random() < self.often * weight

    def store(self, name: str, _: Sequence[Key]) -> None:
        """Kill the process, or lose the call or its answer; reads fail less often."""
        if self.strikes(1.0 if name in {"write", "transact"} else 0.2):
            raise Killed if self.random.random() < 0.6 else StoreUnavailable("fault")


class Inline(Executor):
    """An executor that runs each call at once, in this thread, so that the order depends on the seed alone."""

    def submit(self, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> "Future[T]":
        """Call now."""
        future: Future[T] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:  # noqa: BLE001 - it is raised where the result is asked for
            future.set_exception(error)
        return future


@dataclass
class Providers(Models):
    """Models that answer, fail, refuse or die, and a ledger of what they bill."""

    faults: Faults = field(default_factory=lambda: Faults(Random(0), 0))
    tooled: bool = False
    billed: int = 0
    meanwhile: Callable[[], None] = print

    def complete(self, request: ModelRequest, *, timeout_s: float) -> ModelReply:
        """Play one of the ways in which a call can end."""
        random = self.faults.random
        if self.faults.strikes(2):
            self.meanwhile()
        self.clock.now += random.uniform(0.1, 3)
        rate = 2 if request.model == "second" else 1
        usage = Usage(random.randint(50, 400), random.randint(5, 60))
        cost = usage.input_tokens * rate + usage.output_tokens * 4 * rate
        if self.faults.strikes():
            self.billed += cost  # the provider went on after our process had died
            raise Killed
        if self.faults.strikes(4):
            failure = random.choice(_FAILURES)
            if CONSEQUENCES[failure].billed is Billed.MAYBE and random.random() < 0.5:
                self.billed += cost
            raise DependencyError(failure)
        self.billed += cost
        return self._reply(request, usage)

    def _reply(self, request: ModelRequest, usage: Usage) -> ModelReply:
        random = self.faults.random
        asked = request.messages[-1].role == "user"
        if self.tooled and asked and random.random() < 0.7:
            wish = tool_call("book", slot=random.choice(["nine", "ten"]))
            return ModelReply("", wish.tool_calls, Finish.TOOL_CALLS, usage)
        confidence = random.choice([0.95, 0.75, 0.4])
        kinds = [
            answer(confidence=confidence, usage=usage),
            answer(confidence=confidence, usage=usage),
            ModelReply(prose().text, (), Finish.STOP, usage),
            ModelReply("No.", (), Finish.REFUSAL, usage),
        ]
        return random.choice(kinds)


@dataclass
class Bookings:
    """The service behind a tool with effects: `made` are the bookings that it really made, by key; `slots`, by turn."""

    faults: Faults
    honours_keys: bool
    made: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    slots: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))

    def tool(self) -> Any:
        """Return the tool."""

        @tool(side_effect=True, honours_keys=self.honours_keys)
        def book(context: ToolContext, slot: str) -> dict[str, str]:
            """Book a slot."""
            return self.book(context.idempotency_key, context.turn_id, slot)

        return book

    def book(self, key: str, turn_id: str, slot: str) -> dict[str, str]:
        """Book, unless the key was used before; the caller may die, or get no answer, before or after that."""
        if self.faults.strikes():
            raise Killed
        if self.faults.strikes():
            raise DependencyError(Failure.CONNECTION, sent=False)
        if self.faults.strikes():
            raise ToolError("taken")
        if not (self.honours_keys and self.made[key]):
            self.made[key] += 1
        self.slots[turn_id].add(slot)
        if self.faults.strikes():
            raise Killed
        if self.faults.strikes():
            raise DependencyError(Failure.TIMEOUT)
        return {"booked": slot}


@dataclass
class FlakyTopics(Topics):
    """Topics that fail, or lose the answer, or whose caller dies."""

    faults: Faults = field(default_factory=lambda: Faults(Random(0), 0))

    def publish(self, topic: str, message: Published) -> str:
        """Publish, perhaps."""
        if self.faults.strikes(3):
            raise DependencyError(Failure.SERVER_ERROR)
        published = super().publish(topic, message)
        if self.faults.strikes():
            raise Killed
        return published


@dataclass
class FlakyQueue(Queue):
    """A queue that fails, or whose caller dies."""

    faults: Faults = field(default_factory=lambda: Faults(Random(0), 0))

    def send(self, message: Json) -> None:
        """Take a message, perhaps."""
        if self.faults.strikes(3):
            raise DependencyError(Failure.CONNECTION)
        super().send(message)
        if self.faults.strikes():
            raise Killed


@dataclass
class FlakyReceivers(Receivers):
    """Receivers that fail, lose the answer, or whose caller dies."""

    faults: Faults = field(default_factory=lambda: Faults(Random(0), 0))

    def send(self, url: str, **message: Any) -> int:
        """Take a message, perhaps."""
        if self.faults.strikes(3):
            raise DependencyError(self.faults.random.choice([Failure.CONNECTION, Failure.TIMEOUT]))
        status = super().send(url, **message)
        if self.faults.strikes():
            raise Killed
        return 503 if self.faults.strikes(3) else status


@dataclass
class Execution:
    """Where one execution of the state machine stands."""

    turn_id: str
    n: int
    state: str = "Route"
    tries: int = 0
    token: str = ""
    waits: bool = False
    busy: bool = False


@dataclass
class FlakyMachine(Machine):
    """A state machine whose API fails, or whose caller dies; its executions are real ones."""

    faults: Faults = field(default_factory=lambda: Faults(Random(0), 0))
    executions: dict[str, Execution] = field(default_factory=dict)

    def start(self, name: str, payload: Json) -> bool:
        """Start, perhaps."""
        if self.faults.strikes(3):
            raise WorkflowUnavailable("fault")
        started = super().start(name, payload)
        if started:
            self.executions.setdefault(name, Execution(payload["turn_id"], payload["n"]))
        if self.faults.strikes():
            raise Killed
        return started

    def task_succeeded(self, token: str, payload: Json) -> None:
        """End a waiting task, perhaps."""
        if self.faults.strikes(3):
            raise WorkflowUnavailable("fault")
        for execution in self.executions.values():
            if execution.token == token:
                execution.waits, execution.state, execution.token = False, "Conclude", ""

    def close(self, name: str) -> None:
        """An execution came to its end."""
        self.executions.pop(name, None)
        super().close(name)


class Deployment(World):
    """A world in which everything may fail, with a client, a schedule, a state machine and an operator."""

    models: Providers
    machine: FlakyMachine

    def __init__(self, seed: int, often: float) -> None:
        self.random = Random(seed)
        self.faults = Faults(self.random, often)
        self.bookings = Bookings(self.faults, honours_keys=self.random.random() < 0.5)
        self.tooled = self.random.random() < 0.4
        self.memory = MemoryTable()
        super().__init__(self._agent(), env=ENV, table=WatchedTable(self.memory, self.faults.store, self.faults.store))
        clock: Clock = self.clock
        self.models = Providers(clock, faults=self.faults, tooled=self.tooled, meanwhile=self.meanwhile)
        self.topics, self.machine = FlakyTopics(faults=self.faults), FlakyMachine(faults=self.faults)
        if self.random.random() < 0.2:
            self.topics.dead = {"on-call"}  # for good
        self.queue, self.dead_letters = FlakyQueue(faults=self.faults), FlakyQueue(faults=self.faults)
        self.receivers = FlakyReceivers(self.random.choice([[204], [204], [500]]), faults=self.faults)
        self.body: dict[str, Any] = self.random.choice([{}, {"callback_url": HOOK}])
        self.new_id = (f"run{n}" for n in count()).__next__
        self.retries: list[Callable[[], None]] = []
        self.answers: dict[str, set[str]] = defaultdict(set)
        self.said: dict[str, set[str]] = defaultdict(set)
        self.restart()

    def _agent(self) -> Agent[Any]:
        tools = [self.bookings.tool()] if self.tooled else []
        chain = [Model("openai:first", 4_000), Model("anthropic:second", 4_000)]
        return paint(chain=chain, tools=tools, cache_seconds=self.random.choice([0, 600]))

    def restart(self) -> Services:
        """Restart after a death."""
        services = super().restart()
        services.opener._executor = Inline()
        return services

    def survive(self, work: Callable[[], T]) -> T | None:
        """Do the work of one invocation; if it dies, the next one starts in another environment."""
        try:
            return work()
        except Killed:
            self.restart()
            return None

    # --- those who act ------------------------------------------------------------------------------------------------

    def client(self, key: str, **body: Any) -> None:
        """Send a turn, or send it again."""
        self.retries = [*self.retries[-2:], lambda: self.client(key, **body)]
        sent = self.survive(lambda: self.send(key=key, **self.body, **body))
        if sent and sent.status in {200, 202}:
            self.answers[key].add(sent.text)

    def schedule(self) -> None:
        """Run the reconciler; a run that fails is only late."""
        with suppress(StoreUnavailable):
            self.survive(self.reconcile)

    def deliver(self) -> None:
        """Deliver what is queued; if the deliverer dies, the reconciler queues the message again from the outbox."""
        deliver = super().deliver
        with suppress(StoreUnavailable):
            self.survive(deliver)

    def meanwhile(self) -> None:
        """Freeze a process while others work; then it continues, although its lease has ended and it counts as dead."""
        self.clock.now += self.random.choice([5, 40, 100])
        for _ in range(2):
            self.random.choice([self.schedule, self.work, self.operate, *self.retries])()

    def work(self) -> None:
        """Move every execution on by one task; some are aborted."""
        for name, execution in list(self.machine.executions.items()):
            if self.faults.strikes(0.5):
                self.machine.close(name)
            elif not (execution.waits or execution.busy):
                execution.busy = True
                self._task(name, execution)
                execution.busy = False

    def operate(self) -> None:
        """Let an operator claim, answer, release or stop something."""
        who = operator(self.random.choice(["otto", "olga"]))
        listed = self.survive(lambda: self.get("/v1/escalations", who))
        waiting = listed.json["escalations"] if listed and listed.status == 200 else []
        if not waiting:
            return
        turn = self.random.choice(waiting)["turn_id"]
        version = self.random.choice(waiting)["version"]
        if self.random.random() < 0.1:
            self.survive(lambda: self.request("POST", f"/v1/turns/{turn}/stop", who=who))
            return
        claimed = self.survive(lambda: self.post(f"/v1/escalations/{turn}/claim", {}, who))
        if claimed and claimed.status == 200:
            version = claimed.json["version"]
        if self.random.random() < 0.1 and version:
            self.survive(lambda: self.post(f"/v1/escalations/{turn}/release", {"version": version}, who))
        for _ in range(self.random.choice([0, 1, 17])):
            self.clock.now += 60
            self.schedule()
            self.work()
        reply = f"by {who['sub']} {self.random.random()}"
        for _ in range(self.random.choice([1, 1, 2])):
            body = {"version": max(1, version), "reply": reply}
            answered = self.survive(lambda body=body: self.post(f"/v1/escalations/{turn}/answer", body, who))  # type: ignore[misc]
            self._note(turn, reply, answered)

    def _note(self, turn: str, reply: str, answered: Answer | None) -> None:
        if answered and answered.status == 200:
            self.said[turn].add(reply)

    def _task(self, name: str, execution: Execution) -> None:
        try:
            following = self._play(execution)
        except (TurnkeeperError, Killed) as error:
            if isinstance(error, Killed):
                self.restart()
            execution.tries += 1
            if execution.tries <= _RETRIES:
                return
            following = {"HandOffToHuman": "Conclude", "Conclude": "End"}.get(execution.state, "HandOffToHuman")
        if execution.waits or execution.state == "Conclude" != following == "Conclude":
            return
        execution.state, execution.tries = following, 0
        if following == "End":
            self.machine.close(name)

    def _play(self, execution: Execution) -> str:
        turn, n, state = execution.turn_id, execution.n, execution.state
        if state == "Route":
            return self.services.tiers.route(turn, n)
        if state in TIERS:
            return "Conclude" if self.tier(turn, TIERS[state], n) == "accepted" else FOLLOWING[state]
        if state == "HandOffToHuman":
            execution.token, execution.waits = f"{turn}-{n}-{execution.tries}", True
            try:
                self.services.tiers.hand_off(turn, n, execution.token, execution.tries)
            except BaseException:
                execution.waits = False
                raise
            return "Conclude"
        self.services.tiers.conclude(turn, n)
        return "End"
