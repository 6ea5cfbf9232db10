"""A whole deployment in memory: the real use cases over a memory table, scripted models, and a clock that is moved."""

import itertools
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import uuid4

from pydantic import BaseModel
from turnkeeper import Agent, Alternative, Model
from turnkeeper.adapters.memory import MemoryTable
from turnkeeper.adapters.memory_telemetry import MemoryTelemetry
from turnkeeper.agent import Dependency, Endpoint, ToolHttp, ToolResponse
from turnkeeper.api.app import Handler, api
from turnkeeper.api.operators import router as operators_router
from turnkeeper.api.turns import router as turns_router
from turnkeeper.domain.chat import Finish, ModelReply, ModelRequest, ToolCall, Usage
from turnkeeper.domain.failures import Failure
from turnkeeper.domain.money import price_from_json
from turnkeeper.domain.spend import Counter, utc_day
from turnkeeper.domain.stage import Stage, StageSettings, Target
from turnkeeper.domain.stage_file import settings_from_json
from turnkeeper.domain.tier import Tier
from turnkeeper.errors import DependencyError, NotFound, WorkflowUnavailable
from turnkeeper.outside import Outside
from turnkeeper.ports import CallHttp, Json, ModelClient, Published, Subscriptions, Table, ToolTransport
from turnkeeper.runtime.current_stage import KnownStage
from turnkeeper.runtime.reconcile import Tally
from turnkeeper.services import Services
from turnkeeper.settings import Settings

START = 1_795_000_000.0
"""A moment in November 2026."""

TENANT = "tenant-a"


class Colour(BaseModel):
    """A tiny output."""

    colour: str


def model(name: str) -> Model:
    """A model that does not think, so that no room for it is reserved."""
    return Model(name, max_latency_ms=4_000, effort="none")


def paint(**changes: Any) -> Agent[Any]:
    """Return an agent with a chain of two models and an alternative, changed as asked."""
    wanted: dict[str, Any] = {
        "name": "paint",
        "instructions": "Say the colour.",
        "output": Colour,
        "chain": [model("openai:first"), model("anthropic:second")],
        "alternative": Alternative("Say it simply.", [model("openai:third")]),
    }
    return Agent(**{**wanted, **changes})


USAGE = Usage(100, 20)


def answer(colour: str = "red", *, confidence: float = 0.95, usage: Usage | None = USAGE) -> ModelReply:
    """A valid answer of the paint agent."""
    text = json.dumps({"reply": f"It is {colour}.", "confidence": confidence, "output": {"colour": colour}})
    return ModelReply(text, (), Finish.STOP, usage)


def prose() -> ModelReply:
    """An answer that is not JSON."""
    return ModelReply("It is red, I think.", (), Finish.STOP, Usage(100, 10))


def tool_call(name: str, **arguments: Any) -> ModelReply:
    """A wish to call a tool."""
    call = ToolCall(f"call_{name}", name, json.dumps(arguments))
    return ModelReply("", (call,), Finish.TOOL_CALLS, Usage(100, 10))


Scripted = ModelReply | Exception | Callable[[ModelRequest], ModelReply]


@dataclass
class Models:
    """Scripted models: each plays its list, and repeats the last entry for ever."""

    clock: "Clock"
    script: dict[str, list[Scripted]] = field(default_factory=dict)
    calls: list[tuple[str, ModelRequest]] = field(default_factory=list)
    timeouts: list[float] = field(default_factory=list)
    seconds: float = 0.5
    asked_at: list[Endpoint] = field(default_factory=list)

    def __call__(self, endpoint: Endpoint) -> "Models":
        self.asked_at.append(endpoint)
        return self

    def complete(self, request: ModelRequest, *, timeout_s: float) -> ModelReply:
        """Play the model that is asked."""
        self.calls.append((request.model, request))
        self.timeouts.append(timeout_s)
        entries = self.script.setdefault(request.model, [answer()])
        entry = entries.pop(0) if len(entries) > 1 else entries[0]
        failed = isinstance(entry, DependencyError) and entry.failure is Failure.TIMEOUT
        self.clock.now += timeout_s if failed else self.seconds
        if isinstance(entry, Exception):
            raise entry
        return entry(request) if callable(entry) else entry

    def names(self) -> list[str]:
        """The models that were called, in order."""
        return [name for name, _ in self.calls]


@dataclass
class Clock:
    """A clock that is moved by hand, and moves a little each time it is read."""

    now: float = START

    def __call__(self) -> float:
        self.now += 0.000_001
        return self.now

    def sleep(self, seconds: float) -> None:
        """Let time pass, at once."""
        self.now += seconds


@dataclass
class Topics:
    """Topics that keep what was published; publishing fails while they are `down`, and to a topic that is `dead`."""

    published: list[tuple[str, Published]] = field(default_factory=list)
    down: bool = False
    dead: set[str] = field(default_factory=set)
    subscribed: dict[str, Subscriptions] = field(default_factory=dict)

    def publish(self, topic: str, message: Published) -> str:
        """Keep a message."""
        if self.down or topic in self.dead:
            raise DependencyError(Failure.SERVER_ERROR, "topic")
        self.published.append((topic, message))
        return str(len(self.published))

    def subscriptions(self, topic: str) -> Subscriptions:
        """One person confirmed, unless a test says otherwise."""
        if self.down:
            raise DependencyError(Failure.SERVER_ERROR, "topic")
        return self.subscribed.get(topic, Subscriptions(confirmed=1))


@dataclass
class Machine:
    """A state machine that remembers what it was asked; `step` plays an execution's next task."""

    running: dict[str, Json] = field(default_factory=dict)
    closed: set[str] = field(default_factory=set)
    succeeded: list[str] = field(default_factory=list)
    down: bool = False

    def start(self, name: str, payload: Json) -> bool:
        """Start an execution, unless its name was used."""
        if self.down:
            raise WorkflowUnavailable("down")
        if name in self.closed:
            return False
        self.running.setdefault(name, payload)
        return True

    def task_succeeded(self, token: str, payload: Json) -> None:
        """Remember an ended task."""
        self.succeeded.append(token)

    def close(self, name: str) -> None:
        """Close an execution, which ended by itself or was aborted."""
        if self.running.pop(name, None):
            self.closed.add(name)


@dataclass
class Queue:
    """A queue that keeps what was put into it; `down` makes that fail."""

    messages: list[Json] = field(default_factory=list)
    down: bool = False

    def send(self, message: Json) -> None:
        """Keep a message."""
        if self.down:
            raise DependencyError(Failure.CONNECTION, "queue")
        self.messages.append(message)


@dataclass
class Receivers:
    """Receivers of callbacks: each delivery gets the next of `answers`, and then the last one for ever."""

    answers: list[int | BaseException] = field(default_factory=lambda: [204])
    sent: list[dict[str, Any]] = field(default_factory=list)

    def send(self, url: str, *, tenant: str, message_id: str, timestamp: int, body: str, timeout_s: float) -> int:
        """Take a message."""
        self.sent.append({"url": url, "tenant": tenant, "id": message_id, "at": timestamp, "body": body})
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, BaseException):
            raise answer
        return answer


@dataclass(frozen=True)
class Taken:
    """The answer of a service that accepts everything."""

    status: int = 200
    text: str = "{}"
    headers: Mapping[str, str] = field(default_factory=dict)

    def json(self) -> Any:
        """Nothing more."""
        return {}


@dataclass
class Http(ToolHttp):
    """HTTP to a service that accepts everything; where the answer matters, a test's tool returns it without HTTP."""

    changed: bool = False
    answered: bool = True
    admits: Callable[[], bool] = lambda: True

    def request(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        body: Any = None,
    ) -> ToolResponse:
        """Take a request, if it is admitted."""
        if not self.admits():
            raise DependencyError(Failure.THROTTLED_HERE, "too many requests a minute", sent=self.changed)
        self.changed = self.changed or method != "GET"
        return Taken()


class Tools:
    """Tools' HTTP."""

    def http(
        self, dependency: Dependency | None, *, timeout_s: float, idempotency_key: str, admits: Callable[[], bool]
    ) -> CallHttp:
        """HTTP of one call."""
        return Http(admits=admits)

    def within(self, seconds: float, call: Callable[[], Any]) -> Any:
        """Call at once."""
        return call()


@dataclass
class Telemetry(MemoryTelemetry):
    """Memory telemetry with the rest of what the API needs: a fault of ours fails the test, unless it is expected."""

    expected: type[Exception] | None = None

    def fault(self, message: str, error: Exception) -> None:
        """Take notice of a fault."""
        super().fault(message, error)
        if not self.expected or not isinstance(error, self.expected):
            raise error

    def flush(self) -> None:
        """Nothing to write."""


@dataclass
class Context:
    """A Lambda context."""

    remaining_ms: int = 28_000
    function_name: str = "turns"
    memory_limit_in_mb: int = 512
    invoked_function_arn: str = "arn"
    aws_request_id: str = "request"

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds left of the invocation."""
        return self.remaining_ms


PRICES = {
    "openai:first": {"input": "1", "output": "4"},
    "anthropic:second": {"input": "2", "output": "8"},
    "openai:third": {"input": "1", "output": "4"},
}

ENV = {"TABLE_NAME": "table", "ON_CALL_TOPIC_ARN": "on-call", "OWNER_TOPIC_ARN": "owner", "turns.per_minute": 6000}
"""Variables of the functions, in capitals, and settings of the stage, such as `limits.task_usd`."""


def stage_of(given: Mapping[str, Any]) -> StageSettings:
    """The settings of a stage, by dotted names; they hold until another version is applied."""
    data: dict[str, Any] = {}
    for name, value in given.items():
        section, _, setting = name.partition(".")
        data[section] = {**data.get(section, {}), setting: value} if setting else value
    return settings_from_json(json.dumps(data))


TIERS = {
    "FirstAttempt": Tier.FIRST_ATTEMPT,
    "RetryWithCorrection": Tier.CORRECTED_RETRY,
    "AlternativePath": Tier.ALTERNATIVE_PATH,
}
FOLLOWING = {
    "FirstAttempt": "RetryWithCorrection",
    "RetryWithCorrection": "AlternativePath",
    "AlternativePath": "HandOffToHuman",
}


class World:
    """A deployment. Requests go through the real API handlers; `env` changes its settings.

    Its models are scripted, unless `asks` returns the client of each endpoint.
    """

    def __init__(
        self,
        *agents: Agent[Any],
        env: Mapping[str, Any] | None = None,
        table: Table | None = None,
        clock: Clock | None = None,
        prices: Mapping[str, Any] | None = None,
        asks: Callable[[Endpoint], ModelClient] | None = None,
    ) -> None:
        self.clock = clock or Clock()
        self.models = Models(self.clock)
        self.asks = asks
        self.topics, self.machine, self.telemetry = Topics(), Machine(), Telemetry()
        self.queue, self.dead_letters, self.receivers = Queue(), Queue(), Receivers()
        self.tools: ToolTransport = Tools()
        self.table = table or MemoryTable()
        self.agents = {a.name: a for a in agents or (paint(),)}
        self.keys = (f"key-{n}" for n in itertools.count(1))
        self.prices = {m: price_from_json(p) for m, p in (PRICES if prices is None else prices).items()}
        given = {**ENV, **(env or {})}
        self.settings = Settings.from_env({name: value for name, value in given.items() if name.isupper()})
        self.stage = stage_of({name: value for name, value in given.items() if not name.isupper()})
        self.chance: Callable[[], float] = lambda: 0.5
        self.new_id: Callable[[], str] = lambda: uuid4().hex
        self.services = self.restart()

    def restart(self) -> Services:
        """Begin a new execution environment over the same table."""
        adapters = Outside(
            table=self.table,
            notifier=self.topics,
            workflow=self.machine,
            queue=self.queue,
            dead_letters=self.dead_letters,
            callbacks=self.receivers,
            models=self.asks or self.models,
            tools=self.tools,
            telemetry=self.telemetry,
            prices=self.prices,
            clock=self.clock,
            random=self.chance,
            sleep=self.clock.sleep,
            new_id=self.new_id,
            agents=self.agent,
            agent_names=lambda: list(self.agents),
        )
        known = KnownStage()
        known.stage, known.read_at = Stage(self.stage), 0.0
        self.services = Services(self.settings, adapters, known)
        return self.services

    def stop(self, target: Target) -> None:
        """Stop something, as an operator does."""
        self.services.stores.stage.change(lambda v: v.stopping(target, reason="", by="olga", at=self.clock.now))

    def resume(self, target: Target) -> None:
        """Resume what was stopped."""
        self.services.stores.stage.change(lambda v: v.resuming(target, by="olga", at=self.clock.now))

    def limit(self, **micro_usd: int | None) -> None:
        """Change the stage's spending limits, such as `stack_day_micro_usd`; None switches one off."""
        self.stage = replace(self.stage, limits=replace(self.stage.limits, **micro_usd))  # type: ignore[arg-type]
        self.restart()

    def agent(self, name: str) -> Agent[Any]:
        """Find an agent."""
        if name not in self.agents:
            raise NotFound(f"there is no agent {name!r}")
        return self.agents[name]

    # --- requests -----------------------------------------------------------------------------------------------------

    def send(
        self,
        message: str = "Which colour?",
        *,
        key: str | None = None,
        agent: str | None = None,
        who: Mapping[str, str] | None = None,
        headers: Mapping[str, str | list[str]] | None = None,
        context: Context | None = None,
        **body: Any,
    ) -> "Answer":
        """POST a turn."""
        agent = agent or next(iter(self.agents))
        sent = {"Idempotency-Key": key or next(self.keys), **(headers or {})}
        body = {"message": message, **body}
        return self.request("POST", f"/v1/agents/{agent}/turns", body=body, who=who, headers=sent, context=context)

    def get(self, path: str, who: Mapping[str, str] | None = None, **query: str) -> "Answer":
        """GET something."""
        return self.request("GET", path, who=who, query=query)

    def post(self, path: str, body: Any, who: Mapping[str, str] | None = None) -> "Answer":
        """POST something."""
        return self.request("POST", path, body=body, who=who)

    def request(
        self,
        method: str,
        path: str,
        *,
        body: Any = None,
        who: Mapping[str, str] | None = None,
        headers: Mapping[str, str | list[str]] | None = None,
        query: Mapping[str, str] | None = None,
        context: Context | None = None,
    ) -> "Answer":
        """Send a request through the handler that API Gateway would call."""
        operators = path.startswith(("/v1/escalations", "/v1/health")) or path.endswith("/stop")
        handler = _OPERATORS if operators else _TURNS
        sent = {"content-type": "application/json", **(headers or {})}
        fields = {name: [value] if isinstance(value, str) else value for name, value in sent.items()}
        event = {
            "path": path,
            "httpMethod": method,
            "headers": {name: values[-1] for name, values in fields.items()},
            "multiValueHeaders": fields,
            "queryStringParameters": dict(query) if query else None,
            "multiValueQueryStringParameters": {k: [v] for k, v in query.items()} if query else None,
            "body": body if isinstance(body, str) or body is None else json.dumps(body),
            "isBase64Encoded": False,
            "requestContext": {
                "authorizer": {"claims": dict(customer() if who is None else who)},
                "requestId": "request",
                "domainName": "api.example",
                "path": f"/prod{path}",
            },
        }
        _CURRENT[0] = self
        answer = Answer.of(handler(event, context or Context()))
        for look in LOOKS:
            look(method, path, answer.status, answer.headers, answer.text)
        return answer

    # --- what happens without a request -------------------------------------------------------------------------------

    def later(self, seconds: float) -> None:
        """Let time pass."""
        self.clock.now += seconds

    def reconcile(self) -> Tally:
        """Run the reconciler, as the schedule does every minute."""
        return self.services.reconciler.run(self.clock() + 55)

    def deliver(self) -> None:
        """Deliver every queued callback, as the queue's function does."""
        while self.queue.messages:
            self.services.callbacks.deliver(self.queue.messages.pop(0)["turn_id"])

    def tier(self, turn_id: str, tier: Tier, n: int = 1) -> str:
        """Run one tier, as the state machine does."""
        return self.services.tiers.attempt(turn_id, n, tier, 28).value

    def escalate(self, turn_id: str, n: int = 1, token: str = "token") -> None:
        """Hand an escalated turn to people, as the state machine does."""
        self.services.tiers.hand_off(turn_id, n, token, 0)

    def play(self, turn_id: str, n: int = 1) -> str:
        """Play an execution until it has ended (returns the turn's status) or waits for a person."""
        state = self.services.tiers.route(turn_id, n)
        for name, tier in TIERS.items():
            if state == name:
                accepted = self.tier(turn_id, tier, n) == "accepted"
                state = "Conclude" if accepted else FOLLOWING[name]
        if state == "HandOffToHuman":
            self.escalate(turn_id, n, f"token-{n}")
            return "waiting"
        return self.services.tiers.conclude(turn_id, n).value

    def awaiting(self, *, key: str | None = None, **body: Any) -> str:
        """Send a turn that no model can answer, and hand it to people: returns its id."""
        self.fail_all()
        turn: str = self.send(key=key, **body).json["turn_id"]
        self.play(turn)
        self.models.script.clear()
        return turn

    def fail_all(self, failure: Failure = Failure.SERVER_ERROR) -> None:
        """Let every model fail from now on."""
        self.models.script = {name: list(failing(failure)) for name in ("first", "second", "third")}

    def claim(self, turn_id: str, who: Mapping[str, str] | None = None) -> int:
        """Claim an escalation: returns the claim's version."""
        version: int = self.post(f"/v1/escalations/{turn_id}/claim", {}, who or operator()).json["version"]
        return version

    def spent(self, name: str = "carla") -> Counter:
        """What a customer spent today."""
        return self.services.stores.spend.of_day(TENANT, name, utc_day(self.clock.now))


LOOKS: list[Callable[[str, str, int, Mapping[str, str], str], None]] = []
"""Called with every request's method and path, and its answer's status, headers and text."""

_CURRENT: list[World] = []
_CURRENT.append(None)  # type: ignore[arg-type]


def _services() -> Services:
    return _CURRENT[0].services


_TURNS: Handler = api(turns_router, services=_services)
_OPERATORS: Handler = api(operators_router, services=_services)


@dataclass(frozen=True)
class Answer:
    """An HTTP answer."""

    status: int
    text: str
    headers: Mapping[str, str]

    @classmethod
    def of(cls, raw: Json) -> "Answer":
        """Read what a handler returned."""
        headers = {k.lower(): v[0] for k, v in raw["multiValueHeaders"].items()}
        return cls(raw["statusCode"], raw["body"], headers)

    @property
    def json(self) -> Any:
        """The body."""
        return json.loads(self.text)

    @property
    def code(self) -> str:
        """The code of a problem."""
        return str(self.json["type"]).removeprefix("urn:turnkeeper:error:")


def customer(name: str = "carla", tenant: str = TENANT) -> dict[str, str]:
    """A customer's claims."""
    return {"sub": name, "username": name, "cognito:groups": f"tenant.{tenant}", "token_use": "access"}


def operator(name: str = "otto", tenant: str = TENANT) -> dict[str, str]:
    """An operator's claims."""
    return {**customer(name, tenant), "cognito:groups": f"tenant.{tenant},operators"}


def service(tenant: str = TENANT) -> dict[str, str]:
    """A service's claims."""
    return {"sub": tenant, "client_id": tenant, "scope": "turnkeeper/turns", "token_use": "access"}


def failing(failure: Failure = Failure.SERVER_ERROR, *, sent: bool = True) -> Sequence[Scripted]:
    """A model that always fails in one way."""
    return [DependencyError(failure, sent=sent)]
