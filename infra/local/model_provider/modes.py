"""The modes in which a provider can be made to answer: `PUT /_faults`."""

import json
from collections.abc import Callable, Mapping
from dataclasses import replace

from infra.local.faults import BODIES, DELIVERIES, STATUSES
from infra.local.model_provider.chat import Completion, Usage, parsed, tokens

_LOW = 0.40
_ABSURD = 10**12
_BLANK = " \n"
TRANSPORT = {*DELIVERIES, *BODIES} - {"empty"}
"""Modes that change how an answer is delivered."""


def _low_confidence(completion: Completion) -> Completion:
    answer = parsed(completion.text)
    if not isinstance(answer, dict):
        return completion
    return replace(completion, text=json.dumps({**answer, "confidence": _LOW}, ensure_ascii=False))


def _says(text: str, finish: str = "stop") -> Callable[[Completion], Completion]:
    def play(completion: Completion) -> Completion:
        used = replace(completion.billed, written=completion.billed.thinking + tokens(len(text.encode())))
        return replace(completion, text=text, calls=(), finish=finish, billed=used, usage=used)

    return play


def _truncated(completion: Completion) -> Completion:
    most = completion.limit
    used = replace(completion.billed, written=most, thinking=most if completion.thought else 0)
    return replace(completion, text="", calls=(), finish="length", billed=used, usage=used)


def _blank(completion: Completion) -> Completion:
    answer = parsed(completion.text)
    if isinstance(answer, dict) and "reply" in answer:
        return replace(completion, text=json.dumps({**answer, "reply": _BLANK}))
    return replace(completion, text=_BLANK)


CONTENT: Mapping[str, Callable[[Completion], Completion]] = {
    "empty": _says(""),
    "prose": _says("Sure, I can help you with that. Let me see what I can find."),
    "invalid": _says('{"answer": 42}'),
    "refusal": _says("I'm sorry, but I can't help with that request.", "refusal"),
    "filter": _says("", "filter"),
    "truncated": _truncated,
    "blank": _blank,
    "low_confidence": _low_confidence,
    "no_usage": lambda c: replace(c, usage=None),
    "absurd_usage": lambda c: replace(c, usage=Usage(_ABSURD, -1)),
}
"""Modes that change what the model says."""

PLAYED = {"model_gone", "error_in_200", "filter"}
"""Modes in which a provider may answer an error of its own."""

MODES = frozenset({*STATUSES, *TRANSPORT, *CONTENT, *PLAYED, "other_model"})
"""All of them."""
