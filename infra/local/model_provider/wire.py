"""What every protocol module offers, and helpers to read requests as strictly as the real services do."""

from collections.abc import Mapping
from typing import Any, Protocol

from infra.local.http_service import Request, Response
from infra.local.model_provider.chat import Asked, BadRequestError, Completion


class Wire(Protocol):
    """One provider's protocol."""

    def read(self, request: Request, name: str) -> Asked:
        """Read a request; `name` is the model in the path, or empty. Raises BadRequestError."""

    def write(self, asked: Asked, completion: Completion) -> dict[str, Any]:
        """Return the body of an answer."""

    def fail(self, mode: str, message: str = "") -> Response:
        """Return an error answer: `mode` is one of `faults.STATUSES`."""

    def has_key(self, headers: Mapping[str, str]) -> bool:
        """Say whether a request carries credentials."""


def body_of(request: Request) -> dict[str, Any]:
    """Read the body as a JSON object."""
    try:
        body = request.json()
    except ValueError as error:
        raise BadRequestError("the body of the request is not valid JSON") from error
    fields: dict[str, Any] = checked(body, dict, "the body")
    return fields


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


def text_of(content: Any, key: str = "text") -> str:
    """Join the text of a message's content: a string, or blocks."""
    if content is None or isinstance(content, str):
        return content or ""
    return "".join(str(block[key]) for block in checked(content, list, "content") if key in block)
