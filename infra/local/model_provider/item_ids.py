"""Ids of a Responses answer's items, which tell whether their answer began with reasoning."""

import uuid

from infra.local.model_provider.signing import sign

_RANDOM, _MARK = 24, 16


def response_id(*, has_reasoning: bool) -> str:
    """Return the id that all items of an answer share."""
    random = uuid.uuid4().hex[:_RANDOM]
    return random + (sign("reasoned", random)[:_MARK] if has_reasoning else uuid.uuid4().hex[:_MARK])


def item_id(kind: str, response: str, number: int = 0) -> str:
    """Return the id of one item: `kind` is rs, msg or fc."""
    return f"{kind}_{response}{number:02x}"


def response_of(item: str) -> str:
    """Return the answer that an item's id belongs to; empty for one that was not made here."""
    response = item.partition("_")[2][: _RANDOM + _MARK]
    return response if len(response) == _RANDOM + _MARK else ""


def has_reasoning(response: str) -> bool:
    """Say whether an answer began with reasoning."""
    return bool(response) and response[_RANDOM:] == sign("reasoned", response[:_RANDOM])[:_MARK]
