"""OpenAI Responses, the one API in which OpenAI's models of today both think and call tools; Azure speaks it too.

Nothing is stored at the provider: what a model thought comes back encrypted, and is sent again with its calls.
Source: https://platform.openai.com/docs/api-reference/responses.
"""

from collections.abc import Iterator

from turnkeeper.adapters.models.http import Answered, JsonPost, json_post
from turnkeeper.adapters.models.reading import filtered, is_count, reply, shaped, text_of, usage, within
from turnkeeper.adapters.models.requests import Json, bearer, in_form, options_of, sent_id, sent_ids, thinks
from turnkeeper.adapters.secrets import Secrets
from turnkeeper.agent import Endpoint
from turnkeeper.domain.chat import Finish, Message, ModelReply, ModelRequest, Native, ToolCall, ToolSpec, Usage
from turnkeeper.domain.failures import Failure
from turnkeeper.domain.output_types import can_be_strict
from turnkeeper.domain.schemas import for_openai, loose
from turnkeeper.errors import DependencyError
from turnkeeper.ports import ModelClient

_NO_SUCH_PATH = ("404", "405", "501")
_OR_CHAT = 'if its server has no Responses, write wire = "chat" for it in the stage\'s file'
_OR_CHAT = 'if its server has no Responses, write wire = "chat" for it in the stage\'s file'
_INCOMPLETE = {"max_output_tokens": Finish.LENGTH, "content_filter": Finish.CONTENT_FILTER}


def client(endpoint: Endpoint, secrets: Secrets) -> ModelClient:
    """Make the client of an endpoint."""
    return Responses(json_post(endpoint, secrets, bearer(endpoint)))


class Responses:
    """Asks models over Responses, at a base URL that ends with the version: `https://api.openai.com/v1`."""

    def __init__(self, post: JsonPost) -> None:
        self._post = post

    def complete(self, request: ModelRequest, *, timeout_s: float) -> ModelReply:
        """Ask the model once, within a hard total of `timeout_s`; raises DependencyError."""
        body = _body(request)
        return filtered(lambda: _reply(self._send(body, timeout_s)))

    def _send(self, body: Json, timeout_s: float) -> Answered:
        try:
            return self._post.send("/responses", body, timeout_s=timeout_s)
        except DependencyError as error:
            if error.failure is Failure.BAD_REQUEST and error.detail.startswith(_NO_SUCH_PATH):
                hint = f"{error.detail}: {_OR_CHAT}"
                raise DependencyError(error.failure, hint, sent=error.sent, said=error.said) from error
            raise


# --- the request ------------------------------------------------------------------------------------------------------


def _body(request: ModelRequest) -> Json:
    body: Json = {
        "model": request.model,
        "instructions": request.system,
        "input": list(_items(request)),
        "max_output_tokens": request.max_output_tokens,
        "store": False,
        "service_tier": "default",  # what a project would choose by itself may cost twice as much
        **options_of(request),
    }
    if request.cache_key:
        body["prompt_cache_key"] = request.cache_key
    if request.effort:
        body["reasoning"] = {"effort": request.effort}
    if thinks(request):
        body["include"] = ["reasoning.encrypted_content"]
    if request.tools:
        body["tools"] = [_tool(tool) for tool in request.tools]
    if request.schema:
        form = {"type": "json_schema", "name": "answer", "schema": in_form(for_openai, request.schema), "strict": True}
        body["text"] = {"format": form}
    return body


def _tool(tool: ToolSpec) -> Json:
    """Hold a model to the arguments of a tool, where they can be written so that it can be held to them."""
    is_strict = can_be_strict(tool.schema)
    parameters = in_form(for_openai if is_strict else loose, tool.schema)
    wire = {"type": "function", "name": tool.name, "description": tool.description, "parameters": parameters}
    return {**wire, "strict": is_strict}


def _items(request: ModelRequest) -> Iterator[Json]:
    ids = sent_ids(request.messages)
    for message in request.messages:
        if message.role == "tool":
            call_id = ids.get(message.tool_call_id, message.tool_call_id)
            yield {"type": "function_call_output", "call_id": call_id, "output": message.text}
        elif message.role == "user":
            texts = [text for text in (message.text, message.note) if text]
            yield {"role": "user", "content": [{"type": "input_text", "text": text} for text in texts]}
        else:
            yield from _sent_back(message) if message.native else _said(message)


def _said(message: Message) -> Iterator[Json]:
    if message.text:
        yield {"role": "assistant", "content": message.text}
    for call in message.tool_calls:
        yield {"type": "function_call", "call_id": call.id, "name": call.name, "arguments": call.arguments}


def _sent_back(message: Message) -> Iterator[Json]:
    """Return the items of an answer as they came, but for what was mended in its calls."""
    calls = iter(message.tool_calls)
    for item in message.native.content if message.native else ():
        if item["type"] == "function_call":
            call = next(calls)
            yield {**item, "call_id": sent_id(message, call), "name": call.name, "arguments": call.arguments}
        else:
            yield item


# --- the answer -------------------------------------------------------------------------------------------------------


def _reply(answered: Answered) -> ModelReply:
    data = answered.data
    with shaped():
        items = [item for item in data["output"] if item["type"] in ("reasoning", "message", "function_call")]
        parts = [part for item in items if item["type"] == "message" for part in item["content"]]
        refusal = "".join(text_of(part["refusal"]) for part in parts if part["type"] == "refusal")
        calls = [
            ToolCall(str(item["call_id"]), str(item["name"]), text_of(item["arguments"]))
            for item in items
            if item["type"] == "function_call"
        ]
        return reply(
            refusal or "".join(text_of(part["text"]) for part in parts if part["type"] == "output_text"),
            calls,
            Finish.REFUSAL if refusal else _finish(data, bool(calls)),
            _usage(data),
            model=answered.model,
            service_tier=data.get("service_tier"),
            native=Native(items) if _can_go_back(items) else None,
        )


def _finish(data: Json, has_calls: bool) -> Finish:
    match data["status"]:
        case "completed":
            return Finish.TOOL_CALLS if has_calls else Finish.STOP
        case "incomplete":
            return _INCOMPLETE.get(str(within(data, "incomplete_details", "reason")), Finish.OTHER)
        case status:
            raise DependencyError(Failure.GARBAGE, f"the answer has the status {str(status)[:40]!r}")


def _can_go_back(items: list[Json]) -> bool:
    """Whether all that was thought came encrypted: nothing else of it is known to the provider afterwards."""
    return all(item.get("encrypted_content") for item in items if item["type"] == "reasoning")


def _usage(data: Json) -> Usage | None:
    used = data.get("usage")
    prompt, output, total = (within(used, name) for name in ("input_tokens", "output_tokens", "total_tokens"))
    read = within(used, "input_tokens_details", "cached_tokens") or 0
    written = within(used, "input_tokens_details", "cache_write_tokens") or 0
    thought = within(used, "output_tokens_details", "reasoning_tokens")
    if not (is_count(prompt) and is_count(output) and is_count(read) and is_count(written)):
        return None
    output += thought if is_count(thought) and thought > output else 0
    if is_count(total):
        output = max(output, total - prompt)
    written = max(0, min(written, prompt - read))
    return usage(plain=prompt - read - written, output=output, cache_read=read, cache_write=written)
