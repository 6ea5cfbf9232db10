"""How each server that speaks OpenAI's protocols says that something went wrong."""

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from http.client import responses as phrases
from typing import Any

from infra.local.faults import RETRY_AFTER_S, STATUSES
from infra.local.http_service import Response
from infra.local.model_provider.rules.rule import Refusal

_BAD_REQUEST = 400
_WRONG = "invalid_request_error"
_NO_SUCH = "The model `{model}` does not exist or you do not have access to it."
_DEPRECATED = "The model `{model}` has been deprecated, learn more here: https://platform.openai.com/docs/deprecations"
_FILTERED = (
    "The response was filtered due to the prompt triggering Azure OpenAI's content management policy. "
    "Please modify your prompt and retry."
)
_SEVERITIES = {name: {"filtered": name == "violence", "severity": "safe"} for name in ("hate", "self_harm", "violence")}


@dataclass(frozen=True, slots=True)
class Error:
    """An error before a server shapes it; `more` is what only one server adds."""

    status: int
    message: str
    type: str = _WRONG
    code: str | None = None
    param: str | None = None
    more: Mapping[str, Any] | None = None


_OF_OPENAI: Mapping[str, Error] = {
    "error": Error(500, "The server had an error while processing your request.", "server_error"),
    "unavailable": Error(503, "The engine is currently overloaded.", "server_error", "service_unavailable"),
    "rate_limit": Error(429, "Rate limit reached. Please try again in 1s.", "requests", "rate_limit_exceeded"),
    "no_credit": Error(402, "You exceeded your current quota.", "insufficient_quota", "insufficient_quota"),
    "bad_key": Error(401, "Incorrect API key provided.", _WRONG, "invalid_api_key"),
    "bad_request": Error(400, "Invalid request."),
    "model_gone": Error(404, _DEPRECATED, _WRONG, "model_not_found", "model"),
}
_OWN: Mapping[tuple[str, str], Error] = {
    ("azure", "model_gone"): Error(
        404, "The API deployment for this resource does not exist.", _WRONG, "DeploymentNotFound"
    ),
    ("azure", "filter"): Error(
        400,
        _FILTERED,
        _WRONG,
        "content_filter",
        "prompt",
        {"innererror": {"code": "ResponsibleAIPolicyViolation", "content_filter_result": _SEVERITIES}},
    ),
    ("gemini", "model_gone"): Error(
        404, "models/{model} is not found for API version v1main, or is not supported for generateContent."
    ),
    ("groq", "model_gone"): Error(
        400,
        "The model `{model}` has been decommissioned and is no longer supported. Please refer to "
        "https://console.groq.com/docs/deprecations for a recommendation on which model to use instead.",
        _WRONG,
        "model_decommissioned",
    ),
    ("mistral", "model_gone"): Error(400, "Invalid model: {model}", "invalid_model", "1500"),
    ("deepseek", "model_gone"): Error(400, "Model Not Exist", _WRONG, "invalid_request_error"),
    ("deepseek", "no_credit"): Error(402, "Insufficient Balance", "unknown_error", "invalid_request_error"),
    ("xai", "model_gone"): Error(404, _NO_SUCH, code="The requested resource was not found"),
    ("openrouter", "model_gone"): Error(404, "No endpoints found for {model}."),
    ("openrouter", "filter"): Error(
        403,
        "{model} requires moderation on OpenInference. Your input was flagged for violence.",
        more={"metadata": {"reasons": ["violence"], "flagged_input": "...", "provider_name": "OpenInference"}},
    ),
    ("together", "model_gone"): Error(404, "Unable to access model {model}.", _WRONG, "model_not_available"),
    ("vllm", "model_gone"): Error(404, "The model `{model}` does not exist.", "NotFoundError", param="model"),
    ("ollama", "model_gone"): Error(404, 'model "{model}" not found, try pulling it first', "api_error"),
    ("litellm", "filter"): Error(400, _FILTERED, _WRONG, "content_filter"),
}
_KINDS_OF_LITELLM = {
    400: "BadRequestError",
    401: "AuthenticationError",
    402: "APIError",
    403: "APIError",
    404: "NotFoundError",
    429: "RateLimitError",
    500: "InternalServerError",
    503: "ServiceUnavailableError",
}
_TYPES_OF_LITELLM = {401: "authentication_error", 403: "permission_error", 429: "throttling_error"}
_NOTE_OF_LITELLM = "\n\nLiteLLM: model group 'local' failed with the error above. No fallback was attempted."
_STATES_OF_GEMINI = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    402: "FAILED_PRECONDITION",
    404: "NOT_FOUND",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    503: "UNAVAILABLE",
}


def _openai(error: Error) -> Any:
    told = {"message": error.message, "type": error.type, "param": error.param, "code": error.code}
    return {"error": {**told, **(error.more or {})}}


def _gemini(error: Error) -> Any:
    state = _STATES_OF_GEMINI.get(error.status, "UNKNOWN")
    return [{"error": {"code": error.status, "message": error.message, "status": state}}]


def _mistral(error: Error) -> Any:
    told = {"message": error.message, "type": error.type, "param": error.param, "code": error.code}
    return {"object": "error", **told, "raw_status_code": error.status}


def _xai(error: Error) -> Any:
    return {"code": error.code or phrases.get(error.status, "Client error"), "error": error.message}


def _openrouter(error: Error) -> Any:
    return {"error": {"message": error.message, "code": error.status, **(error.more or {})}, "user_id": "user_local"}


def _vllm(error: Error) -> Any:
    kind = error.type if error.type != _WRONG else "BadRequestError"
    return {"error": {"message": error.message, "type": kind, "param": error.param, "code": error.status}}


def _litellm(error: Error) -> Any:
    name = _KINDS_OF_LITELLM.get(error.status, "APIError")
    kind = name if error.status == _BAD_REQUEST else f"{name}: {name}"
    if error.code == "content_filter":
        kind = "BadRequestError: litellm.ContentPolicyViolationError: ContentPolicyViolationError"
    message = f"litellm.{kind}: OpenAIException - {error.message}{_NOTE_OF_LITELLM}"
    otherwise = _WRONG if error.status < STATUSES["error"] else "internal_server_error"
    told = {"message": message, "type": _TYPES_OF_LITELLM.get(error.status, otherwise)}
    return {"error": {**told, "param": None, "code": str(error.status)}}


def _portkey(error: Error) -> Any:
    if error.code == "portkey":
        return {"status": "failure", "message": error.message}
    return {**_openai(replace(error, message=f"openai error: {error.message}")), "provider": "openai"}


_SHAPES: Mapping[str, Callable[[Error], Any]] = {
    "gemini": _gemini,
    "mistral": _mistral,
    "xai": _xai,
    "openrouter": _openrouter,
    "vllm": _vllm,
    "litellm": _litellm,
    "portkey": _portkey,
}


_PAUSES = {"litellm": "llm_provider-retry-after"}
"""The header in which a server asks for a pause, where it is not the usual one."""

IN_200: Mapping[str, Any] = {"error": {"message": "Rate limit exceeded", "code": 429}, "choices": []}
"""The body of a rate limit that comes with the status 200, as gateways send it."""


def answer(server: str, error: Error) -> Response:
    """Return an error as a server shapes it."""
    headers = {"x-request-id": f"req_{uuid.uuid4().hex}"}
    if error.status == STATUSES["rate_limit"]:
        headers[_PAUSES.get(server, "Retry-After")] = str(RETRY_AFTER_S)
    return Response.of_json(error.status, _SHAPES.get(server, _openai)(error), headers)


def refused(server: str, refusal: Refusal) -> Response:
    """Return the answer to a request that a rule refuses."""
    if refusal.code == "model_not_found" and server == "azure":
        return answer(server, _OWN[server, "model_gone"])
    return answer(server, Error(refusal.status, refusal.message, _WRONG, refusal.code, refusal.param))


def failed(server: str, mode: str, *, message: str = "") -> Response:
    """Return the answer in one of `faults.STATUSES`."""
    error = _OWN.get((server, mode)) or _OF_OPENAI[mode]
    return answer(server, replace(error, message=message or error.message))


def own(server: str, mode: str, model: str) -> Response | None:
    """Return the error that a server has of its own for a mode, of a model; None where it has none."""
    error = _OWN.get((server, mode)) or _OF_OPENAI.get(mode)
    return answer(server, replace(error, message=error.message.format(model=model))) if error else None
