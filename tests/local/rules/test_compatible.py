"""The servers that speak OpenAI's chat completions: what each refuses, wants back, and says in words of its own."""

from typing import Any

import pytest

from infra.local.model_provider.rules.servers import SERVERS
from tests.local.asking import BEARER, CHAT_FORM, CHAT_TOOL, PATHS, SAYS, Double, Json, chat
from tests.local.rules.provider import ANSWER

USER = {"role": "user", "content": SAYS}
SYSTEM = {"role": "system", "content": "Be brief."}
RESULT = '{"passages": ["Shipping takes two days."]}'
PORTKEY = {**BEARER, "x-portkey-provider": "openai"}
MODELS = {
    "gemini": "gemini-3-flash",
    "groq": "openai/gpt-oss-120b",
    "mistral": "mistral-large-latest",
    "deepseek": "deepseek-chat",
    "xai": "grok-4.5",
    "openrouter": "openai/gpt-6-luna",
    "together": "meta-llama/Llama-3.3-70B",
    "vllm": "qwen3-32b",
    "ollama": "llama3.2",
    "litellm": "gpt-6-luna",
    "portkey": "gpt-5.4-mini",
    "azure": "gpt-5.4-mini",
    "openai": "gpt-5.4-mini",
}


def ask(double: Double, server: str, **changes: Any) -> tuple[int, Any]:
    body = chat(**{"model": MODELS[server], **changes})
    return double.post(PATHS[server], body, PORTKEY if server == "portkey" else BEARER)


def ok(double: Double, server: str, **changes: Any) -> Json:
    status, answer = ask(double, server, **changes)
    assert 200 == status, answer
    found: Json = answer
    return found


def begun(double: Double, server: str, **changes: Any) -> tuple[Json, list[Json]]:
    """A loop after its first step: the message of the answer, and the messages of the next request."""
    message = ok(double, server, tools=[CHAT_TOOL], **changes)["choices"][0]["message"]
    call = message["tool_calls"][0]
    sent = {"role": "assistant", "content": message["content"], "tool_calls": [call]}
    return message, [USER, sent, {"role": "tool", "tool_call_id": call["id"], "content": RESULT}]


def refused(double: Double, server: str, **changes: Any) -> str:
    """Ask what is refused by the rule of servers; returns the answer as text."""
    status, answer = ask(double, server, **changes)
    assert 400 <= status < 500, answer
    assert 30 == double.calls()[-1]["refused"]["rule"]
    assert server == double.calls()[-1]["server"]
    return str(answer)


@pytest.mark.parametrize("server", SERVERS)
def test_each_server_answers_a_plain_request_and_a_call(server: str) -> None:
    double = Double()

    assert ok(double, server)["choices"][0]["message"]["content"]
    assert begun(double, server)[0]["tool_calls"]


@pytest.mark.parametrize(
    ("server", "wrong", "says"),
    [
        ("groq", {"tools": [CHAT_TOOL], "response_format": CHAT_FORM}, "json mode cannot be combined"),
        ("gemini", {"model": "gemini-2.5-flash", "tools": [CHAT_TOOL], "response_format": CHAT_FORM}, "be combined"),
        ("deepseek", {"response_format": CHAT_FORM}, "response_format type is unavailable"),
        ("deepseek", {"tools": [CHAT_TOOL], "tool_choice": "required"}, "tool_choice"),
        ("mistral", {"max_completion_tokens": 100}, "max_completion_tokens"),
        ("gemini", {"max_completion_tokens": 100}, "max_completion_tokens"),
        ("ollama", {"max_completion_tokens": 100}, "max_completion_tokens"),
        ("openrouter", {"max_tokens": 15}, "expected a value >= 16"),
        ("xai", {"search_parameters": {}}, "Live search"),
        ("xai", {"reasoning_effort": "none"}, "reasoning_effort"),
        ("groq", {"reasoning_effort": "none"}, "reasoning_effort"),
        ("groq", {"model": "qwen/qwen3-32b", "reasoning_effort": "low"}, "reasoning_effort"),
        ("gemini", {"reasoning_effort": "xhigh"}, "reasoning_effort"),
        ("vllm", {"messages": [SYSTEM, SYSTEM, USER]}, "System"),
        ("vllm", {"messages": [USER, SYSTEM]}, "System"),
    ],
)  # fmt: skip
def test_what_a_server_does_not_take(server: str, wrong: Json, says: str) -> None:
    assert says in refused(Double(), server, **wrong)


@pytest.mark.parametrize(
    ("server", "right"),
    [
        ("groq", {"response_format": CHAT_FORM}),
        ("gemini", {"tools": [CHAT_TOOL], "response_format": CHAT_FORM}),
        ("deepseek", {"response_format": {"type": "json_object"}}),
        ("deepseek", {"tools": [CHAT_TOOL], "tool_choice": "required", "thinking": {"type": "disabled"}}),
        ("mistral", {"max_tokens": 100}),
        ("gemini", {"max_tokens": 5_000}),
        ("openrouter", {"max_tokens": 16}),
        ("xai", {"reasoning_effort": "low"}),
        ("groq", {"model": "qwen/qwen3-32b", "reasoning_effort": "default"}),
        ("vllm", {"brand_new": 1}),
        ("together", {"response_format": CHAT_FORM, "tools": [CHAT_TOOL]}),
        ("xai", {"tools": [{**CHAT_TOOL, "function": {**CHAT_TOOL["function"], "name": f"t{n}"}} for n in range(350)]}),
    ],
)  # fmt: skip
def test_what_it_takes_instead(server: str, right: Json) -> None:
    ok(Double(), server, **right)


def test_gemini_refuses_fields_that_it_does_not_know() -> None:
    double = Double()

    status, answer = ask(double, "gemini", store=False)

    assert (400, "INVALID_ARGUMENT") == (status, answer[0]["error"]["status"])
    assert 13 == double.calls()[-1]["refused"]["rule"]


def test_gemini_wants_its_signature_back_and_ends_calls_with_stop() -> None:
    double = Double()
    message, messages = begun(double, "gemini")
    bare = {**messages[1]["tool_calls"][0]}
    signature = bare.pop("extra_content")["google"]["thought_signature"]

    def sent(call: Json) -> list[Json]:
        return [USER, {**messages[1], "tool_calls": [call]}, messages[2]]

    assert signature == message["tool_calls"][0]["extra_content"]["google"]["thought_signature"]
    assert "stop" == ok(double, "gemini", tools=[CHAT_TOOL])["choices"][0]["finish_reason"]
    ok(double, "gemini", tools=[CHAT_TOOL], messages=messages)
    assert "missing a thought_signature" in refused(double, "gemini", messages=sent(bare))
    changed = {**bare, "extra_content": {"google": {"thought_signature": signature + "x"}}}
    assert "Corrupted" in refused(double, "gemini", messages=sent(changed))
    dummy = {"google": {"thought_signature": "skip_thought_signature_validator"}}
    ok(double, "gemini", messages=sent({**bare, "extra_content": dummy}))
    ok(double, "gemini", messages=[*sent(bare), {"role": "assistant", "content": "Two days."}, USER])


def test_deepseek_wants_back_what_it_thought_while_tools_are_sent() -> None:
    double = Double()
    message, messages = begun(double, "deepseek")
    with_thoughts = [USER, {**messages[1], "reasoning_content": message["reasoning_content"]}, messages[2]]

    assert message["reasoning_content"]
    ok(double, "deepseek", tools=[CHAT_TOOL], messages=with_thoughts)
    ok(double, "deepseek", messages=messages)
    ok(double, "deepseek", tools=[CHAT_TOOL], messages=messages, thinking={"type": "disabled"})
    assert "Missing `reasoning_content`" in refused(double, "deepseek", tools=[CHAT_TOOL], messages=messages)
    later = [*messages, {"role": "assistant", "content": "Two days."}, USER]
    assert "message index 1" in refused(double, "deepseek", tools=[CHAT_TOOL], messages=later)


def test_openrouter_takes_its_details_back_unchanged() -> None:
    double = Double()
    message, messages = begun(double, "openrouter")
    details = message["reasoning_details"]
    changed = [{**part, "data": "x"} if "data" in part else part for part in details]

    ok(double, "openrouter", messages=[USER, {**messages[1], "reasoning_details": details}, messages[2]])
    wrong = [USER, {**messages[1], "reasoning_details": changed}, messages[2]]
    assert "could not be verified" in refused(double, "openrouter", messages=wrong)


def test_mistral_wants_its_own_ids_and_an_answer_after_results() -> None:
    double = Double()
    _, messages = begun(double, "mistral")
    long = {**messages[1]["tool_calls"][0], "id": "call_12345"}

    assert 9 == len(messages[1]["tool_calls"][0]["id"])
    ok(double, "mistral", messages=messages)
    assert "3230" in refused(double, "mistral", messages=[*messages, USER])
    wrong = [USER, {**messages[1], "tool_calls": [long]}, {**messages[2], "tool_call_id": "call_12345"}]
    assert "length of 9" in refused(double, "mistral", messages=wrong)


@pytest.mark.parametrize("arguments", ["", "not json", "[1]", '"text"', "null"])
def test_vllm_refuses_arguments_that_are_no_object(arguments: str) -> None:
    double = Double()
    _, messages = begun(double, "vllm")
    call = messages[1]["tool_calls"][0]
    wrong = {**call, "function": {**call["function"], "arguments": arguments}}

    assert refused(double, "vllm", messages=[USER, {**messages[1], "tool_calls": [wrong]}, messages[2]])
    assert 200 == ask(double, "ollama", messages=[USER, {**messages[1], "tool_calls": [wrong]}, messages[2]])[0]


def test_portkey_wants_a_header_of_its_own() -> None:
    double = Double()

    status, answer = double.post(PATHS["portkey"], chat(model="gpt-5.4-mini"))

    assert (400, "failure") == (status, answer["status"])
    assert 30 == double.calls()[0]["refused"]["rule"]
    double.ok(PATHS["portkey"], chat(model="gpt-5.4-mini"), {**BEARER, "x-portkey-config": "pc-1"})


def test_strict_schemas_are_held_to_openais_subset_where_a_server_has_them() -> None:
    double = Double()
    loose = {"type": "json_schema", "json_schema": {"name": "a", "strict": True, "schema": {**ANSWER, "required": []}}}

    took = {server for server in SERVERS if ask(double, server, response_format=loose)[0] == 200}

    assert {"vllm", "ollama"} == took
    assert 200 == ask(double, "openrouter", model="meta/llama", response_format=loose)[0]


def test_litellm_loses_the_code_and_keeps_the_sentence() -> None:
    double = Double()

    status, answer = ask(double, "litellm", model="gpt-4.1-nano")

    assert (404, "404") == (status, answer["error"]["code"])
    assert answer["error"]["message"].startswith(
        "litellm.NotFoundError: NotFoundError: OpenAIException - The model `gpt-4.1"
    )


def test_servers_of_ones_own_need_no_key() -> None:
    double = Double()

    assert {"vllm", "ollama"} == {s for s in SERVERS if double.post(PATHS[s], chat(model=MODELS[s]), {})[0] == 200}
