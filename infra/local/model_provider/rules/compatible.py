"""What the servers that speak OpenAI's chat completions refuse, where OpenAI itself does not.

Sources: each provider's API reference; https://ai.google.dev/gemini-api/docs/thought-signatures,
https://api-docs.deepseek.com/guides/thinking_mode, https://docs.mistral.ai/api, https://openrouter.ai/docs.
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from fnmatch import fnmatchcase
from itertools import pairwise
from typing import Any

from infra.local.model_provider.rules.openai_requests import chat_effort
from infra.local.model_provider.rules.rule import Refusal, Sent
from infra.local.model_provider.rules.servers import SERVERS
from infra.local.model_provider.signing import Thought

_LEAST_OF_OPENROUTER = 16
_NO_SIGNATURE = frozenset({"skip_thought_signature_validator", "context_engineering_is_the_way_to_go"})
"""What stands for the signature of a call that another model made."""

Messages = Sequence[Mapping[str, Any]]


def refused_by_server(sent: Sent) -> Refusal | None:
    """Rule 30."""
    checks = (_limit, _schema, _effort, *_OWN.get(sent.server, ()))
    return next((why for why in (check(sent) for check in checks) if why), None)


def _form(sent: Sent) -> str:
    return str((sent.body.get("response_format") or {}).get("type", ""))


def _messages(sent: Sent) -> Messages:
    found: Messages = sent.body.get("messages") or ()
    return found


def _limit(sent: Sent) -> Refusal | None:
    allowed = SERVERS[sent.server].limits
    for name in ("max_tokens", "max_completion_tokens"):
        if sent.body.get(name) is not None and name not in allowed:
            said = f"Unsupported parameter: '{name}'. Use '{allowed[0]}' instead."
            return Refusal(said, 422 if sent.server == "mistral" else 400, param=name)
    return None


def _schema(sent: Sent) -> Refusal | None:
    server = SERVERS[sent.server]
    if _form(sent) != "json_schema":
        return None
    if not server.has_schema:
        return Refusal("This response_format type is unavailable now", code="invalid_request_error")
    if sent.body.get("tools") and not any(fnmatchcase(sent.model, name) for name in server.schema_beside_tools):
        return Refusal("json mode cannot be combined with tool/function calling")
    return None


def _effort(sent: Sent) -> Refusal | None:
    server = SERVERS[sent.server]
    asked = sent.body.get("reasoning_effort") or (sent.body.get("reasoning") or {}).get("effort")
    if server.thinking is None or asked is None or asked in server.efforts(sent.model)[0]:
        return None
    return Refusal(f"`reasoning_effort` must not be `{asked}` with {sent.model}", param="reasoning_effort")


def _since_the_customer(messages: Messages) -> int:
    """Return where the current turn begins: after the last message of the user."""
    return 1 + max((n for n, message in enumerate(messages) if message.get("role") == "user"), default=-1)


def _calls_of(message: Mapping[str, Any]) -> Messages:
    found: Messages = message.get("tool_calls") or ()
    return found


def _thought_signatures(sent: Sent) -> Refusal | None:
    """Gemini 3 and later want the signature of the first call of each step of the current turn."""
    messages = _messages(sent)
    begins = _since_the_customer(messages)
    must = not re.match(r"(?:models/)?gemini-[12]\.", sent.model)
    for number, message in enumerate(messages):
        for at, call in enumerate(_calls_of(message)):
            google = (call.get("extra_content") or {}).get("google") or {}
            signature = google.get("thought_signature")
            if signature is None and at == 0 and must and number >= begins:
                name = call["function"]["name"]
                return Refusal(
                    "Function call is missing a thought_signature in functionCall parts. This is required for tools to "
                    f"work correctly. Additional data, function call `default_api:{name}`, position {number + 1}."
                )
            if signature is not None and signature not in _NO_SIGNATURE and Thought.opened(signature) is None:
                return Refusal("Corrupted thought signature.")
    return None


def _reasoning_content(sent: Sent) -> Refusal | None:
    """DeepSeek wants what was thought before each call, of all turns, while it thinks and tools are sent."""
    if not sent.body.get("tools") or chat_effort(sent) == "none":
        return None
    for number, message in enumerate(_messages(sent)):
        if _calls_of(message) and not isinstance(message.get("reasoning_content"), str):
            said = f"Missing `reasoning_content` field in the assistant message at message index {number}."
            return Refusal(said, code="invalid_request_error")
    return None


def _forced_while_thinking(sent: Sent) -> Refusal | None:
    choice = sent.body.get("tool_choice")
    if choice in (None, "auto", "none") or chat_effort(sent) == "none":
        return None
    return Refusal("deepseek-reasoner does not support this tool_choice", code="invalid_request_error")


def _order(sent: Sent) -> Refusal | None:
    roles = [message.get("role") for message in _messages(sent)]
    if ("tool", "user") in pairwise(roles):
        return Refusal("Unexpected role 'user' after role 'tool'", code="3230")
    return None


def _nine_characters(sent: Sent) -> Refusal | None:
    for message in _messages(sent):
        for one in [*(call.get("id") for call in _calls_of(message)), *filter(None, [message.get("tool_call_id")])]:
            if not re.fullmatch(r"[a-zA-Z0-9]{9}", str(one)):
                return Refusal(f"Tool call id was {one} but must be a-z, A-Z, 0-9, with a length of 9.", code="3280")
    return None


def _search(sent: Sent) -> Refusal | None:
    if "search_parameters" in sent.body:
        return Refusal(
            "Live search is deprecated. Please switch to the Agent Tools API.", 410, param="search_parameters"
        )
    return None


def _low_limit(sent: Sent) -> Refusal | None:
    most = sent.body.get("max_tokens")
    if most is None or most >= _LEAST_OF_OPENROUTER:
        return None
    return Refusal(
        f"Invalid 'max_tokens': expected a value >= {_LEAST_OF_OPENROUTER}, but got {most}.", param="max_tokens"
    )


def _reasoning_details(sent: Sent) -> Refusal | None:
    for message in _messages(sent):
        for part in message.get("reasoning_details") or ():
            if part.get("type") == "reasoning.encrypted" and Thought.opened(part.get("data")) is None:
                return Refusal("reasoning_details: the encrypted content could not be verified.")
    return None


def _arguments(sent: Sent) -> Refusal | None:
    for message in _messages(sent):
        for call in _calls_of(message):
            try:
                arguments = json.loads(call["function"]["arguments"])
            except ValueError as error:
                return Refusal(f"Expecting value in the arguments of a tool call: {error}")
            if not isinstance(arguments, dict):
                return Refusal("Can only get item pairs from a mapping.")
    return None


def _one_system_message(sent: Sent) -> Refusal | None:
    roles = [message.get("role") for message in _messages(sent)]
    if "developer" in roles or roles[1:].count("system"):
        return Refusal("System message must be at the beginning.")
    return None


def _portkey_header(sent: Sent) -> Refusal | None:
    if sent.headers.get("x-portkey-provider") or sent.headers.get("x-portkey-config"):
        return None
    return Refusal("Either x-portkey-config or x-portkey-provider header is required", code="portkey")


_OWN: Mapping[str, tuple[Callable[[Sent], Refusal | None], ...]] = {
    "gemini": (_thought_signatures,),
    "deepseek": (_reasoning_content, _forced_while_thinking),
    "mistral": (_order, _nine_characters),
    "xai": (_search,),
    "openrouter": (_low_limit, _reasoning_details),
    "vllm": (_arguments, _one_system_message),
    "portkey": (_portkey_header,),
}
