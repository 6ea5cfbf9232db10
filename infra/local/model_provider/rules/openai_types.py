"""The rule of OpenAI that holds fields to their types, as `openai.types` has them; only function tools are played."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from infra.local.model_provider.rules.rule import Refusal

_NULL = type(None)
_NUMBER = (int, float)
Kinds = Mapping[str, tuple[type[Any], ...]]

_BODY: Kinds = {
    "messages": (list,),
    "input": (str, list),
    "instructions": (str, _NULL),
    "tools": (list,),
    "text": (dict,),
    "response_format": (dict,),
    "reasoning": (dict, _NULL),
    "reasoning_effort": (str, _NULL),
    "tool_choice": (str, dict),
    "include": (list, _NULL),
    "store": (bool, _NULL),
    "parallel_tool_calls": (bool, _NULL),
    "max_output_tokens": (int, _NULL),
    "max_completion_tokens": (int, _NULL),
    "max_tokens": (int, _NULL),
    "temperature": (*_NUMBER, _NULL),
    "top_p": (*_NUMBER, _NULL),
    "service_tier": (str, _NULL),
    "prompt_cache_key": (str, _NULL),
    "prompt_cache_options": (dict,),
    "safety_identifier": (str, _NULL),
    "metadata": (dict, _NULL),
}
_FUNCTION: Kinds = {
    "name": (str,),
    "description": (str,),
    "parameters": (dict, _NULL),
    "strict": (bool, _NULL),
}
_FORMAT: Kinds = {"name": (str,), "schema": (dict,), "strict": (bool, _NULL), "description": (str,)}
_ITEM: Kinds = {
    "content": (str, list, _NULL),
    "tool_calls": (list,),
    "tool_call_id": (str,),
    "call_id": (str,),
    "name": (str,),
    "arguments": (str,),
    "output": (str, list),
    "encrypted_content": (str, _NULL),
    "summary": (list,),
    "phase": (str, _NULL),
}
_PART: Kinds = {"type": (str,), "text": (str,), "refusal": (str,)}
_NAMES = {
    str: "a string",
    list: "an array",
    dict: "an object",
    bool: "a boolean",
    int: "an integer",
    float: "a number",
    _NULL: "null",
}
_FORMATS = ("text", "json_schema", "json_object")


def wrong_types(body: Mapping[str, Any]) -> Iterator[Refusal]:
    """Find fields whose values are of another type than the documented one, from the outside in."""
    yield from _wrong(body, _BODY, "")
    for number, tool in enumerate(body.get("tools", ())):
        at = f"tools[{number}]"
        yield from _wrong({"": tool}, {"": (dict,)}, at)
        yield from _value(tool, "type", ("function",), at)
        yield from _wrong(tool, {**_FUNCTION, "function": (dict,)}, f"{at}.")
        yield from _wrong(tool.get("function", {}), _FUNCTION, f"{at}.function.")
    for within, name in ((body, "response_format"), (body.get("text", {}), "format")):
        if name in within:
            at = name if within is body else f"text.{name}"
            form = within[name]
            yield from _wrong({"": form}, {"": (dict,)}, at)
            yield from _value(form, "type", _FORMATS, at)
            yield from _wrong(form, {**_FORMAT, "json_schema": (dict,)}, f"{at}.")
            yield from _wrong(form.get("json_schema", {}), _FORMAT, f"{at}.json_schema.")
    for name in ("messages", "input"):
        yield from _wrong_items(name, body.get(name, ()))


def _wrong_items(name: str, given: Iterable[Any]) -> Iterator[Refusal]:
    for number, item in enumerate(() if isinstance(given, str) else given):
        at = f"{name}[{number}]"
        yield from _wrong({"": item}, {"": (dict,)}, at)
        yield from _wrong(item, _ITEM, f"{at}.")
        is_said = item.get("type", "message") == "message" and not item.get("tool_calls") and not item.get("refusal")
        if is_said and item.get("content") is None:
            yield _missing(f"{at}.content")
        parts = item.get("content")
        for order, part in enumerate(parts if isinstance(parts, list) else ()):
            yield from _wrong({"": part}, {"": (dict,)}, f"{at}.content[{order}]")
            yield from _wrong(part, _PART, f"{at}.content[{order}].")
            if not part.keys() & {"text", "refusal"}:
                yield _missing(f"{at}.content[{order}].text")


def _missing(param: str) -> Refusal:
    return Refusal(f"Missing required parameter: '{param}'.", code="missing_required_parameter", param=param)


def _wrong(given: Mapping[str, Any], kinds: Kinds, at: str) -> Iterator[Refusal]:
    for name, allowed in kinds.items():
        if name in given and not _is(given[name], allowed):
            param = f"{at}{name}"
            expected, got = " or ".join(_NAMES[kind] for kind in allowed), _NAMES.get(type(given[name]), "another")
            said = f"Invalid type for '{param}': expected {expected}, but got {got} instead."
            yield Refusal(said, code="invalid_type", param=param)


def _is(value: Any, kinds: tuple[type[Any], ...]) -> bool:
    return isinstance(value, kinds) and (not isinstance(value, bool) or bool in kinds)


def _value(given: Mapping[str, Any], name: str, allowed: tuple[str, ...], at: str) -> Iterator[Refusal]:
    if given.get(name) not in allowed:
        param, values = f"{at}.{name}", ", ".join(map(repr, allowed))
        said = f"Invalid value: {given.get(name)!r}. Supported values are: {values}."
        yield Refusal(said, code="invalid_value" if name in given else "missing_required_parameter", param=param)
