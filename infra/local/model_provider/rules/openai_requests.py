"""Rules of OpenAI that look at a request's own fields: model, effort, limits, names and numbers."""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from infra.local.model_provider.rules.openai_models import EFFORTS, When, model, retires
from infra.local.model_provider.rules.rule import Refusal, Sent
from infra.local.model_provider.rules.servers import SERVERS

Check = Callable[[Sent], Refusal | None]

LEAST_OUTPUT_TOKENS = 16
_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")
_ID_PREFIXES = {"function_call": "fc", "function_call_output": "fc", "message": "msg", "reasoning": "rs"}
_LONGEST_CALL_ID = 64
_LONGEST_CALL_ID_IN_CHAT = 40
_LONGEST = {"safety_identifier": 128, "prompt_cache_key": 64}


def chat_effort(sent: Sent) -> str:
    """Return the effort of a chat completion: what it asks for, else what its model has."""
    if (sent.body.get("thinking") or {}).get("type") == "disabled":
        return "none"
    asked = sent.body.get("reasoning_effort") or (sent.body.get("reasoning") or {}).get("effort")
    return str(asked or SERVERS[sent.server].efforts(sent.model)[1])


def responses_effort(sent: Sent) -> str:
    """Return the effort of a response."""
    return str((sent.body.get("reasoning") or {}).get("effort") or model(sent.model).effort)


def retired(sent: Sent) -> Refusal | None:
    """Rule 1."""
    day = retires(sent.model, sent.server)
    if day is None or sent.today < day:
        return None
    words = f"The model `{sent.model}` has been deprecated, learn more here: "
    return Refusal(f"{words}https://platform.openai.com/docs/deprecations", 404, "model_not_found", "model")


def tools_while_thinking(sent: Sent) -> Refusal | None:
    """Rule 2."""
    takes = model(sent.model).chat_tools
    if not sent.body.get("tools") or takes is When.ALWAYS:
        return None
    if takes is When.WITHOUT_THINKING and chat_effort(sent) == "none":
        return None
    said = f"Function tools with reasoning_effort are not supported for {sent.model} in /v1/chat/completions. "
    return Refusal(f"{said}Please use /v1/responses instead.", param="reasoning_effort")


def _effort_outside(sent: Sent, asked: Any, param: str) -> Refusal | None:
    efforts = SERVERS[sent.server].efforts(sent.model)[0]
    if asked is None or asked in efforts:
        return None
    if not efforts:
        said = f"Unsupported parameter: '{param}' is not supported with this model."
        return Refusal(said, code="unsupported_parameter", param=param)
    known = "Unsupported value" if asked in EFFORTS else "Invalid value"
    values = ", ".join(f"'{effort}'" for effort in efforts)
    said = f"{known}: '{asked}' is not supported with the '{sent.model}' model. Supported values are: {values}."
    return Refusal(said, code="unsupported_value" if asked in EFFORTS else "invalid_value", param=param)


def chat_effort_outside(sent: Sent) -> Refusal | None:
    """Rule 3 on chat completions."""
    return _effort_outside(sent, sent.body.get("reasoning_effort"), "reasoning_effort")


def responses_effort_outside(sent: Sent) -> Refusal | None:
    """Rule 3 on responses."""
    return _effort_outside(sent, (sent.body.get("reasoning") or {}).get("effort"), "reasoning.effort")


def _sampling(sent: Sent, effort: str) -> Refusal | None:
    takes = model(sent.model).sampling
    if takes is When.ALWAYS or (takes is When.WITHOUT_THINKING and effort == "none"):
        return None
    given = (name for name in ("temperature", "top_p", "logprobs", "top_logprobs") if sent.body.get(name) is not None)
    found = next(given, None)
    if found is None and "message.output_text.logprobs" in (sent.body.get("include") or ()):
        found = "include"
    if found is None:
        return None
    said = f"Unsupported parameter: '{found}' is not supported with this model."
    return Refusal(said, code="unsupported_parameter", param=found)


def chat_sampling(sent: Sent) -> Refusal | None:
    """Rule 4 on chat completions."""
    return _sampling(sent, chat_effort(sent))


def responses_sampling(sent: Sent) -> Refusal | None:
    """Rule 4 on responses."""
    return _sampling(sent, responses_effort(sent))


def old_limit(sent: Sent) -> Refusal | None:
    """Rule 5 on chat completions."""
    if sent.body.get("max_tokens") is None or model(sent.model).takes_max_tokens:
        return None
    said = "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead."
    return Refusal(said, code="unsupported_parameter", param="max_tokens")


def low_limit(sent: Sent) -> Refusal | None:
    """Rule 5 on responses."""
    most = sent.body.get("max_output_tokens")
    if most is None or most >= LEAST_OUTPUT_TOKENS:
        return None
    said = f"Invalid 'max_output_tokens': integer below minimum value. Expected a value >= 16, but got {most} instead."
    return Refusal(said, code="integer_below_min_value", param="max_output_tokens")


def _first(found: Iterator[Refusal]) -> Refusal | None:
    return next(found, None)


def _names(names: Iterator[tuple[str, Any]]) -> Iterator[Refusal]:
    for param, name in names:
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            said = f"Invalid '{param}': string does not match pattern. Expected a string that matches the pattern "
            yield Refusal(f"{said}'^[a-zA-Z0-9_-]{{1,64}}$'.", code="invalid_value", param=param)


def _twice(kind: str, ids: list[Any], param: str) -> Iterator[Refusal]:
    for one in ids:
        if ids.count(one) > 1:
            yield Refusal(f"Invalid '{param}': {kind} must be unique, but {one!r} is there twice.", param=param)


def _long(param: str, value: Any, most: int) -> Iterator[Refusal]:
    if not isinstance(value, str) or not value:
        yield Refusal(f"Invalid '{param}': expected a string that is not empty.", code="invalid_type", param=param)
    elif len(value) > most:
        said = f"Invalid '{param}': string too long. Expected a string with maximum length {most}, but got a string "
        yield Refusal(f"{said}with length {len(value)} instead.", code="string_above_max_length", param=param)


def _long_fields(sent: Sent) -> Iterator[Refusal]:
    for name, most in _LONGEST.items():
        if sent.body.get(name) is not None:
            yield from _long(name, sent.body[name], most)


def _functions(body: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [t["function"] for t in body.get("tools") or () if isinstance(t.get("function"), dict)]


def chat_names(sent: Sent) -> Refusal | None:
    """Rule 6 on chat completions."""
    return _first(_wrong_chat_names(sent))


def _wrong_chat_names(sent: Sent) -> Iterator[Refusal]:
    functions, messages = _functions(sent.body), sent.body.get("messages") or ()
    calls = [(n, m, c) for n, one in enumerate(messages) for m, c in enumerate(one.get("tool_calls") or ())]
    form = sent.body.get("response_format") or {}
    yield from _names((f"tools[{n}].function.name", f.get("name")) for n, f in enumerate(functions))
    yield from _names((f"messages[{n}].tool_calls[{m}].function.name", c["function"].get("name")) for n, m, c in calls)
    if form.get("type") == "json_schema":
        yield from _names(iter([("response_format.json_schema.name", form["json_schema"].get("name"))]))
    yield from _twice("names of tools", [f.get("name") for f in functions], "tools")
    for n, m, call in calls:
        yield from _long(f"messages[{n}].tool_calls[{m}].id", call.get("id"), _LONGEST_CALL_ID_IN_CHAT)
    yield from _twice("ids of calls", [call.get("id") for _, _, call in calls], "messages")
    yield from _long_fields(sent)


def responses_names(sent: Sent) -> Refusal | None:
    """Rule 6 on responses."""
    return _first(_wrong_responses_names(sent))


def _wrong_responses_names(sent: Sent) -> Iterator[Refusal]:
    tools = [t for t in sent.body.get("tools") or () if t.get("type") == "function"]
    given = sent.body.get("input")
    inputs = list(enumerate(given if isinstance(given, list) else ()))
    calls = [(n, item) for n, item in inputs if item.get("type") == "function_call"]
    form = (sent.body.get("text") or {}).get("format") or {}
    yield from _names((f"tools[{n}].name", t["name"]) for n, t in enumerate(tools) if "name" in t)
    yield from _names((f"input[{n}].name", item.get("name")) for n, item in calls)
    if form.get("type") == "json_schema":
        yield from _names(iter([("text.format.name", form.get("name"))]))
    yield from _twice("names of tools", [t.get("name") for t in tools], "tools")
    for n, item in inputs:
        if item.get("type") in ("function_call", "function_call_output"):
            yield from _long(f"input[{n}].call_id", item.get("call_id"), _LONGEST_CALL_ID)
        begin = _ID_PREFIXES.get(item.get("type", "message"))
        if begin and item.get("id") is not None and not str(item["id"]).startswith(begin):
            said = f"Invalid 'input[{n}].id': '{item['id']}'. Expected an ID that begins with '{begin}'."
            yield Refusal(said, code="invalid_value", param=f"input[{n}].id")
    yield from _twice("ids of calls", [item.get("call_id") for _, item in calls], "input")
    yield from _twice("ids of items", [item["id"] for _, item in inputs if item.get("id")], "input")
    yield from _long_fields(sent)


def number_of_tools(sent: Sent) -> Refusal | None:
    """Rule 7 on chat completions."""
    if sent.body.get("tools") == []:
        said = "Invalid 'tools': empty array. Expected an array with minimum length 1, but got an empty array instead."
        return Refusal(said, code="empty_array", param="tools")
    return many_tools(sent)


def many_tools(sent: Sent) -> Refusal | None:
    """Rule 7 on both."""
    tools, most = sent.body.get("tools") or (), SERVERS[sent.server].most_tools
    if len(tools) <= most:
        return None
    said = f"Invalid 'tools': array too long. Expected an array with maximum length {most}, but got an array with "
    return Refusal(f"{said}length {len(tools)} instead.", code="array_above_max_length", param="tools")


def unsaid_strict(sent: Sent) -> Refusal | None:
    """Rule 7 on responses."""
    for number, tool in enumerate(sent.body.get("tools") or ()):
        if tool.get("type") == "function" and "name" in tool and not isinstance(tool.get("strict"), bool):
            param = f"tools[{number}].strict"
            said = f"Missing required parameter: '{param}'."
            return Refusal(said, code="missing_required_parameter", param=param)
    return many_tools(sent)
