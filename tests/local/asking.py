"""The model provider without a socket: what is asked, and what it answers."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from infra.local.http_service import Request
from infra.local.model_provider.annotated import Annotations
from infra.local.model_provider.app import Provider
from infra.local.model_provider.brain import Brain
from tests.local.chats import NOW
from tests.local.rules.provider import ANSWER, QUERY

Json = dict[str, Any]

PATHS = {
    "openai": "/v1/chat/completions",
    "azure": "/azure/openai/v1/chat/completions",
    "gemini": "/gemini/v1beta/openai/chat/completions",
    "groq": "/groq/openai/v1/chat/completions",
    "mistral": "/mistral/v1/chat/completions",
    "deepseek": "/deepseek/chat/completions",
    "xai": "/xai/v1/chat/completions",
    "openrouter": "/openrouter/api/v1/chat/completions",
    "together": "/together/v1/chat/completions",
    "vllm": "/vllm/v1/chat/completions",
    "ollama": "/ollama/v1/chat/completions",
    "litellm": "/litellm/v1/chat/completions",
    "portkey": "/portkey/v1/chat/completions",
}
"""Where each server answers chat completions."""

RESPONSES = "/v1/responses"
BEARER = {"authorization": "Bearer key-of-ann"}
SAYS = "How long does shipping take?"
CHAT_TOOL: Json = {
    "type": "function",
    "function": {"name": "search", "description": "Search.", "parameters": QUERY, "strict": True},
}
TOOL: Json = {"type": "function", "name": "search", "description": "Search.", "parameters": QUERY, "strict": True}
CHAT_FORM: Json = {"type": "json_schema", "json_schema": {"name": "answer", "strict": True, "schema": ANSWER}}
FORM: Json = {"format": {"type": "json_schema", "name": "answer", "strict": True, "schema": ANSWER}}


def chat(**changes: Any) -> Json:
    """A request for a chat completion; a field that is None is left out."""
    body = {
        "model": "gpt-6-luna",
        "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": SAYS}],
        **changes,
    }
    return {name: value for name, value in body.items() if value is not None}


def response(**changes: Any) -> Json:
    """A request for a response; a field that is None is left out."""
    body = {
        "model": "gpt-6-luna",
        "instructions": "Be brief.",
        "input": [{"role": "user", "content": SAYS}],
        "store": False,
        **changes,
    }
    return {name: value for name, value in body.items() if value is not None}


@dataclass
class Clock:
    """Seconds that a test moves."""

    now: float = NOW

    def __call__(self) -> float:
        return self.now


@dataclass
class Double:
    """The model provider, and what came of each request."""

    clock: Clock = field(default_factory=Clock)

    def __post_init__(self) -> None:
        self._provider = Provider(Brain(Annotations()), self.clock)

    def post(self, path: str, body: Json, headers: Mapping[str, str] = BEARER) -> tuple[int, Any]:
        """Ask; returns the status and the body."""
        answer = self._provider(Request("POST", path, {}, headers, json.dumps(body).encode()))
        return answer.status, json.loads(answer.body)

    def ok(self, path: str, body: Json, headers: Mapping[str, str] = BEARER) -> Any:
        """Ask what is answered; returns the body."""
        status, answer = self.post(path, body, headers)
        assert 200 == status, answer
        return answer

    def plays(self, mode: str, **more: Any) -> None:
        """Make it fail from now on."""
        rule = json.dumps([{"model": "*", "mode": mode, **more}]).encode()
        assert 200 == self._provider(Request("PUT", "/_faults", {}, {}, rule)).status

    def calls(self) -> list[Json]:
        """Every call, as it lists them."""
        found: list[Json] = json.loads(self._provider(Request("GET", "/_calls", {}, {}, b"")).body)
        return found
