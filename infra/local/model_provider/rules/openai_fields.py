"""The rule of OpenAI that looks for fields which the API does not know, or knows by another name on the other API."""

from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from typing import Any

from infra.local.model_provider.rules.openai_models import model
from infra.local.model_provider.rules.openai_types import wrong_types
from infra.local.model_provider.rules.rule import Refusal, Sent
from infra.local.model_provider.rules.servers import SERVERS

# fmt: off
RESPONSES_FIELDS = frozenset({
    "access_programs", "background", "background_options", "context_management", "conversation", "image", "include",
    "input", "instructions", "max_output_tokens", "max_tool_calls", "metadata", "model", "moderation",
    "parallel_tool_calls", "previous_response_id", "prompt", "prompt_cache_key", "prompt_cache_options",
    "prompt_cache_retention", "reasoning", "safety_identifier", "service_tier", "store", "stream", "stream_options",
    "temperature", "text", "tool_choice", "tools", "top_logprobs", "top_p", "truncation", "user",
})
# fmt: on
"""`openai.types.responses.response_create_params`."""

_MOVED = {
    "messages": "input",
    "max_tokens": "max_output_tokens",
    "max_completion_tokens": "max_output_tokens",
    "response_format": "text.format",
    "reasoning_effort": "reasoning.effort",
    "verbosity": "text.verbosity",
}
_ITEM_FIELDS: Mapping[str, frozenset[str]] = {
    "message": frozenset({"type", "id", "role", "content", "status", "phase"}),
    "reasoning": frozenset({"type", "id", "summary", "content", "encrypted_content", "status"}),
    "function_call": frozenset(
        {"type", "id", "call_id", "name", "arguments", "status", "async", "caller", "namespace"}
    ),
    "function_call_output": frozenset({"type", "id", "call_id", "output", "status", "caller", "name", "namespace"}),
}
_MESSAGE_FIELDS: Mapping[str, frozenset[str]] = {
    "system": frozenset({"role", "content", "name"}),
    "developer": frozenset({"role", "content", "name"}),
    "user": frozenset({"role", "content", "name"}),
    "assistant": frozenset({"role", "content", "name", "refusal", "tool_calls", "function_call", "audio"}),
    "tool": frozenset({"role", "content", "tool_call_id"}),
}
# fmt: off
_TOOL_FIELDS = frozenset({
    "type", "name", "description", "parameters", "strict", "allowed_callers", "async", "defer_loading",
    "output_schema",
})
# fmt: on
_FUNCTION_FIELDS = frozenset({"name", "description", "parameters", "strict"})
# fmt: off
_INCLUDABLE = frozenset({
    "file_search_call.results", "web_search_call.results", "web_search_call.action.sources",
    "message.input_image.image_url", "computer_call_output.output.image_url", "code_interpreter_call.outputs",
    "reasoning.encrypted_content", "message.output_text.logprobs",
})
# fmt: on
_PARTS = {
    "text": frozenset({"format", "verbosity"}),
    "reasoning": frozenset({"effort", "summary", "mode", "context", "generate_summary"}),
}
_CONTENT = {"user": "input_text", "system": "input_text", "developer": "input_text", "assistant": "output_text"}
_CHAT_TIERS = frozenset({"auto", "default", "flex", "scale", "priority", "fast"})
_TIERS = _CHAT_TIERS | {"ultrafast"}
_CHOICES = frozenset({"none", "auto", "required"})


def responses_fields(sent: Sent) -> Refusal | None:
    """Rule 13 on responses."""
    return next(chain(wrong_types(sent.body), _wrong_on_responses(sent)), None)


def chat_fields(sent: Sent) -> Refusal | None:
    """Rule 13 on chat completions."""
    return next(chain(wrong_types(sent.body), _wrong_on_chat(sent)), None)


def _unknown(param: str) -> Refusal:
    return Refusal(f"Unknown parameter: '{param}'.", code="unknown_parameter", param=param)


def _missing(param: str) -> Refusal:
    return Refusal(f"Missing required parameter: '{param}'.", code="missing_required_parameter", param=param)


def _invalid(param: str, value: Any) -> Refusal:
    return Refusal(f"Invalid value: '{value}' for '{param}'.", code="invalid_value", param=param)


def _wrong_on_responses(sent: Sent) -> Iterator[Refusal]:
    body = sent.body
    for name in body:
        if name in _MOVED:
            said = f"Unsupported parameter: '{name}'. In the Responses API, this parameter has moved to "
            yield Refusal(f"{said}'{_MOVED[name]}'.", code="unsupported_parameter", param=name)
        elif name not in RESPONSES_FIELDS:
            yield _unknown(name)
    yield from _wrong_tools(body.get("tools") or ())
    given = body.get("input")
    for number, item in enumerate(given if isinstance(given, list) else ()):
        yield from _wrong_item(number, item)
    yield from (_invalid("include", value) for value in body.get("include") or () if value not in _INCLUDABLE)
    for name, known in _PARTS.items():
        yield from (_unknown(f"{name}.{part}") for part in (body.get(name) or {}).keys() - known)
    yield from _wrong_format((body.get("text") or {}).get("format") or {})
    yield from _wrong_values(sent, _TIERS, [tool.get("name") for tool in body.get("tools") or ()])


def _wrong_tools(tools: Iterable[Mapping[str, Any]]) -> Iterator[Refusal]:
    for number, tool in enumerate(tools):
        if "name" not in tool:
            yield _missing(f"tools[{number}].name")
        yield from (_unknown(f"tools[{number}].{name}") for name in tool.keys() - _TOOL_FIELDS)


def _wrong_format(form: Mapping[str, Any]) -> Iterator[Refusal]:
    if "json_schema" in form:
        yield _unknown("text.format.json_schema")
    if form.get("type") == "json_schema":
        yield from (_missing(f"text.format.{name}") for name in ("name", "schema") if name not in form)


def _wrong_item(number: int, item: Mapping[str, Any]) -> Iterator[Refusal]:
    kind = item.get("type", "message")
    if kind not in _ITEM_FIELDS:
        yield _invalid(f"input[{number}].type", kind)
        return
    yield from (_unknown(f"input[{number}].{name}") for name in item.keys() - _ITEM_FIELDS[kind])
    if kind == "reasoning" and "summary" not in item:
        yield _missing(f"input[{number}].summary")
    if kind == "message" and item.get("role") not in _CONTENT:
        yield _invalid(f"input[{number}].role", item.get("role"))
    if kind == "message" and isinstance(item.get("content"), list):
        wanted = _CONTENT[item["role"]]
        for part in item["content"]:
            is_refusal = item["role"] == "assistant" and part.get("type") == "refusal"
            if part.get("type") != wanted and not is_refusal:
                yield _invalid(f"input[{number}].content[0].type", part.get("type"))


def _wrong_on_chat(sent: Sent) -> Iterator[Refusal]:
    body, knows = sent.body, SERVERS[sent.server].knows
    if knows is not None:
        yield from (_unknown(name) for name in body if name not in knows)
    if sent.server == "gemini":
        return  # beyond its names it checks what it takes, and no more
    for number, message in enumerate(body.get("messages") or ()):
        known = _MESSAGE_FIELDS.get(message.get("role"))
        if known:
            yield from (_unknown(f"messages[{number}].{name}") for name in message.keys() - known)
    for number, tool in enumerate(body.get("tools") or ()):
        yield from (_unknown(f"tools[{number}].{name}") for name in tool.keys() - {"type", "function"})
        if "function" not in tool:
            yield _missing(f"tools[{number}].function")
        function = tool.get("function") or {}
        yield from (_unknown(f"tools[{number}].function.{name}") for name in function.keys() - _FUNCTION_FIELDS)
    form = body.get("response_format") or {}
    if form.get("type") == "json_schema" and "json_schema" not in form:
        yield _missing("response_format.json_schema")
    yield from _wrong_values(
        sent, _CHAT_TIERS, [(t.get("function") or {}).get("name") for t in body.get("tools") or ()]
    )


def _wrong_values(sent: Sent, tiers: frozenset[str], tools: list[Any]) -> Iterator[Refusal]:
    body = sent.body
    if body.get("service_tier") is not None and body["service_tier"] not in tiers:
        yield _invalid("service_tier", body["service_tier"])
    choice = body.get("tool_choice")
    if choice is not None:
        if not tools:
            said = "'tool_choice' is only allowed when 'tools' are specified."
            yield Refusal(said, param="tool_choice")
        named = (choice.get("function") or choice).get("name") if isinstance(choice, dict) else None
        if (isinstance(choice, str) and choice not in _CHOICES) or (named is not None and named not in tools):
            yield _invalid("tool_choice", choice)
    if "parallel_tool_calls" in body and not tools and "messages" in body:
        said = "'parallel_tool_calls' is only allowed when 'tools' are specified."
        yield Refusal(said, param="parallel_tool_calls")
    if body.get("prompt_cache_options") is not None and not model(sent.model).has_cache_options:
        said = "Unsupported parameter: 'prompt_cache_options' is not supported with this model."
        yield Refusal(said, code="unsupported_parameter", param="prompt_cache_options")
    options = body.get("prompt_cache_options") or {}
    for name, values in (("ttl", ("30m", "12h")), ("mode", ("implicit", "explicit"))):
        if name in options and options[name] not in values:
            yield _invalid(f"prompt_cache_options.{name}", options[name])
    retention = body.get("prompt_cache_retention")
    if retention not in (None, "24h") and (retention != "in_memory" or model(sent.model).has_cache_options):
        yield _invalid("prompt_cache_retention", retention)
