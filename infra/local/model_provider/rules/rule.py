"""What a rule is: it looks at one request as it came, and says why the provider refuses it."""

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a request is refused, as the provider says it.

    `code` is OpenAI's code, Anthropic's error type or Bedrock's exception; None is the wire's usual one.
    """

    message: str
    status: int = 400
    code: str | None = None
    param: str | None = None


@dataclass(frozen=True)
class Sent:
    """One request as it came.

    `server` is the name of an OpenAI-compatible server ("openai", "groq", ...), empty for Anthropic and Bedrock.
    """

    model: str
    body: Mapping[str, Any]
    headers: Mapping[str, str]
    server: str
    today: dt.date


@dataclass(frozen=True, slots=True)
class Rule:
    """One thing that a provider refuses.

    `says` is what is refused, in one line. `source` is a URL or a module of an official SDK. `is_sure` is False where
    sources disagree or only one report is known: the rule is played in its strict form all the same. A rule that
    `only_warns` refuses nothing: what it finds is listed with the call.
    """

    number: int
    says: str
    source: str
    is_sure: bool
    refuses: Callable[[Sent], Refusal | None]
    only_warns: bool = False

    def shown(self) -> dict[str, Any]:
        """Return what `GET /_calls` lists of it."""
        return {"rule": self.number, "says": self.says}
