"""What these tests share: services in this process, and conversations with the real agent over the real protocols."""

import json
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from agents.booking import agent as booking
from turnkeeper.adapters.models import model_client
from turnkeeper.adapters.secrets import Secrets
from turnkeeper.agent import Agent, AnswerContext, Endpoint, ToolContext, ToolError, ToolHttp, ToolResult
from turnkeeper.domain.answers import Answer, read_answer
from turnkeeper.domain.chat import Message, ModelRequest, ToolCall, ToolSpec
from turnkeeper.domain.door import admitted
from turnkeeper.domain.prompts import note, system_prompt
from turnkeeper.domain.thinking import ALLOWANCE
from turnkeeper.ports import ModelClient

from infra.local.http_service import App, Request, Response, Server

NOW = 1795428000.0
"""Monday, 2026-11-23, 10:00 UTC."""

MODELS = {
    "responses": "gpt-6-luna",
    "chat": "gpt-5.4-mini",
    "anthropic": "claude-haiku-5-5",
    "bedrock": "global.amazon.nova-2-lite-v1:0",
}
"""A model for each wire."""


@contextmanager
def serving(app: App) -> Iterator[str]:
    """Serve an app while the block runs; yields its URL."""
    with Server(app) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server.url
        finally:
            server.shutdown()
            thread.join()


@cache
def client(wire: str, url: str) -> ModelClient:
    """Return the project's own client of a wire, pointed at this machine."""
    has_version = wire not in ("anthropic", "bedrock")
    secrets = Secrets({f"{wire.upper()}_API_KEY": "local"})
    place = f"{url}/v1" if has_version else url
    return model_client(Endpoint(wire, wire, place, answer_limit="max_completion_tokens"), secrets)


def send(app: App, method: str, path: str, body: Any = None, *, key: str = "", **query: str) -> tuple[int, Any]:
    """Ask an app without a socket; returns the status and the JSON."""
    headers = {"idempotency-key": key} if key else {}
    response = app(Request(method, path, query, headers, json.dumps(body).encode()))
    return response.status, json.loads(response.body)


@dataclass(frozen=True)
class _Answered:
    response: Response

    @property
    def status(self) -> int:
        return self.response.status

    @property
    def text(self) -> str:
        return self.response.body.decode()

    @property
    def headers(self) -> Mapping[str, str]:
        return self.response.headers

    def json(self) -> Any:
        return json.loads(self.response.body)


@dataclass(frozen=True)
class InProcessHttp(ToolHttp):
    """A tool's HTTP to an app without a socket."""

    app: App
    key: str

    def request(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        body: Any = None,
    ) -> _Answered:
        """Ask, with the call's idempotency key."""
        content = b"" if body is None else json.dumps(body).encode()
        return _Answered(self.app(Request(method, path, dict(params or {}), {"idempotency-key": self.key}, content)))


@dataclass
class Conversation:
    """A customer's conversation with an agent; tools call the tools' service."""

    model: ModelClient
    tools: App
    agent: Agent[Any] = booking
    name: str = MODELS["responses"]
    customer: str = "ann"
    history: list[Message] = field(default_factory=list)
    called: list[ToolCall] = field(default_factory=list)

    def say(self, text: str) -> Answer:
        """Say something; returns the answer, which the agent itself finds valid."""
        messages = [*self.history, Message("user", text, note=note(NOW))]
        results: list[ToolResult] = []
        for _ in range(self.agent.max_steps):
            reply = admitted(self.model.complete(self.request(messages), timeout_s=5), self.name, messages)
            if not reply.tool_calls:
                answer = read_answer(reply.text, self.agent.answer_model)
                assert isinstance(answer, Answer), answer
                if self.agent.check:
                    self.agent.check(answer.output, AnswerContext(text, answer.reply, results))
                self.history += [Message("user", text), Message("assistant", answer.reply)]
                return answer
            messages.append(Message("assistant", reply.text, reply.tool_calls, native=reply.native))
            messages += [self._run(call, results) for call in reply.tool_calls]
        raise AssertionError("no answer within the steps")

    def request(self, messages: Sequence[Message]) -> ModelRequest:
        """Return what the model is asked."""
        return ModelRequest(
            model=self.name,
            system=system_prompt(self.agent.instructions),
            messages=tuple(messages),
            max_output_tokens=self.agent.max_output_tokens + ALLOWANCE["medium"],
            tools=tuple(ToolSpec(t.name, t.description, t.schema) for t in self.agent.tools),
            schema=self.agent.answer_schema,
        )

    def _run(self, call: ToolCall, results: list[ToolResult]) -> Message:
        self.called.append(call)
        tool = self.agent.tool(call.name)
        assert tool
        arguments = tool.arguments.model_validate_json(call.arguments)
        key = f"{self.customer} {call.arguments}"
        http = InProcessHttp(self.tools, key)
        context = ToolContext(tenant="t", customer_id=self.customer, turn_id="turn", idempotency_key=key, http=http)
        try:
            result = tool.run(context, arguments)
            results.append(ToolResult(tool.name, arguments.model_dump(mode="json"), result))
        except ToolError as error:
            result = {"error": str(error)}
        return Message("tool", json.dumps(result), tool_call_id=call.id)
