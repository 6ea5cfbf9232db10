"""Words what a customer reads where nobody answered: an effect that was done or begun is named, never denied."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from turnkeeper.domain.text import storable

_VALUE_CHARS = 100


@dataclass(frozen=True, slots=True)
class Effect:
    """A side effect of a turn; `done` is false where it was begun and its outcome is not known.

    `arguments` is the JSON text of an object: what the tool was called with.
    """

    tool: str
    arguments: str
    done: bool

    def __str__(self) -> str:
        """Name it as people read it: `refund (order id: A-1001, amount usd: 20)`."""
        arguments: dict[str, Any] = json.loads(self.arguments)
        given = ", ".join(f"{_words(name)}: {_short(value)}" for name, value in arguments.items())
        return f"{_words(self.tool)} ({given})" if given else _words(self.tool)


def expired(effects: Sequence[Effect]) -> str:
    """Tell a customer that nobody answered in time."""
    return _told("We are sorry: nobody could answer this in time.", "please send it again", effects)


def stopped(effects: Sequence[Effect]) -> str:
    """Tell a customer that an operator stopped the turn."""
    return _told("This request was stopped by our team.", "please send it again if you still need it", effects)


def _told(why: str, where_nothing_was_done: str, effects: Sequence[Effect]) -> str:
    if not effects:
        return f"{why} Nothing more will happen; {where_nothing_was_done}."
    lines = [why]
    for done, beginning in ((True, "Before that, this was done:"), (False, "This was begun, and may have been done:")):
        named = [f"- {effect}" for effect in effects if effect.done is done]
        lines += [beginning, *named] if named else []
    return "\n".join([*lines, "Nothing more will happen. Please ask us about it before you ask for the same anew."])


def _words(name: str) -> str:
    return name.replace("_", " ")


def _short(value: Any) -> str:
    text = " ".join(storable(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)).split())
    return text if len(text) <= _VALUE_CHARS else f"{text[: _VALUE_CHARS - 1]}…"
