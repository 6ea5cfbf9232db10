"""Writes what a customer reads when nobody answered: an effect that was done or begun is named, never denied."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from turnkeeper.domain.effect import Effect
from turnkeeper.domain.text import storable

_VALUE_CHARS = 100


@dataclass(frozen=True, slots=True)
class ClosingTexts:
    """What a customer reads when a turn ends without an answer, in whatever language the agent speaks.

    `expired` and `stopped` say why the turn ended. If there was no side effect, the matching `..._advice` follows. If
    a side effect was done or begun, a list under `done` or `begun` names it, and `effects_advice` ends the text.
    """

    expired: str = "We are sorry: nobody could answer this in time."
    expired_advice: str = "Nothing more will happen; please send it again."
    stopped: str = "This request was stopped by our team."
    stopped_advice: str = "Nothing more will happen; please send it again if you still need it."
    done: str = "Before that, this was done:"
    begun: str = "This was begun, and may have been done:"
    effects_advice: str = "Nothing more will happen. Please ask us about it before you repeat the request."


USUAL_TEXTS = ClosingTexts()


def expired(effects: Sequence[Effect], texts: ClosingTexts) -> str:
    """Tell a customer that nobody answered in time; `effects` are those that were done, or may have been."""
    return _closing(texts.expired, texts.expired_advice, effects, texts)


def stopped(effects: Sequence[Effect], texts: ClosingTexts) -> str:
    """Tell a customer that an operator stopped the turn; `effects` are those that were done, or may have been."""
    return _closing(texts.stopped, texts.stopped_advice, effects, texts)


def described(effect: Effect) -> str:
    """Describe an effect for people: `refund (order id: A-1001, amount usd: 20)`."""
    arguments: dict[str, Any] = json.loads(effect.arguments)
    given = ", ".join(f"{_words(name)}: {_short(value)}" for name, value in arguments.items())
    return f"{_words(effect.tool)} ({given})" if given else _words(effect.tool)


def _closing(why: str, advice: str, effects: Sequence[Effect], texts: ClosingTexts) -> str:
    if not effects:
        return f"{why} {advice}"
    lines = [why]
    for heading, is_done in ((texts.done, True), (texts.begun, False)):
        named = [f"- {described(effect)}" for effect in effects if effect.is_done is is_done]
        lines += [heading, *named] if named else []
    return "\n".join([*lines, texts.effects_advice])


def _words(name: str) -> str:
    return name.replace("_", " ")


def _short(value: Any) -> str:
    text = " ".join(storable(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)).split())
    return text if len(text) <= _VALUE_CHARS else f"{text[: _VALUE_CHARS - 1]}…"
