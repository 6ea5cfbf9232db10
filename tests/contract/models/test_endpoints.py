"""What a server of chat completions cannot do is said by its endpoint, and asked of it no more."""

import json
import os
from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from unittest.mock import patch

import pytest
from turnkeeper.adapters.models import model_client
from turnkeeper.adapters.models.chat import Chat
from turnkeeper.adapters.models.requests import bearer
from turnkeeper.adapters.secrets import Secrets
from turnkeeper.agent import Endpoint
from turnkeeper.authoring.presets import PRESETS
from turnkeeper.domain.chat import Finish, Message, ModelReply
from turnkeeper.domain.door import admitted
from turnkeeper.ports import ModelClient

from infra.local.http_service import Response
from tests.contract.models.conftest import Service
from tests.contract.models.wires import CALLS, SCHEMA, TOOL, WIRES, ask
from tests.local.chats import serving

Json = dict[str, Any]
CHAT = WIRES["chat"]
BOTH = {"tools": (TOOL,), "schema": SCHEMA}


SECRETS = Secrets(dict.fromkeys(("MINE_API_KEY", "GROQ_API_KEY"), "local"))


class Server:
    """A server of chat completions at an endpoint."""

    def __init__(self, service: Service, url: str) -> None:
        self.service, self.url = service, url
        self.clients: dict[Endpoint, ModelClient] = {}

    def asks(self, endpoint: Endpoint, answer: Response | None = None, **changes: Any) -> ModelReply:
        """Ask it once."""
        self.service.answer = answer or CHAT.ok()
        at = replace(endpoint, url=f"{self.url}/v1")
        client = self.clients.setdefault(at, self.clients.get(at) or model_client(at, SECRETS))
        return client.complete(ask(CHAT, **changes), timeout_s=5)

    def sent(self, endpoint: Endpoint, **changes: Any) -> Json:
        """What it is sent."""
        self.asks(endpoint, **changes)
        body: Json = self.service.requests[-1].json()
        return body


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    service = Service()
    with patch.dict(os.environ, {"NO_PROXY": "127.0.0.1"}), serving(service) as url:
        server = Server(service, url)
        yield server
        for client in server.clients.values():
            assert isinstance(client, Chat)
            client._post._client.close()


def mine(**traits: Any) -> Endpoint:
    return Endpoint("mine", "chat", **traits)


def test_tools_and_a_schema_go_together_where_the_server_takes_both(server: Server) -> None:
    body = server.sent(mine(), **BOTH)

    assert {"tools", "response_format"} <= body.keys()
    assert body["response_format"]["json_schema"]["strict"] is True


def test_where_it_does_not_the_schema_is_written_into_the_instructions(server: Server) -> None:
    body = server.sent(mine(tools_with_schema=False), **BOTH)

    assert "response_format" not in body
    assert '"reply"' in body["messages"][0]["content"]
    assert "response_format" in server.sent(mine(tools_with_schema=False), schema=SCHEMA)


def test_a_server_without_schemas_reads_them_in_its_instructions(server: Server) -> None:
    body = server.sent(mine(schemas="none"), schema=SCHEMA)

    assert "response_format" not in body
    assert '"reply"' in body["messages"][0]["content"]


def test_a_server_that_does_not_know_strict_is_not_told_the_word(server: Server) -> None:
    assert "strict" not in server.sent(mine(schemas="plain"), schema=SCHEMA)["response_format"]["json_schema"]


@pytest.mark.parametrize("word", ["max_tokens", "max_completion_tokens"])
def test_an_answer_is_limited_by_the_servers_word(server: Server, word: str) -> None:
    assert 300 == server.sent(mine(answer_limit=word))[word]


@pytest.mark.parametrize(
    ("field", "said"),
    [
        ("reasoning_effort", {"reasoning_effort": "low"}),
        ("reasoning", {"reasoning": {"effort": "low"}}),
        ("", {}),
    ],
)
def test_an_effort_is_said_in_the_servers_field(server: Server, field: str, said: Json) -> None:
    body = server.sent(mine(effort=field), effort="low")

    assert said == {name: value for name, value in body.items() if name.startswith("reasoning")}


def loop(server: Server, endpoint: Endpoint, answer: Json) -> Json:
    """Let it call tools, and return what it is sent of its own message afterwards."""
    reply = admitted(server.asks(endpoint, Response.of_json(200, answer)), "mine:m", ())
    said = Message("assistant", reply.text, reply.tool_calls, native=reply.native)
    results = [Message("tool", "{}", tool_call_id=call.id) for call in reply.tool_calls]
    body = server.sent(endpoint, tools=(TOOL,), messages=(Message("user", "Where?"), said, *results))
    found: Json = body["messages"][2]
    return found


def calling(**more: Any) -> Json:
    body = CHAT.answer("", CALLS, "tool_calls", CHAT.usage(10, 5, 0, 0))
    body["choices"][0]["message"] |= more
    return body


@pytest.mark.parametrize("field", ["reasoning_content", "reasoning_details"])
def test_what_a_server_wants_back_it_gets_back(server: Server, field: str) -> None:
    thought: Any = "Two places." if field == "reasoning_content" else [{"type": "reasoning.text", "text": "Two."}]

    assert thought == loop(server, mine(passes_back=(field,)), calling(**{field: thought}))[field]
    assert field not in loop(server, mine(), calling(**{field: thought}))


def test_what_belongs_to_a_call_goes_back_with_it(server: Server) -> None:
    signature = {"google": {"thought_signature": "Cp0B"}}
    answer = calling()
    answer["choices"][0]["message"]["tool_calls"][0]["extra_content"] = signature
    found = loop(server, mine(passes_back=("extra_content",)), answer)

    assert signature == found["tool_calls"][0]["extra_content"]


def test_a_call_of_another_model_has_what_gemini_takes_for_it(server: Server) -> None:
    message = Message("assistant", "", tuple(CALLS))
    body = server.sent(mine(passes_back=("extra_content",)), tools=(TOOL,), messages=(Message("user", "Hi"), message))

    wanted = {"google": {"thought_signature": "skip_thought_signature_validator"}}
    assert [wanted, wanted] == [call["extra_content"] for call in body["messages"][2]["tool_calls"]]


def test_every_answer_has_the_field_that_a_server_misses_in_others(server: Server) -> None:
    said = (Message("user", "Hi"), Message("assistant", "Hello."), Message("user", "Where?"))
    body = server.sent(mine(passes_back=("reasoning_content",)), messages=said)

    assert "" == body["messages"][2]["reasoning_content"]


def test_fixed_headers_go_with_every_request(server: Server) -> None:
    server.asks(mine(headers={"x-portkey-provider": "openai"}))

    assert "openai" == server.service.requests[-1].headers["x-portkey-provider"]


def test_a_server_without_keys_is_sent_none(server: Server) -> None:
    server.asks(PRESETS["ollama"])

    assert "authorization" not in server.service.requests[-1].headers


def test_a_key_that_is_named_is_sent_also_where_none_is_needed(server: Server) -> None:
    server.asks(replace(PRESETS["vllm"], secret="groq-api-key"))

    assert "Bearer local" == server.service.requests[-1].headers["authorization"]


def test_options_are_fields_of_the_request(server: Server) -> None:
    assert {"order": ["groq"]} == server.sent(mine(), options={"provider": {"order": ["groq"]}})["provider"]


@pytest.mark.parametrize(
    ("word", "finish"),
    [
        ("SAFETY", Finish.CONTENT_FILTER),
        ("PROHIBITED_CONTENT", Finish.CONTENT_FILTER),
        ("BLOCKLIST", Finish.CONTENT_FILTER),
        ("MODEL_ARMOR", Finish.CONTENT_FILTER),
        ("IMAGE_SAFETY", Finish.CONTENT_FILTER),
        ("content_filtered_by_policy", Finish.CONTENT_FILTER),
        ("sensitive", Finish.CONTENT_FILTER),
        ("ERROR_TOXIC", Finish.CONTENT_FILTER),
        ("MAX_TOKENS", Finish.LENGTH),
        ("model_length", Finish.CONTEXT_FULL),
        ("eos", Finish.STOP),
        ("STOP", Finish.STOP),
        ("MALFORMED_FUNCTION_CALL", Finish.OTHER),
        ("brand_new", Finish.OTHER),
        (None, Finish.OTHER),
    ],
)
def test_a_servers_own_word_for_the_end_is_understood(server: Server, word: str | None, finish: Finish) -> None:
    answer = CHAT.answer("Hello.", (), word or "", CHAT.usage(10, 5, 0, 0))
    answer["choices"][0]["finish_reason"] = word

    assert finish is server.asks(mine(), Response.of_json(200, answer)).finish


@pytest.mark.parametrize("word", ["SAFETY", "PROHIBITED_CONTENT", "RECITATION"])
def test_a_filter_that_leaves_nothing_is_no_empty_answer(server: Server, word: str) -> None:
    answer = CHAT.answer("", (), word, CHAT.usage(10, 0, 0, 0))

    assert Finish.CONTENT_FILTER is server.asks(mine(), Response.of_json(200, answer)).finish


@pytest.mark.parametrize("word", ["stop", "STOP", "tool_calls", "function_call"])
def test_calls_may_end_with_any_word_that_ends_an_answer(server: Server, word: str) -> None:
    reply = server.asks(mine(), Response.of_json(200, CHAT.answer("", CALLS, word, None)))

    assert (Finish.TOOL_CALLS, 2) == (reply.finish, len(reply.tool_calls))


def test_loose_answers_of_servers_are_read(server: Server) -> None:
    answer = {
        "choices": [
            {
                "message": {
                    "content": [{"type": "thinking", "thinking": []}, {"type": "text", "text": "Let me see."}],
                    "tool_calls": [{"id": None, "function": {"name": "find", "arguments": {"city": "Bern"}}}],
                },
                "finish_reason": "stop",
            }
        ]
    }
    reply = server.asks(mine(), Response.of_json(200, answer))

    assert ("Let me see.", None) == (reply.text, reply.usage)
    assert [("", "find", {"city": "Bern"})] == [(c.id, c.name, json.loads(c.arguments)) for c in reply.tool_calls]


@pytest.mark.parametrize(
    "host", ["x.openai.azure.com", "x.services.ai.azure.com", "x.openai.azure.us", "x.openai.azure.cn"]
)
@pytest.mark.parametrize("wire", ["responses", "chat"])
def test_azures_hosts_have_their_key_in_a_header_of_their_own(host: str, wire: str) -> None:
    assert {"api-key": "k"} == bearer(Endpoint("azure", wire, f"https://{host}/openai/v1"))("k")
    assert {"Authorization": "Bearer k"} == bearer(Endpoint("mine", wire, f"https://{host}.example/v1"))("k")


@pytest.mark.parametrize("message", [{}, {"message": None}, {"message": {"role": "assistant", "content": None}}])
@pytest.mark.parametrize("word", ["SAFETY", "content_filter"])
def test_a_filter_that_leaves_no_message_is_a_filter(server: Server, word: str, message: Json) -> None:
    answer = {"choices": [{"index": 0, "finish_reason": word, **message}]}

    assert Finish.CONTENT_FILTER is server.asks(mine(), Response.of_json(200, answer)).finish


@pytest.mark.parametrize("word", [None, ""])
def test_calls_without_a_word_for_the_end_are_calls(server: Server, word: str | None) -> None:
    answer = CHAT.answer("", CALLS, "stop", None)
    answer["choices"][0]["finish_reason"] = word
    reply = server.asks(mine(), Response.of_json(200, answer))

    assert (Finish.TOOL_CALLS, 2) == (reply.finish, len(reply.tool_calls))


@pytest.mark.parametrize("word", ["MALFORMED_FUNCTION_CALL", "brand_new"])
def test_calls_that_ended_for_a_reason_that_nobody_knows_are_not_made_and_the_model_is_asked_again(
    server: Server, word: str
) -> None:
    reply = server.asks(mine(), Response.of_json(200, CHAT.answer("", CALLS, word, None)))

    assert ("", (), Finish.OTHER) == (reply.text, reply.tool_calls, reply.finish)


def test_what_is_about_tools_is_left_out_where_there_are_none(server: Server) -> None:
    options = {"parallel_tool_calls": False, "seed": 3}

    assert "parallel_tool_calls" not in server.sent(mine(), options=options)
    assert server.sent(mine(), options=options, tools=(TOOL,))["parallel_tool_calls"] is False
    assert 3 == server.sent(mine(), options=options)["seed"]
