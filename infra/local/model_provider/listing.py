"""The models that the local provider lists: OpenAI's shape, or Anthropic's where its version header is sent.

Sources: the SDKs' openai/types/model.py and anthropic/types/model_info.py.
"""

import re
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from infra.local.http_service import Request, Response

_PATH = re.compile(r"(?:/v1|/openai/v1)?/models(?:/(?P<name>.+))?")
_CREATED = "2026-10-07T00:00:00Z"
_CREATED_S = 1_791_331_200
_EFFORTS = ("low", "medium", "high", "xhigh", "max")

_OPENAI: Mapping[str, str | None] = {
    "gpt-6-luna": None,
    "gpt-6-sol": None,
    "gpt-6.1-terra": None,
    "gpt-6.1-sol": None,
    "gpt-5.4-mini": None,
    "gpt-5.4-nano": "2027-04-01",
    "gpt-4.1": "2027-01-14",
    "gpt-4.1-mini": "2027-01-14",
}
"""OpenAI's models, and the days of their shutdown."""

_RETIRED = ("gpt-4.1-nano", "gpt-4o-2024-05-13", "o4-mini")


@dataclass(frozen=True)
class _Claude:
    """A model of Anthropic: its whole id, how far it is in its life, which efforts and kinds of thinking it takes."""

    id: str
    line: str
    lifecycle: str = "active"
    retires_at: str | None = None
    efforts: tuple[str, ...] = _EFFORTS
    thinking: tuple[str, ...] = ("adaptive",)
    max_tokens: int = 128_000


_ANTHROPIC: Mapping[str, _Claude] = {
    "claude-haiku-5-5": _Claude("claude-haiku-5-5", "haiku", thinking=("adaptive", "disabled")),
    "claude-sonnet-5-5": _Claude("claude-sonnet-5-5", "sonnet", thinking=("adaptive", "between_tools")),
    "claude-opus-5-5": _Claude("claude-opus-5-5", "opus"),
    "claude-haiku-4-5": _Claude(
        "claude-haiku-4-5-20251001", "haiku", efforts=(), thinking=("enabled", "disabled"), max_tokens=64_000
    ),
    "claude-sonnet-4-5": _Claude(
        "claude-sonnet-4-5-20250929",
        "sonnet",
        lifecycle="retired",
        retires_at="2026-11-30T00:00:00Z",
        efforts=(),
        thinking=("enabled", "disabled"),
        max_tokens=64_000,
    ),
}
"""Anthropic's models, by the shortest name of each."""


def answer(request: Request) -> Response | None:
    """Answer a request for a model, or for all of them; None where it is about something else."""
    match = _PATH.fullmatch(request.path)
    if match is None or request.method != "GET":
        return None
    name = unquote(match["name"] or "")
    return _anthropic(request, name) if "anthropic-version" in request.headers else _openai(request, name)


def _openai(request: Request, name: str) -> Response:
    if not request.headers.get("authorization", "").removeprefix("Bearer").strip():
        return _openai_error(401, "Incorrect API key provided.", "invalid_api_key")
    if not name:
        return Response.of_json(200, {"object": "list", "data": [_openai_model(name) for name in _OPENAI]})
    if name in _RETIRED:
        link = "https://developers.openai.com/api/docs/deprecations"
        return _openai_error(404, f"The model `{name}` has been deprecated, learn more here: {link}", "model_not_found")
    if name not in _OPENAI:
        said = f"The model `{name}` does not exist or you do not have access to it."
        return _openai_error(404, said, "model_not_found")
    return Response.of_json(200, _openai_model(name))


def _openai_model(name: str) -> dict[str, Any]:
    return {
        "id": name,
        "object": "model",
        "created": _CREATED_S,
        "owned_by": "system",
        "shutdown_date": _OPENAI[name],
    }


def _openai_error(status: int, message: str, code: str) -> Response:
    error = {"message": message, "type": "invalid_request_error", "param": None, "code": code}
    return Response.of_json(status, {"error": error})


def _anthropic(request: Request, name: str) -> Response:
    if not (request.headers.get("x-api-key") or request.headers.get("authorization")):
        return _anthropic_error(401, "authentication_error", "invalid x-api-key")
    if not name:
        models = [_claude(model) for model in _ANTHROPIC.values()]
        ends = {"first_id": models[0]["id"], "last_id": models[-1]["id"], "has_more": False}
        return Response.of_json(200, {"data": models, **ends})
    found = next((model for short, model in _ANTHROPIC.items() if name in (short, model.id)), None)
    if found is None:
        return _anthropic_error(404, "not_found_error", f"model: {name}")
    return Response.of_json(200, _claude(found))


def _claude(model: _Claude) -> dict[str, Any]:
    kinds = ("adaptive", "between_tools", "disabled", "enabled")
    tools = ("code_execution", "web_search")
    plain = ("batch", "citations", "code_execution", "image_input", "pdf_input", "structured_outputs")
    return {
        "type": "model",
        "id": model.id,
        "display_name": model.id.replace("-", " ").title(),
        "created_at": _CREATED,
        "lifecycle": model.lifecycle,
        "deprecated_at": _CREATED if model.lifecycle != "active" else None,
        "retires_at": model.retires_at,
        "line": model.line,
        "max_input_tokens": 1_000_000,
        "max_tokens": model.max_tokens,
        "capabilities": {
            **_supported(plain, plain),
            "context_management": {"supported": True},
            "server_tools": {"supported": True, **_supported(tools, tools)},
            "effort": {"supported": bool(model.efforts), **_supported(_EFFORTS, model.efforts)},
            "thinking": {"supported": True, "types": _supported(kinds, model.thinking)},
        },
    }


def _supported(names: Iterable[str], those: Iterable[str]) -> dict[str, Any]:
    return {name: {"supported": name in those} for name in names}


def _anthropic_error(status: int, kind: str, message: str) -> Response:
    request_id = f"req_{uuid.uuid4().hex[:24]}"
    error = {"type": "error", "error": {"type": kind, "message": message}, "request_id": request_id}
    return Response.of_json(status, error, {"request-id": request_id})
