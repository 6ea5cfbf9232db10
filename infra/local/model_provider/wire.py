"""What every protocol module offers, and helpers to read requests as strictly as the real services do."""

import datetime as dt
import json
from collections.abc import Mapping
from typing import Any, Protocol

from infra.local.http_service import Request, Response
from infra.local.model_provider.chat import Asked, BadRequestError, Completion
from infra.local.model_provider.rules.rule import Refusal, Sent


class Wire(Protocol):
    """One provider's protocol."""

    def has_key(self, headers: Mapping[str, str]) -> bool:
        """Say whether a request carries credentials."""

    def read(self, sent: Sent, size: int) -> Asked:
        """Read a request of `size` bytes; raises BadRequestError."""

    def write(self, asked: Asked, completion: Completion) -> dict[str, Any]:
        """Return the body of an answer."""

    def fail(self, mode: str, message: str = "") -> Response:
        """Return an error answer: `mode` is one of `faults.STATUSES`."""

    def refuse(self, refusal: Refusal) -> Response:
        """Return the answer to a request that a rule refuses."""

    def play(self, mode: str, asked: Asked) -> Response | None:
        """Return an error that is the provider's own: `mode` is model_gone, error_in_200 or filter.

        None where the provider says so in an ordinary answer instead: then `write` is given that finish.
        """

    def other_model(self, asked: Asked) -> str:
        """Return the name of another model of this provider than the one that is asked."""


def sent_of(request: Request, name: str, server: str, today: dt.date) -> Sent:
    """Read what every protocol has; `name` is the model in the path, or empty. Raises BadRequestError."""
    body = body_of(request)
    return Sent(name or required(body, "model", str), body, request.headers, server, today)


def body_of(request: Request) -> dict[str, Any]:
    """Read the body as a JSON object."""
    try:
        body = json.loads(request.body, parse_constant=_refuse)
        json.dumps(body, ensure_ascii=False).encode()  # half of a surrogate pair is no text
    except (ValueError, RecursionError) as error:
        raise BadRequestError("the body of the request is not valid JSON") from error
    fields: dict[str, Any] = checked(body, dict, "the body")
    return fields


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no JSON")


def checked(value: Any, kind: type[Any], what: str) -> Any:
    """Return a value that has a type; raises BadRequestError."""
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise BadRequestError(f"{what}: expected {kind.__name__}, got {type(value).__name__}")
    return value


def required(body: Mapping[str, Any], name: str, kind: type[Any]) -> Any:
    """Return a field that must be there, and not empty."""
    if name not in body:
        raise BadRequestError(f"{name}: field required")
    value = checked(body[name], kind, name)
    if kind is not int and not value:
        raise BadRequestError(f"{name}: must not be empty")
    return value


def limit(value: Any, what: str) -> int | None:
    """Return a limit of tokens, from 1; None where there is none."""
    if value is None:
        return None
    if checked(value, int, what) < 1:
        raise BadRequestError(f"{what}: must be at least 1")
    return int(value)


def texts_of(content: Any) -> list[str]:
    """Return the text parts of a message's content: a string, or blocks."""
    if content is None or isinstance(content, str):
        return [content or ""]
    return [str(block["text"]) for block in checked(content, list, "content") if "text" in block]


def text_of(content: Any) -> str:
    """Join the text of a message's content."""
    return "".join(texts_of(content))
