"""Unwraps the error that a gateway puts into the sentence of its own: LiteLLM, Portkey, SDKs behind them, Bedrock.

Only what a gateway writes at the start of a sentence is read in this way. An object that stands further behind, or
after other words, may be one that a customer wrote.
"""

import ast
import json
import re
from dataclasses import dataclass
from typing import Any

from turnkeeper.adapters.models.error_shapes import codes_of, sentence_of

_NO_NAME = "APIError"
"""LiteLLM's name for the errors that it has none for."""

_LONGEST = 20_000
_DEEPEST = 12
_START = re.compile(
    r"""(?x)\A(?:
        (?P<gateway>
            litellm\.(?:exceptions\.)?(?P<name>[A-Z]\w+)\s?[:-]
            | \w+Exception\s(?:\w+Error\s)?-
            | Error\scode:\s\d+\s-
            | Provider\sreturned\serror:
        )
        | [A-Z]\w+Error\s?[:-] | [\w-]+\serror:(?=\s) | The\smodel\sreturned\sthe\sfollowing\serrors?:
    )\s*"""
)
"""What stands before the provider's own sentence; an object may follow where only a gateway writes so."""

_BYTES = re.compile(r"""\Ab(["'])(?=\{)(.*)\1""")
_END = re.compile(r"\.?\s(?:Received Model Group=|LiteLLM Retried:).*")


@dataclass(frozen=True, slots=True)
class Unwrapped:
    """The sentence inside, what the gateway wrote before it, and the codes that either has.

    A gateway may know the model by another name than the one that was asked.
    """

    before: str
    sentence: str
    codes: tuple[str, ...]
    is_gateway: bool


def unwrapped(sentence: str) -> Unwrapped:
    """Return the innermost sentence of one on a single line, which may be wrapped several times."""
    before, inner, codes, is_gateway = "", sentence[:_LONGEST], list[str](), False
    for _ in range(_DEEPEST):
        start = _START.match(inner)
        if start:
            is_gateway = is_gateway or bool(start["gateway"])
            codes += [start["name"]] if start["name"] not in (None, _NO_NAME) else []
            before, inner = before + start[0], inner[start.end() :]
        elif is_gateway and (data := _object(inner)) is not None:
            codes += codes_of(data)
            inner = " ".join(sentence_of(data).split())
        else:
            break
    return Unwrapped(before, _END.sub("", inner) if is_gateway else inner, tuple(codes), is_gateway)


def _object(text: str) -> Any:
    """Return the object with which a text begins, as JSON or as Python writes it, or None."""
    found = _BYTES.match(text)
    text = found[2] if found else text
    if not text.startswith("{"):
        return None
    try:
        return json.JSONDecoder().raw_decode(text)[0]
    except (ValueError, RecursionError):
        pass
    try:
        data = ast.literal_eval(text[: text.rfind("}") + 1])
    except (ValueError, SyntaxError, RecursionError, MemoryError):
        return None
    return data if isinstance(data, dict) else None
