"""Holds every answer of the API to its contract: statuses, content types, headers, and bodies without other members."""

import json
import re
from collections.abc import Mapping
from functools import cache
from typing import Any

from jsonschema_rs import Draft202012Validator
from turnkeeper.api.contract import document

DOCUMENT: dict[str, Any] = json.loads(document())
_ROUTES = {path: re.compile(re.sub(r"\{\w+\}", "[^/]+", path)) for path in DOCUMENT["paths"]}
_CLOSED = {
    name: {**schema, "additionalProperties": False} if "properties" in schema else schema
    for name, schema in DOCUMENT["components"]["schemas"].items()
}
"""The contract lets members be added; here it is closed, so that every added member must be in the contract."""


def route_of(method: str, path: str) -> str | None:
    """Return the contract's path (with its parameters) that a request's path matches."""
    routes = (route for route, pattern in _ROUTES.items() if pattern.fullmatch(path))
    return next((route for route in routes if method.lower() in DOCUMENT["paths"][route]), None)


def hold_to_contract(method: str, path: str, status: int, headers: Mapping[str, str], text: str) -> None:
    """Raise AssertionError if an answer is not as the contract says."""
    route = route_of(method, path)
    if route is None:
        assert status == 404, f"{method} {path} is no route, and answers {status}"
        return
    responses = DOCUMENT["paths"][route][method.lower()]["responses"]
    assert str(status) in responses, f"{method} {path} answers {status}, which its contract does not name"
    response = responses[str(status)]
    _hold_headers(response.get("headers", {}), {name.lower(): value for name, value in headers.items()})
    content = response.get("content")
    if content is None:
        assert text == ""
        return
    ((kind, body),) = content.items()
    assert {name.lower(): value for name, value in headers.items()}["content-type"] == kind
    errors = [error.message for error in _validator(json.dumps(body["schema"])).iter_errors(json.loads(text))]
    assert [] == errors, f"{method} {path} {status}: {text[:500]}"


def _hold_headers(documented: Mapping[str, Any], sent: Mapping[str, str]) -> None:
    for name, header in documented.items():
        value = sent.get(name.lower())
        if value is None:
            assert not header.get("required"), f"{name} is missing"
            continue
        is_number = header["schema"].get("type") == "integer"
        _validator(json.dumps(header["schema"])).validate(int(value) if is_number else value)
    extra = sent.keys() & {"location", "retry-after", "idempotency-replayed"} - {name.lower() for name in documented}
    assert set() == extra


@cache
def _validator(schema: str) -> Draft202012Validator:
    return Draft202012Validator({**json.loads(schema), "components": {"schemas": _CLOSED}})
