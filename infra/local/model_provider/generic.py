"""Answers for any other agent: uses a tool whose purpose is plain, and fills the answer's schema from what is known."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from infra.local.model_provider.chat import Asked, Call, Reply
from infra.local.model_provider.filling import Filling, words

_ORDER = re.compile(r"\b[A-Z]{1,4}-\d{2,}\b")
_AMOUNT = re.compile(
    r"(?:\$|€|\bUSD|\bEUR)\s*(\d+(?:\.\d{1,2})?)|\b(\d+(?:\.\d{1,2})?)\s*(?:USD|dollars|EUR|euros)\b|\b(\d+\.\d{2})\b"
)
_SURE, _LOST = 0.93, 0.50


def reply(asked: Asked) -> Reply:
    """Call the one tool that the message asks for, or answer."""
    call = None if asked.results else _call(asked)
    if call:
        return call
    text, confidence, facts = _answer(asked)
    if asked.schema is None:
        return Reply(text)
    message = asked.said[-1] if asked.said else ""
    known = {**facts, "reply": text, "confidence": confidence}
    filled = Filling(asked.schema, known, message, asked.system).value(asked.schema)
    return Reply(json.dumps(filled, ensure_ascii=False))


def _call(asked: Asked) -> Reply | None:
    message, everything = (asked.said[-1], "\n".join(asked.said)) if asked.said else ("", "")
    order, amount = _last(_ORDER, everything), _last(_AMOUNT, everything)
    news = "refund" in message.lower() or _last(_ORDER, message) or _last(_AMOUNT, message)
    for name, schema in asked.tools.items():
        if "refund" in name and "refund" in everything.lower() and news and order and amount:
            return Reply.call(name, _arguments(schema, order, amount, message))
    for name, schema in asked.tools.items():
        if order and order in message and schema.get("required") == ["order_id"] and "refund" not in name:
            return Reply.call(name, {"order_id": order})
    for name, schema in asked.tools.items():
        if schema.get("required") == ["query"]:
            return Reply.call(name, {"query": message})
    return None


def _arguments(schema: Mapping[str, Any], order: str, amount: str, message: str) -> dict[str, Any]:
    """Fill a refund's arguments: a number, or a text where the schema wants one."""
    facts: dict[str, Any] = {}
    for name, part in schema.get("properties", {}).items():
        if "order" in name:
            facts[name] = order
        elif "amount" in name:
            facts[name] = float(amount) if part.get("type") in ("number", "integer") else amount
    filled: dict[str, Any] = Filling(schema, facts, message).value(schema)
    return filled


def _answer(asked: Asked) -> tuple[str, float, dict[str, Any]]:
    """Return what to say, how sure it is, and what is known for the output."""
    if not asked.results:
        if asked.tools:
            return "I am not sure that I understood. Could you tell me more?", _LOST, {}
        return "Thank you, I have taken care of your message.", _SURE, {}
    call, result = asked.results[-1]
    if isinstance(result, dict) and "error" in result:
        return f"I am sorry, that was not possible: {result['error']}.", 0.90, {}
    facts = {**call.arguments, **result} if isinstance(result, dict) else dict(call.arguments)
    if "query" in call.arguments:
        passage = _passage(str(call.arguments["query"]), result)
        return (passage, _SURE, facts) if passage else ("I could not find an answer to that.", _LOST, {})
    return _report(call, facts), 0.95, facts


def _report(call: Call, facts: Mapping[str, Any]) -> str:
    """Say what a tool did or found, in the order in which it said it."""
    plain = {k: v for k, v in facts.items() if isinstance(v, (str, int, float)) and v != ""}
    found = ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in plain.items())
    return f"{'Your refund is made' if 'refund' in call.name else 'Here is what I found'}: {found}."


def _passage(query: str, result: Any) -> str:
    """Return the passage of a result that shares most words with the query; empty where none shares any."""
    wanted = words(query)
    best = max(_passages(result), key=lambda passage: len(wanted & words(passage)), default="")
    return best if wanted & words(best) else ""


def _passages(result: Any) -> Iterator[str]:
    if isinstance(result, str):
        yield from (part.strip() for part in re.split(r"\n{2,}", result) if len(part.split()) > 1)
    elif isinstance(result, (list, dict)):
        for part in result.values() if isinstance(result, dict) else result:
            yield from _passages(part)


def _last(pattern: re.Pattern[str], text: str) -> str:
    found = list(pattern.finditer(text))
    return next((group for group in (found[-1].groups() or (found[-1][0],)) if group), "") if found else ""
