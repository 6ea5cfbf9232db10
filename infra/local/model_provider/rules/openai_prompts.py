"""What a model reads of a request to OpenAI, in the order in which it is cached, and thoughts are bound to it.

Sources: https://developers.openai.com/api/docs/guides/prompt-caching and `openai.types.responses.response`.
"""

import json
from collections.abc import Mapping
from typing import Any

from infra.local.model_provider.prompt_cache import Caching, segment
from infra.local.model_provider.rules.openai_models import model
from infra.local.model_provider.rules.rule import Sent
from infra.local.model_provider.signing import Thought, account, digest

LEAST_TOKENS = 1024
_LIVES_S = {"30m": 1_800, "12h": 43_200, "24h": 86_400, "in_memory": 600}


def items(body: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return a Responses request's input as items that all have a type."""
    given = body.get("input") or []
    if isinstance(given, str):
        return [{"type": "message", "role": "user", "content": given}]
    return [item if "type" in item else {"type": "message", **item} for item in given]


def response_prompt(body: Mapping[str, Any]) -> tuple[bytes, ...]:
    """Return the segments of a Responses request: tools, instructions, then each item without its id and status."""
    read = [{name: value for name, value in i.items() if name not in ("id", "status")} for i in items(body)]
    return (segment(body.get("tools") or []), segment(body.get("instructions") or ""), *map(segment, read))


def chat_prompt(body: Mapping[str, Any]) -> tuple[bytes, ...]:
    """Return the segments of a chat completion's request: tools, then each message."""
    return (segment(body.get("tools") or []), *map(segment, body["messages"]))


def caching(sent: Sent, effort: str, answer_format: Any, prompt: tuple[bytes, ...]) -> Caching:
    """Return how a request may use the cache: implicitly, or where it says so explicitly."""
    body = sent.body
    options = body.get("prompt_cache_options") or {}
    is_new = model(sent.model).has_cache_options
    life_s = _LIVES_S[options.get("ttl") or body.get("prompt_cache_retention") or ("30m" if is_new else "in_memory")]
    scope = [account(sent.headers), sent.server, sent.model, body.get("prompt_cache_key"), effort, answer_format]
    breakpoints = None
    if options.get("mode") == "explicit":
        breakpoints = tuple(n for n, part in enumerate(prompt) if b'"prompt_cache_breakpoint"' in part)
    return Caching(json.dumps(scope, sort_keys=True), LEAST_TOKENS, life_s, breakpoints, bills_writes=is_new)


def removed(sent: Sent) -> list[dict[str, str]]:
    """Return the thoughts that are not shown to the model, as `input_transformations` lists them.

    Those of another account or another model, and those whose prefix has changed since.
    """
    prompt, own = response_prompt(sent.body), account(sent.headers)
    found = []
    for number, item in enumerate(items(sent.body)):
        thought = Thought.opened(item.get("encrypted_content")) if item["type"] == "reasoning" else None
        if thought is None:
            continue
        reasons = {
            "organization_mismatch": thought.account != own,
            "model_mismatch": thought.model != sent.model,
            "prefix_mismatch": thought.prefix != digest(prompt[: 2 + number]),
        }
        reason = next((name for name, is_so in reasons.items() if is_so), None)
        if reason:
            about = {"id": str(item.get("id") or f"rs_{thought.response}"), "action": "removed"}
            found.append({**about, "reason": reason, "type": "reasoning"})
    return found
