"""Asks the local model provider in this process, as a client of each API would."""

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from infra.local.http_service import Request, Response
from infra.local.model_provider.annotated import Annotations
from infra.local.model_provider.app import Provider
from infra.local.model_provider.brain import Brain

Json = dict[str, Any]

NOW = 1796083200.0
"""Tuesday, 2026-12-01, 00:00 UTC."""

QUERY: Json = {
    "type": "object",
    "properties": {"query": {"type": "string"}},
    "required": ["query"],
    "additionalProperties": False,
}
ANSWER: Json = {
    "type": "object",
    "properties": {"reply": {"type": "string"}, "confidence": {"type": "number"}},
    "required": ["reply", "confidence"],
    "additionalProperties": False,
}
SIGNED = "AWS4-HMAC-SHA256 Credential=AKIA/20261201/eu-central-1/bedrock/aws4_request, SignedHeaders=host, Signature=00"
VERSION = "2023-06-01"


class Clock:
    """Seconds that a test moves."""

    def __init__(self, now: float = NOW) -> None:
        self.now = now

    def __call__(self) -> float:
        """Return the time."""
        return self.now


def provider(clock: Clock | None = None) -> Provider:
    """Make a provider that knows no annotated conversations."""
    return Provider(Brain(Annotations()), clock or Clock())


def play(double: Provider, mode: str) -> None:
    """Let every model fail in a mode."""
    rules = json.dumps([{"model": "*", "mode": mode}]).encode()
    assert double(Request("PUT", "/_faults", {}, {}, rules)).status == 200


def calls(double: Provider) -> list[Json]:
    """Return the calls that the provider lists."""
    listed: list[Json] = json.loads(double(Request("GET", "/_calls", {}, {}, b"")).body)
    return listed


def messages(double: Provider, body: Mapping[str, Any], **headers: str) -> Response:
    """Ask over Anthropic's API; a header's name is written with underscores."""
    given = {"x-api-key": "k", "anthropic-version": VERSION, **{n.replace("_", "-"): v for n, v in headers.items()}}
    return double(Request("POST", "/v1/messages", {}, given, json.dumps(body).encode()))


def converse(double: Provider, model: str, body: Mapping[str, Any], authorization: str = SIGNED) -> Response:
    """Ask over Bedrock's Converse."""
    path = f"/model/{quote(model, safe='')}/converse"
    return double(Request("POST", path, {}, {"authorization": authorization}, json.dumps(body).encode()))


def read(response: Response) -> Json:
    """Return the body of an answer that must be one."""
    body: Json = json.loads(response.body)
    assert response.status == 200, body
    return body
