"""Plays turns of an agent without a network: the real runtime, with a table in memory and scripted models and services.

`play(agent, fixture)` is a whole test; a `Stage` is for turns that a fixture cannot describe.
"""

import datetime as dt
import itertools
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from turnkeeper.adapters.memory import MemoryTable
from turnkeeper.adapters.memory_telemetry import MemoryTelemetry
from turnkeeper.agent import Agent, Answers, Calls, Dependency, Fails, Fixture, Responds, ToolHttp, ToolResponse
from turnkeeper.domain.chat import Finish, ModelReply, ModelRequest, ToolCall, Usage
from turnkeeper.domain.failures import Failure
from turnkeeper.domain.money import price_from_json
from turnkeeper.domain.tier import MODEL_TIERS, Tier
from turnkeeper.errors import DependencyError, NotFound
from turnkeeper.outside import Outside
from turnkeeper.ports import CallHttp, Json, Published, Subscriptions
from turnkeeper.runtime.turns import NewTurn
from turnkeeper.services import Services
from turnkeeper.settings import Settings

NOON = dt.datetime(2026, 11, 23, 12, tzinfo=dt.UTC)
"""The time at which a stage begins by default."""

CUSTOMER, TENANT = "carla", "shop"

_PRICE = price_from_json({"input": "1", "output": "4"})
_TIERS = {tier.state: tier for tier in MODEL_TIERS}
_NEXT = dict(zip(_TIERS, [*list(_TIERS)[1:], Tier.HUMAN.state], strict=True))


def play(agent: Agent[Any], fixture: Fixture) -> list[dict[str, Any]]:
    """Play a fixture and the turns that follow it, and return them; raises AssertionError if one ends unexpectedly."""
    stage, turns = Stage(agent), list[dict[str, Any]]()
    turn: Fixture | None = fixture
    while turn:
        stage.script(turn.model, turn.services)
        shown = stage.send(turn.says, conversation=turns[0]["conversation_id"] if turns else None)
        actual = {name: shown[name] for name in turn.expect}
        if actual != dict(turn.expect):
            raise AssertionError(f"{turn.says!r}: expected {dict(turn.expect)}, got {actual}; {stage.told()}")
        stage.exhausted()
        turns.append(shown)
        turn = turn.then
    return turns


@dataclass
class Stage:
    """A deployment in memory with one agent.

    `asked` are the requests to models. `requests` are those of tools to services, as (method and path, JSON sent,
    idempotency key).
    """

    agent: Agent[Any]
    now: dt.datetime = NOON
    asked: list[ModelRequest] = field(default_factory=list)
    requests: list[tuple[str, Any, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._time = self.now.timestamp()
        self._keys = itertools.count(1)
        self._model: list[Answers | Calls | Fails] = []
        self._services: dict[str, Any] = {}
        self._unused: set[str] = set()
        self._unscripted: list[str] = []
        self.telemetry = MemoryTelemetry()
        self.services = Services(
            Settings.from_env({"TABLE_NAME": "memory", "ON_CALL_TOPIC_ARN": "on-call", "OWNER_TOPIC_ARN": "owner"}),
            Outside(
                table=MemoryTable(),
                notifier=_Nobody(),
                workflow=_Nobody(),
                queue=_Nobody(),
                dead_letters=_Nobody(),
                callbacks=_Receiver(),
                models=lambda _: _Model(self),
                tools=_Tools(self),
                telemetry=self.telemetry,
                prices={model.id: _PRICE for model in self.agent.models},
                clock=self._clock,
                random=lambda: 0.5,
                agents=self._agent,
                agent_names=lambda: [self.agent.name],
            ),
        )

    def script(self, model: Sequence[Answers | Calls | Fails], services: Mapping[str, Any] | None = None) -> None:
        """Set what the models (in order) and the services (by request, as in a `Fixture`) answer next."""
        self._model, self._services = list(model), dict(services or {})
        self._unused = set(self._services)

    def send(self, message: str, *, customer: str = CUSTOMER, conversation: str | None = None) -> dict[str, Any]:
        """Send a turn, play its escalation until it has ended or waits for a person, and return it as the API shows it.

        Raises AssertionError if a model or a service is asked for something that the script does not answer.
        """
        turns, body = self.services.turns, {"message": message, "customer_id": customer}
        opening = turns.open(
            NewTurn(
                agent=self.agent,
                tenant=TENANT,
                customer=customer,
                path=f"/v1/agents/{self.agent.name}/turns",
                key=str(next(self._keys)),
                body=body | ({"conversation_id": conversation} if conversation else {}),
                remaining_s=28,
            )
        )
        turns.acquire(opening)
        document = turns.run(opening)
        turn_id = opening.turn.turn_id
        if document.status != 200:  # noqa: PLR2004
            self._escalate(turn_id)
        if self._unscripted:
            raise AssertionError(f"a tool asked for {self._unscripted[0]}, which the script does not answer")
        return dict(self.services.lookups.turn(turn_id).view)

    def steps(self, turn_id: str) -> dict[str, str]:
        """Return the journalled state of each side effect of a turn, by the name of its tool."""
        whole = self.services.stores.turns.whole(turn_id)
        return {effect.tool: effect.state.value for effect in whole.effects} if whole else {}

    def exhausted(self) -> None:
        """Raise AssertionError if an answer of the script was not used."""
        if self._model or self._unused:
            left = [*map(repr, self._model), *sorted(self._unused)]
            raise AssertionError(f"in the script, but not used: {', '.join(left)}; {self.told()}")

    def told(self) -> str:
        """Describe what the model last heard and what the tools asked, for the message of a failed test."""
        heard = [m.text for request in self.asked[-1:] for m in request.messages if m.role != "assistant"]
        return f"the model last heard {heard[1:]}, the tools asked {[what for what, *_ in self.requests]}"

    # --- what the runtime meets ---------------------------------------------------------------------------------------

    def complete(self, request: ModelRequest) -> ModelReply:
        """Answer a model call with the next entry of the script."""
        self.asked.append(request)
        self._time += 0.5
        if not self._model:
            raise AssertionError(f"the script has no more answers, but {request.model} is asked again; {self.told()}")
        return _reply(self._model.pop(0), len(self.asked))

    def respond(self, what: str, sent: Any, key: str) -> ToolResponse:
        """Answer a tool's request (`what` is its method and path) from the script."""
        self.requests.append((what, sent, key))
        if what not in self._services:
            self._unscripted.append(what)
            raise DependencyError(Failure.BAD_REQUEST, what, sent=False)
        self._unused.discard(what)
        answer = self._services[what]
        return _Response(answer.status, answer.body) if isinstance(answer, Responds) else _Response(200, answer)

    def _clock(self) -> float:
        self._time += 0.000_001
        return self._time

    def _agent(self, name: str) -> Agent[Any]:
        if name != self.agent.name:
            raise NotFound(f"there is no agent {name!r}")
        return self.agent

    def _escalate(self, turn_id: str) -> None:
        tiers = self.services.tiers
        state = tiers.route(turn_id, 1)
        while state in _TIERS:
            accepted = tiers.attempt(turn_id, 1, _TIERS[state], 28) == "accepted"
            state = "Conclude" if accepted else _NEXT[state]
        if state == "Conclude":
            tiers.conclude(turn_id, 1)
        else:
            tiers.hand_off(turn_id, 1, "token", 0)


def _reply(entry: Answers | Calls | Fails, number: int) -> ModelReply:
    usage = Usage(100, 20)
    match entry:
        case Fails(how):
            raise DependencyError(Failure(how), "scripted")
        case Calls():
            call = ToolCall(f"call_{number}", entry.tool, json.dumps(entry.arguments))
            return ModelReply("", (call,), Finish.TOOL_CALLS, usage)
        case Answers(reply, output, confidence):
            text = json.dumps({"reply": reply, "confidence": confidence, "output": output})
            return ModelReply(text, (), Finish.STOP, usage)


@dataclass(frozen=True)
class _Model:
    stage: Stage

    def complete(self, request: ModelRequest, *, timeout_s: float) -> ModelReply:  # noqa: ARG002
        return self.stage.complete(request)


@dataclass(frozen=True)
class _Response:
    status: int
    body: Any
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def text(self) -> str:
        return self.body if isinstance(self.body, str) else json.dumps(self.body)

    def json(self) -> Any:
        return json.loads(json.dumps(self.body))


@dataclass
class _Http(ToolHttp):
    stage: Stage
    key: str
    changed: bool = False
    answered: bool = True

    def request(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,  # noqa: ARG002 - the signature is that of the real one
        body: Any = None,
    ) -> ToolResponse:
        self.changed = self.changed or method not in ("GET", "HEAD", "OPTIONS")
        sent = dict(params or {}) if body is None else json.loads(json.dumps(body))
        return self.stage.respond(f"{method} {path}", sent, self.key)


@dataclass(frozen=True)
class _Tools:
    stage: Stage

    def http(
        self,
        dependency: Dependency | None,  # noqa: ARG002
        *,
        timeout_s: float,  # noqa: ARG002
        idempotency_key: str,
        admits: Callable[[], bool],  # noqa: ARG002
    ) -> CallHttp:
        return _Http(self.stage, idempotency_key)

    def within(self, seconds: float, call: Callable[[], Any]) -> Any:  # noqa: ARG002
        return call()


class _Nobody:
    """Accepts pages, messages and executions, and does nothing: the stage itself plays the executions."""

    def send(self, message: Json) -> None: ...

    def publish(self, topic: str, message: Published) -> str:  # noqa: ARG002
        return "1"

    def subscriptions(self, topic: str) -> Subscriptions:  # noqa: ARG002
        return Subscriptions(confirmed=1)

    def start(self, name: str, payload: Json) -> bool:  # noqa: ARG002
        return True

    def task_succeeded(self, token: str, payload: Json) -> None: ...


class _Receiver:
    """Accepts callbacks."""

    def send(self, url: str, *, tenant: str, message_id: str, timestamp: int, body: str, timeout_s: float) -> int:  # noqa: ARG002
        return 204
