"""OpenAI's responses.

Source: https://platform.openai.com/docs/api-reference/responses/create, `openai.types.responses`.
"""

import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from infra.local.http_service import Response
from infra.local.model_provider import errors
from infra.local.model_provider.chat import (
    Asked,
    BadRequestError,
    Call,
    Completion,
    Message,
    Usage,
    parsed,
    thinking_tokens,
)
from infra.local.model_provider.chat_completions import (
    callable_tools,
    has_bearer,
    other_than,
    refuse_what_is_not_played,
    served_by,
)
from infra.local.model_provider.item_ids import item_id, response_id
from infra.local.model_provider.rules.openai_prompts import caching, items, removed, response_prompt
from infra.local.model_provider.rules.openai_requests import responses_effort
from infra.local.model_provider.rules.rule import Refusal, Sent
from infra.local.model_provider.rules.servers import Server
from infra.local.model_provider.signing import Thought, account, digest
from infra.local.model_provider.wire import limit, required, text_of, texts_of

_INCOMPLETE = {"length": "max_output_tokens", "filter": "content_filter"}
_LIMITED = {"code": "rate_limit_exceeded", "message": "Rate limit reached. Please try again in 1s."}


@dataclass(frozen=True, slots=True)
class Responses:
    """The protocol as one server speaks it."""

    server: Server

    def has_key(self, headers: Mapping[str, str]) -> bool:
        """Say whether there is a key."""
        return has_bearer(headers)

    def read(self, sent: Sent, size: int) -> Asked:
        """Read a request."""
        body, prompt, effort = sent.body, response_prompt(sent.body), responses_effort(sent)
        required(body, "input", object)
        refuse_what_is_not_played(body)
        form = (body.get("text") or {}).get("format") or {}
        inputs = items(body)
        told = [text_of(i["content"]) for i in inputs if i.get("role") in ("system", "developer")]
        return Asked(
            model=sent.model,
            system="\n\n".join(filter(None, [body.get("instructions"), *told])),
            messages=tuple(m for item in inputs for m in _messages(item)),
            max_tokens=limit(body.get("max_output_tokens"), "max_output_tokens"),
            size=size,
            tools=callable_tools(body, body.get("tools") or ()),
            declared_schema=form["schema"] if form.get("type") == "json_schema" else None,
            thinking=thinking_tokens(effort),
            account=account(sent.headers),
            prompt=prompt,
            caching=caching(sent, effort, form, prompt),
            tier=served_by(body),
            repeats=_repeated(sent, effort),
        )

    def write(self, asked: Asked, completion: Completion) -> dict[str, Any]:
        """Return the body of an answer."""
        reason = _INCOMPLETE.get(completion.finish)
        body = {
            **_answer(asked, completion.model),
            "status": "incomplete" if reason else "completed",
            "incomplete_details": {"reason": reason} if reason else None,
            "output": list(_output(asked, completion)),
        }
        if not reason:
            body["completed_at"] = body["created_at"]
        return body | ({"usage": _usage(completion.usage)} if completion.usage else {})

    def fail(self, mode: str, message: str = "") -> Response:
        """Return an error answer."""
        return errors.failed(self.server.name, mode, message=message)

    def refuse(self, refusal: Refusal) -> Response:
        """Return the answer to a request that a rule refuses."""
        return errors.refused(self.server.name, refusal)

    def play(self, mode: str, asked: Asked) -> Response | None:
        """Return an error that is the server's own."""
        if mode == "error_in_200":
            body = {**_answer(asked, asked.model), "status": "failed", "error": _LIMITED, "output": []}
            return Response.of_json(200, body)
        return errors.own(self.server.name, mode, asked.model)

    def other_model(self, asked: Asked) -> str:
        """Return the name of another model."""
        return other_than(asked.model)


def _messages(item: Mapping[str, Any]) -> Iterator[Message]:
    match item["type"]:
        case "function_call":
            arguments = parsed(item["arguments"])
            call = Call(item["call_id"], item["name"], arguments if isinstance(arguments, dict) else {})
            yield Message("assistant", "", (call,))
        case "function_call_output":
            yield Message("tool", text_of(item["output"]), call_id=item["call_id"])
        case "message" if item["role"] == "user":
            yield Message.of_user(texts_of(item["content"]))
        case "message" if item["role"] == "assistant":
            yield Message("assistant", text_of(item["content"]))
        case "message" if item["role"] not in ("system", "developer"):
            raise BadRequestError(f"Invalid value: {item['role']!r}. Supported values are: 'assistant', 'user', ...")


def _repeated(sent: Sent, effort: str) -> dict[str, Any]:
    """Return what an answer repeats of its request."""
    body, text = sent.body, sent.body.get("text") or {}
    gone = removed(sent)
    return {
        "instructions": body.get("instructions"),
        "max_output_tokens": body.get("max_output_tokens"),
        "parallel_tool_calls": body.get("parallel_tool_calls", True),
        "prompt_cache_key": body.get("prompt_cache_key"),
        "reasoning": {"effort": effort, "summary": (body.get("reasoning") or {}).get("summary")},
        "safety_identifier": body.get("safety_identifier"),
        "temperature": body.get("temperature", 1.0),
        "text": {"format": {"type": "text"}, "verbosity": "medium", **text},
        "tool_choice": body.get("tool_choice") or "auto",
        "tools": body.get("tools") or [],
        "top_p": body.get("top_p", 1.0),
        "truncation": body.get("truncation") or "disabled",
        "metadata": body.get("metadata") or {},
        **({"input_transformations": gone} if gone else {}),
    }


def _answer(asked: Asked, model: str) -> dict[str, Any]:
    return {
        "id": f"resp_{response_id(has_reasoning=False)}",
        "object": "response",
        "created_at": int(time.time()),
        "background": False,
        "error": None,
        "incomplete_details": None,
        "model": model,
        "previous_response_id": None,
        "service_tier": asked.tier,
        "top_logprobs": 0,
        **asked.repeats,
    }


def _output(asked: Asked, completion: Completion) -> Iterator[dict[str, Any]]:
    """Write the items of an answer: reasoning first, then what is said, then calls."""
    response = response_id(has_reasoning=bool(completion.thought))
    status = "incomplete" if completion.finish in _INCOMPLETE else "completed"
    if completion.thought:
        thought = Thought(completion.model, asked.account, completion.thought, digest(asked.prompt), response)
        about = {"id": item_id("rs", response), "type": "reasoning", "summary": []}
        yield {**about, "encrypted_content": thought.sealed()}
    if completion.text:
        yield {
            "id": item_id("msg", response),
            "type": "message",
            "status": status,
            "role": "assistant",
            "phase": "commentary" if completion.calls else "final_answer",
            "content": [_said(completion)],
        }
    for number, call in enumerate(completion.calls):
        yield {
            "id": item_id("fc", response, number),
            "type": "function_call",
            "status": status,
            "call_id": call.id,
            "name": call.name,
            "arguments": json.dumps(call.arguments),
        }


def _said(completion: Completion) -> dict[str, Any]:
    if completion.finish == "refusal":
        return {"type": "refusal", "refusal": completion.text}
    return {"type": "output_text", "text": completion.text, "annotations": [], "logprobs": []}


def _usage(used: Usage) -> dict[str, Any]:
    return {
        "input_tokens": used.read,
        "input_tokens_details": {"cached_tokens": used.cache_read, "cache_write_tokens": used.cache_written},
        "output_tokens": used.written,
        "output_tokens_details": {"reasoning_tokens": used.thinking},
        "total_tokens": used.read + used.written,
    }
