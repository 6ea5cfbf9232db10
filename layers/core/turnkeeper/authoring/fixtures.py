"""Fixtures: example turns of an agent, with what models and services answer in them. They need no network."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from turnkeeper.authoring.errors import AgentError, are_all, is_text, refuse
from turnkeeper.domain.failures import Failure

_MODEL = "write what the model answers, such as model=[Answers('...', output={...})]"
_EXPECT = "write what to expect, such as expect={'status': 'completed'}"
_SHOWN = ("status", "tier", "reply", "output", "confidence", "model", "degraded", "reason")
_REQUEST = re.compile("(GET|HEAD|OPTIONS|POST|PUT|PATCH|DELETE) /")


@dataclass(frozen=True, slots=True)
class Answers:
    """A model's answer: `output` is JSON data, valid or invalid on purpose; `confidence` is 0 to 1."""

    reply: str
    output: Any = None
    confidence: float = 0.95


@dataclass(frozen=True, init=False)
class Calls:
    """A model's call of a tool, such as `Calls("refund", order_id="A-1001", amount_usd=20)`."""

    tool: str
    arguments: Mapping[str, Any]

    def __init__(self, tool: str, /, **arguments: Any) -> None:
        object.__setattr__(self, "tool", tool)
        object.__setattr__(self, "arguments", arguments)


@dataclass(frozen=True, slots=True)
class Fails:
    """A model that fails. `how` is one of the failures of `domain/failures.py`, such as "timeout" or "server_error"."""

    how: str = Failure.TIMEOUT

    def __post_init__(self) -> None:
        if self.how not in list(Failure):
            raise AgentError(f"Fails({self.how!r}): write one of {', '.join(Failure)}")


@dataclass(frozen=True, slots=True)
class Responds:
    """A service's answer to a tool's request: an HTTP status, and JSON as the body."""

    status: int
    body: Any = None


@dataclass(frozen=True, kw_only=True)
class Fixture:
    """An example turn, and how it must end.

    `says` is what the customer writes. `model` lists the answers of the models in order, whichever model is asked.
    `services` holds the answers of the tools' services by request, as {"GET /orders/A-1001": {...}}: the JSON body of
    a 200, or a `Responds`. Every answer in both must be used, and nothing else may be asked for. `expect` is what the
    turn shows in the end: any of status, tier, reply, output, confidence, model, degraded, reason. `then` is the next
    turn of the conversation.
    """

    says: str
    model: Sequence[Answers | Calls | Fails]
    services: Mapping[str, Any] = field(default_factory=dict)
    expect: Mapping[str, Any] = field(default_factory=lambda: {"status": "completed", "tier": "first_attempt"})
    then: "Fixture | None" = None

    def __post_init__(self) -> None:
        what = f"Fixture({str(self.says)[:40]!r})"
        refuse(
            what,
            [
                (not is_text(self.says), "write what the customer says"),
                (not are_all(self.model, Answers | Calls | Fails) or not self.model, _MODEL),
                (not isinstance(self.services, Mapping), "services are written {'GET /path': {...}}"),
                (not isinstance(self.expect, Mapping) or not self.expect, _EXPECT),
                (not isinstance(self.then, Fixture | None), "then is the conversation's next turn: then=Fixture(...)"),
            ],
        )
        unknown = [str(name) for name in self.expect if name not in _SHOWN]
        unsent = [str(name) for name in self.services if not _REQUEST.match(str(name))]
        refuse(
            what,
            [
                (bool(unknown), f"expect may have {', '.join(_SHOWN)}; not {', '.join(unknown)}"),
                (bool(unsent), f"services are written 'GET /path' or 'PATCH /path', not {', '.join(unsent)}"),
            ],
        )

    def __str__(self) -> str:
        """What the customer says: the fixture's name in a test report."""
        return self.says
