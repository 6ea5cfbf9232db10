"""The shapes in which providers report errors: where their codes, their sentence and what stands beside them are."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

_CODES = ("code", "type", "status", "reason", "error_code", "error_type", "__type", "statusCode")
_INSIDE = ("error", "errors", "innererror", "inner_error", "details", "detail", "metadata")
_MESSAGES = ("message", "Message", "msg", "error_message", "error_msg")
_SENTENCES = (*_MESSAGES, "detail", "description", "title", "error")
_ANSWERS = ("choices", "content", "output")
_SAYS_ERROR = (("status", "failed"), ("type", "error"), ("object", "error"))
_NAMES = {
    "role",
    "type",
    "name",
    "id",
    "call_id",
    "tool_call_id",
    "tool_use_id",
    "toolUseId",
    "status",
    "phase",
    "format",
}
_DATA = {"input", "json"}
"""Fields of messages that hold data of tools, whose own fields may have any name."""

_DEEPEST = 5
_CLIENT_ERRORS, _END_OF_ERRORS = 400, 600


def json_or_text(body: bytes) -> Any:
    """Return the JSON of a body; its text where it is not JSON, and None where that is a web page or no text."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        text = body.decode(errors="replace").strip()
        return None if "�" in text or text.startswith("<") else text


def error_of(data: Any) -> Any:
    """Return what the body of a 2xx has in place of an answer, if it has."""
    if isinstance(data, list) and data:
        data = data[0]
    if not isinstance(data, dict):
        return None
    if any(_is_told(data.get(name)) for name in ("error", "errors")):
        return data
    choices = data.get("choices")
    choice = choices[0] if isinstance(choices, list) and choices else None
    if isinstance(choice, dict) and (choice.get("error") or choice.get("finish_reason") == "error"):
        return {"error": choice.get("error") or {"code": "upstream_error"}}
    if (
        data.get("status") == "failed"
        or data.get("type") == "error"
        or data.get("object") == "error"
        or "__type" in data
    ):
        return data
    said = next((data[name] for name in _MESSAGES if isinstance(data.get(name), str)), None)
    told = any(data.get(name) not in (None, "", 0, 200) for name in ("code", "status", "statusCode", "error_code"))
    return data if said and told and not any(data.get(name) for name in _ANSWERS) else None


def _is_told(error: Any) -> bool:
    """Whether the field of an error has one: in good answers it is left out, null, empty, or an object of such."""
    return any(error.values()) if isinstance(error, dict) else bool(error)


def was_charged(data: Any) -> bool:
    """Whether an answer shows that a model worked for it: it has content, or says which tokens it used."""
    if not isinstance(data, dict):
        return False
    usage = data.get("usage")
    if isinstance(usage, dict) and any(type(n) in (int, float) and n > 0 for n in usage.values()):
        return True
    choices = data.get("choices")
    texts = [c.get("message") for c in choices if isinstance(c, dict)] if isinstance(choices, list) else []
    return bool(data.get("content") or data.get("output")) or any(
        isinstance(m, dict) and (m.get("content") or m.get("tool_calls")) for m in texts
    )


def status_of(code: str) -> int:
    """Return the HTTP status that a code is, or 0."""
    try:
        status = float(code)
    except ValueError:
        return 0
    return int(status) if _CLIENT_ERRORS <= status < _END_OF_ERRORS and status.is_integer() else 0


def codes_of(data: Any, depth: int = _DEEPEST) -> Iterator[str]:
    """Yield the codes, types and statuses of an error, the outer ones first, as text."""
    if isinstance(data, list):
        for part in data:
            yield from codes_of(part, depth)
    if not isinstance(data, dict) or not depth:
        return
    for name in _CODES:
        value = data.get(name)
        if isinstance(value, (str, int, float)) and not isinstance(value, bool) and value not in ("", "error"):
            yield str(value)
    for name in _INSIDE:
        yield from codes_of(data.get(name), depth - 1)
    yield from codes_of(_behind(data), depth - 1)


def sentence_of(data: Any, depth: int = _DEEPEST) -> str:
    """Return what an error says to people, or nothing."""
    if isinstance(data, str):
        return data
    if isinstance(data, list) and depth:
        return "; ".join(filter(None, (sentence_of(part, depth - 1) for part in data)))
    if not isinstance(data, dict) or not depth:
        return ""
    own = next((said for name in _SENTENCES if (said := sentence_of(data.get(name), depth - 1))), "")
    behind = sentence_of(_behind(data), depth - 1)
    if behind:
        own = f"{own}: {behind}"
    return own or sentence_of(data.get("errors"), depth - 1)


def _behind(data: Mapping[str, Any]) -> Any:
    """Return what the provider behind OpenRouter said, which passes it on as text."""
    raw = data["metadata"].get("raw") if isinstance(data.get("metadata"), dict) else None
    if not isinstance(raw, str):
        return raw
    try:
        return json.loads(raw)
    except (ValueError, RecursionError):
        return raw


def reported(data: Any) -> dict[str, Any]:
    """Return the object that describes the error."""
    if isinstance(data, list) and data:
        data = data[0]
    if not isinstance(data, dict):
        return {}
    return data["error"] if isinstance(data.get("error"), dict) else data


def _metadata(data: Any) -> dict[str, Any]:
    """Return what OpenRouter says beside an error."""
    metadata = reported(data).get("metadata")
    return metadata if isinstance(metadata, dict) else {}


def is_flagged(data: Any) -> bool:
    """Whether it is OpenRouter's moderation, which looks at a request before any model does."""
    return "flagged_input" in _metadata(data)


def told_headers(data: Any) -> dict[str, str]:
    """Return the headers of the provider behind OpenRouter, which stand in the body."""
    headers = _metadata(data).get("headers")
    return {str(n).lower(): str(v) for n, v in headers.items()} if isinstance(headers, dict) else {}


def texts_of(value: Any) -> Iterator[str]:
    """Yield every text in the messages of a request: not what the protocol needs, such as roles and tools' names."""
    waiting: list[tuple[Any, bool]] = [(value, False)]
    while waiting:
        value, is_data = waiting.pop()
        if isinstance(value, str):
            yield value
        elif isinstance(value, Mapping):
            inner = ((part, is_data or name in _DATA) for name, part in value.items() if is_data or name not in _NAMES)
            waiting += inner
        elif isinstance(value, (list, tuple)):
            waiting += ((part, is_data) for part in value)
