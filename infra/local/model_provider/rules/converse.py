"""Reads a Converse request to Claude as the Messages request that Bedrock makes of it."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from infra.local.model_provider.rules.rule import Sent
from infra.local.model_provider.rules.shapes import objects, within

_VERSION = "2023-06-01"
_EXTRA = ("thinking", "output_config", "top_k", "stop_sequences")
"""Fields of a Messages request that `additionalModelRequestFields` may carry."""


def as_messages(sent: Sent, name: str) -> Sent:
    """Return the same request as Anthropic's API would get it; `name` is the model's name there."""
    body, extra = sent.body, within(sent.body, "additionalModelRequestFields") or {}
    betas = within(extra, "anthropic_beta")
    headers = {**sent.headers, "anthropic-version": _VERSION, "anthropic-beta": ",".join(map(str, betas or ()))}
    messages = {
        "model": name,
        "max_tokens": within(body, "inferenceConfig", "maxTokens"),
        "temperature": within(body, "inferenceConfig", "temperature"),
        "top_p": within(body, "inferenceConfig", "topP"),
        "system": _marked(body.get("system"), _system),
        "tools": _marked(within(body, "toolConfig", "tools"), _tool),
        "messages": [
            {"role": message.get("role"), "content": _marked(message.get("content"), _content)}
            for message in objects(body.get("messages"))
        ],
        "tool_choice": _choice(within(body, "toolConfig", "toolChoice")),
        **{field: extra[field] for field in _EXTRA if field in extra},
        "output_config": _output(body.get("outputConfig"), within(extra, "output_config")),
    }
    given = {field: value for field, value in messages.items() if value is not None and value != []}
    return Sent(name, given, headers, sent.server, sent.today)


def _marked(parts: Any, read: Any) -> list[dict[str, Any]]:
    """Return parts with each cache point as a mark on the part before it."""
    found: list[dict[str, Any]] = []
    for part in objects(parts):
        point = part.get("cachePoint")
        if not isinstance(point, Mapping):
            found.append(read(part))
        elif found:
            found[-1]["cache_control"] = {"type": "ephemeral", "ttl": point.get("ttl", "5m")}
    return found


def _system(part: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "text", "text": part.get("text", "")}


def _tool(part: Mapping[str, Any]) -> dict[str, Any]:
    spec = within(part, "toolSpec") or {}
    fields = {"name": "name", "description": "description", "strict": "strict"}
    return {ours: spec[theirs] for theirs, ours in fields.items() if theirs in spec} | {
        "input_schema": within(spec, "inputSchema", "json")
    }


def _content(part: Mapping[str, Any]) -> dict[str, Any]:
    if "toolUse" in part:
        use = part["toolUse"]
        return {
            "type": "tool_use",
            "id": within(use, "toolUseId"),
            "name": within(use, "name"),
            "input": within(use, "input"),
        }
    if "toolResult" in part:
        result = part["toolResult"]
        content = [dict(_result(piece)) for piece in objects(within(result, "content"))]
        return {"type": "tool_result", "tool_use_id": within(result, "toolUseId"), "content": content}
    if "reasoningContent" in part:
        return _thought(part["reasoningContent"])
    return {"type": "text", "text": part["text"]} if "text" in part else {"type": "other", **part}


def _result(piece: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    yield "type", "text"
    yield "text", piece["text"] if "text" in piece else json.dumps(piece.get("json"), sort_keys=True)


def _thought(reasoning: Any) -> dict[str, Any]:
    if within(reasoning, "redactedContent") is not None:
        return {"type": "redacted_thinking", "data": reasoning["redactedContent"]}
    said = within(reasoning, "reasoningText") or {}
    fields = {"text": "thinking", "signature": "signature"}
    return {"type": "thinking"} | {ours: said[theirs] for theirs, ours in fields.items() if theirs in said}


def _choice(choice: Any) -> dict[str, Any] | None:
    kind = next(iter(choice), None) if isinstance(choice, Mapping) else None
    return None if kind is None else {"type": kind, **({"name": choice["tool"].get("name")} if kind == "tool" else {})}


def _output(config: Any, extra: Any) -> dict[str, Any] | None:
    """Join what Converse has for the answer's form and effort with what was sent past it."""
    form, effort = within(config, "textFormat"), within(config, "effort")
    given = dict(extra) if isinstance(extra, Mapping) else {}
    if effort is not None:
        given["effort"] = effort
    if form is not None:
        given["format"] = {"type": "json_schema", "schema": schema_in(form)}
    return given or None


def schema_in(form: Any) -> Any:
    """Return the schema in a `textFormat`, which is a JSON text; None where it is none."""
    try:
        return json.loads(within(form, "structure", "jsonSchema", "schema"))
    except (TypeError, ValueError):
        return None
