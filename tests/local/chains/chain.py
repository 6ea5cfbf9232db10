"""What these tests share: whole turns of the real runtime, whose models are the strict double behind real sockets."""

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

from pydantic import BaseModel, Field
from turnkeeper import Agent, Alternative, Model, ToolContext, tool
from turnkeeper.adapters.models import model_clients
from turnkeeper.adapters.secrets import Secrets
from turnkeeper.agent import Dependency, Endpoint
from turnkeeper.ports import CallHttp, ModelClient

from infra.local.http_service import App, Request, Response
from infra.local.model_provider import generic
from infra.local.model_provider.annotated import Annotations
from infra.local.model_provider.app import Provider
from infra.local.model_provider.brain import Brain
from infra.local.model_provider.chat import Asked, Reply
from tests.contract.models.official import CHECK_REQUEST
from tests.local.chats import InProcessHttp
from tests.support.world import Clock, Tools, World

Json = dict[str, Any]

PATHS: Mapping[str, str] = {
    "openai": "/v1",
    "anthropic": "",
    "bedrock": "",
    "azure": "/azure/openai/v1",
    "gemini": "/gemini/v1beta/openai",
    "groq": "/groq/openai/v1",
    "openrouter": "/openrouter/api/v1",
    "mistral": "/mistral/v1",
    "deepseek": "/deepseek",
    "xai": "/xai/v1",
    "together": "/together/v1",
    "vllm": "/vllm/v1",
    "ollama": "/ollama/v1",
    "litellm": "/litellm/v1",
}
"""Where the double plays each endpoint."""

_SECRETS = Secrets({f"{name.upper()}_API_KEY": "local" for name in PATHS})
_WIRES = {"/responses": "responses", "/chat/completions": "chat", "/messages": "anthropic", "/converse": "bedrock"}
_OPAQUE = ("encrypted_content", "signature", "thought_signature", "data", "reasoning_content", "thinking")
_BESIDE_THE_SDK = {"reasoning_content", "reasoning_details", "extra_content", "reasoning"}
"""What compatible servers take, and OpenAI's own SDK has no types for."""

PRICE = {"input": "1", "output": "4", "cache_read": "0.1", "cache_write": "1.25"}

Step = Sequence[tuple[str, Mapping[str, Any]]]
Rewrite = Callable[[str, Json], Json]


@dataclass(frozen=True)
class Script(Brain):
    """A model that makes one step of calls after the other, saying `beside` with each, and then answers."""

    steps: Sequence[Step]
    beside: str = ""

    def reply(self, asked: Asked) -> Reply:
        """Return the next step of calls, or the answer."""
        made = len(asked.results)
        for step in self.steps:
            if made < len(step):
                return Reply(self.beside, tuple(step))
            made -= len(step)
        return generic.reply(replace(asked, tools={}))


@dataclass(frozen=True)
class Exchange:
    """One request of the product and its answer: `wire` is its protocol."""

    wire: str
    model: str
    body: Json
    answer: Json


@dataclass
class Double:
    """The strict double as an app; it notes what it is sent.

    `after` makes a model fail in some modes once it has answered so many times. `rewrite` changes the answers of a
    wire.
    """

    clock: Clock = field(default_factory=Clock)
    brain: Brain = field(default_factory=lambda: Brain(Annotations()))
    exchanges: list[Exchange] = field(default_factory=list)
    after: dict[str, tuple[int, list[Json]]] = field(default_factory=dict)
    rewrite: Rewrite | None = None

    def __post_init__(self) -> None:
        self._provider = Provider(self.brain, self.clock)

    def reset(self, brain: Brain | None = None) -> None:
        """Forget everything, and answer by another brain."""
        self.clock, self.brain = Clock(), brain or Brain(Annotations())
        self.exchanges, self.after, self.rewrite = [], {}, None
        self._provider = Provider(self.brain, self.clock)

    def __call__(self, request: Request) -> Response:
        """Answer a request as the provider does."""
        wire = next((wire for end, wire in _WIRES.items() if request.path.endswith(end)), None)
        if wire is None:
            return self._provider(request)
        response = self._provider(request)
        call = self.calls()[-1]
        body = json.loads(request.body)
        answer = json.loads(response.body) if response.body.startswith(b"{") else {}
        if self.rewrite and response.status == 200:
            answer = self.rewrite(wire, answer)
            response = replace(response, body=json.dumps(answer).encode())
        self.exchanges.append(Exchange(wire, call["model"], body, answer))
        times, modes = self.after.get(call["model"], (0, []))
        if times == len(self.of(call["model"])):
            self.plays(*({"model": call["model"], **mode} for mode in modes))
        return response

    def plays(self, *rules: Json) -> None:
        """Make models fail from now on."""
        answer = self._provider(Request("PUT", "/_faults", {}, {}, json.dumps(rules).encode()))
        assert answer.status == 200, answer.body

    def calls(self) -> list[Json]:
        """Every call, as `GET /_calls` lists them."""
        found: list[Json] = json.loads(self._provider(Request("GET", "/_calls", {}, {}, b"")).body)
        return found

    def refused(self) -> list[Json]:
        """The calls that a rule refused."""
        return [call for call in self.calls() if call["mode"] == "refused"]

    def unofficial(self) -> list[str]:
        """What was sent and is no request of the official SDK of its provider."""
        return [wrong for exchange in self.exchanges if (wrong := _wrong(exchange))]

    def of(self, model: str) -> list[Exchange]:
        """What was sent to a model."""
        return [exchange for exchange in self.exchanges if exchange.model == model]


def _wrong(exchange: Exchange) -> str:
    try:
        CHECK_REQUEST[exchange.wire](_typed(exchange.body) if exchange.wire == "chat" else exchange.body)
    except (ValueError, AssertionError) as error:
        return f"{exchange.model}: {error}"
    return ""


def _typed(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _typed(inner) for name, inner in value.items() if name not in _BESIDE_THE_SDK}
    return list(map(_typed, value)) if isinstance(value, list) else value


def thoughts(value: Any) -> set[str]:
    """What was thought in an answer, in whatever field: texts, signatures, and what is encrypted."""
    if isinstance(value, list):
        return set().union(*map(thoughts, value))
    if not isinstance(value, dict):
        return set()
    here = {inner for name, inner in value.items() if name in _OPAQUE and isinstance(inner, str) and inner}
    return here.union(*map(thoughts, value.values()))


def endpoints(url: str) -> dict[str, Any]:
    """The stage's settings that point every endpoint at the double."""
    return {f"endpoints.{name}": {"url": url + path} for name, path in PATHS.items()}


@cache
def clients() -> Callable[[Endpoint], ModelClient]:
    """Return the real clients of all endpoints; they are kept, with their connections."""
    return model_clients(_SECRETS, lambda: ("127.0.0.1",))


# --- an agent ---------------------------------------------------------------------------------------------------------


class Found(BaseModel):
    """What the desk found."""

    topic: str | None = Field(None, description="The topic that was found.")
    sure: bool = False


@dataclass
class Made:
    """How often each tool was called."""

    calls: Counter[str] = field(default_factory=Counter)


MADE = Made()


@tool
def find(context: ToolContext, query: str) -> dict[str, str]:
    """Find what is written down about something."""
    MADE.calls[f"find {query}"] += 1
    return {"text": f"Of {query}: it is on the second floor, and open until six."}


@tool(side_effect=True)
def note_down(context: ToolContext, text: str, urgent: bool | None = None) -> dict[str, str]:
    """Note something down for a colleague."""
    MADE.calls[f"note {text}"] += 1
    return {"note_id": "n-1"}


def desk(*chain: Model, **changes: Any) -> Agent[Any]:
    """An agent with two tools and an output."""
    wanted: dict[str, Any] = {
        "name": "desk",
        "instructions": "Help the visitors of the library.",
        "output": Found,
        "output_required": False,
        "tools": [find, note_down],
        "accept_at": 0.5,
        "alternative_at": 0.5,
        "chain": list(chain),
        "alternative": Alternative("Help them.", list(chain)),
    }
    return Agent(**{**wanted, **changes})


@dataclass
class ToolsAt(Tools):
    """Tools' HTTP to an app without a socket."""

    app: App

    def http(
        self, dependency: Dependency | None, *, timeout_s: float, idempotency_key: str, admits: Callable[[], bool]
    ) -> CallHttp:
        """HTTP of one call."""
        return _Http(self.app, idempotency_key)


@dataclass(frozen=True)
class _Http(InProcessHttp):
    changed: bool = False
    answered: bool = True


class Deployment(World):
    """A deployment of agents whose models are at the double."""

    def __init__(
        self,
        double: Double,
        url: str,
        *agents: Agent[Any],
        tools: App | None = None,
        prices: Mapping[str, Any] | None = None,
        **env: Any,
    ) -> None:
        MADE.calls.clear()
        self.double = double
        models = {model.id: PRICE for agent in agents for model in agent.models}
        settings = {"hosts.private": ["127.0.0.1"], "limits.customer_day_usd": "1000", "limits.task_usd": "100"}
        super().__init__(
            *agents,
            env={**settings, **endpoints(url), **env},
            clock=double.clock,
            prices=models if prices is None else prices,
            asks=clients(),
        )
        if tools:
            self.tools = ToolsAt(tools)
            self.restart()

    def says(self, text: str, **body: Any) -> Json:
        """Send a turn, and carry it to its end, or to a person; returns it as its customer sees it."""
        sent = self.send(text, **body)
        assert sent.status in (200, 202), sent.text
        if sent.status == 202:
            self.play(sent.json["turn_id"])
            sent = self.get(f"/v1/turns/{sent.json['turn_id']}", body.get("who"))
        turn: Json = sent.json
        return turn
