"""What the wires share when they write a request: the header of its key, its messages, a schema in words."""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache
from itertools import groupby
from typing import Any
from urllib.parse import urlsplit

from turnkeeper.agent import Endpoint
from turnkeeper.domain.chat import Message, ModelRequest, ToolCall
from turnkeeper.domain.known_models import known_model
from turnkeeper.domain.schemas import strict

Json = dict[str, Any]

_AZURE = re.compile(r"\.azure\.(com|us|cn)$")
"""Azure's hosts: the public one, and those of the US government and of China."""


def bearer(endpoint: Endpoint) -> Callable[[str], Mapping[str, str]]:
    """Return what makes the headers of OpenAI's protocols from a key, or of Azure's, which is carried by another."""
    is_azure = _AZURE.search(urlsplit(endpoint.url).hostname or "")
    fixed = dict(endpoint.headers)

    def headers(key: str) -> Mapping[str, str]:
        named = {"api-key": key} if is_azure else {"Authorization": f"Bearer {key}"}
        return {**fixed, **(named if key else {})}

    return headers


def alternating(messages: Iterable[Message]) -> Iterator[tuple[str, list[Message]]]:
    """Group messages by whose turn it is, user or assistant: the results of parallel calls are one user message."""

    def role(message: Message) -> str:
        return "assistant" if message.role == "assistant" else "user"

    for who, group in groupby(messages, role):
        yield who, list(group)


def sent_ids(messages: Iterable[Message]) -> Mapping[str, str]:
    """Return by our id of each call the id that it is sent with: the provider's own where its answer is sent back."""
    return {c.id: sent_id(m, c) for m in messages for c in m.tool_calls}


def sent_id(message: Message, call: ToolCall) -> str:
    """Return the id that a call of a message is sent with."""
    return call.native_id if message.native and call.native_id else call.id


def arguments(call: ToolCall) -> Json:
    """Return a call's arguments as the object that some APIs want."""
    data: Json = json.loads(call.arguments)
    return data


def options_of(request: ModelRequest) -> Json:
    """Return the options that a request may have: those about tools are refused where there are none."""
    about_tools = {} if request.tools else {"parallel_tool_calls"}
    return {name: value for name, value in request.options.items() if name not in about_tools}


def thinks(request: ModelRequest) -> bool:
    """Whether a model is known to think about a request: it is told to, or does so by itself."""
    known = known_model(request.known_as)
    return (request.effort or (known.effort if known else "none")) != "none"


def schema_in_words(schema: Mapping[str, Any]) -> str:
    """Say what an answer must be, for a model that no schema can be given."""
    return f"Answer with nothing but JSON of this schema, without a fence:\n{json.dumps(in_form(strict, schema))}"


def in_form(form: Callable[[Mapping[str, Any]], Json], schema: Mapping[str, Any]) -> Json:
    """Return a schema in a form of `domain/schemas.py`; each is made once."""
    return _in_form(form, json.dumps(dict(schema)))


@lru_cache(maxsize=512)
def _in_form(form: Callable[[Mapping[str, Any]], Json], schema: str) -> Json:
    return form(json.loads(schema))
