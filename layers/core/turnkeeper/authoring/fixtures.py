"""Fixtures: an agent's example turns, with what the models and the services say in them. They run with no network."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from turnkeeper.authoring.errors import AgentError, are_all, is_text, refuse
from turnkeeper.domain.failures import Failure

_MODEL = "write what the model answers, such as model=[Answers('...', output={...})]"
_EXPECT = "write what to expect, such as expect={'status': 'completed'}"
_SHOWN = ("status", "tier", "reply", "output", "confidence", "model", "degraded", "reason")


@dataclass(frozen=True, slots=True)
class Answers:
    """A model's answer. `output` is JSON data, as a model would write it: right, or wrong on purpose."""

    reply: str
    output: Any = None
    confidence: float = 0.95


@dataclass(frozen=True, init=False)
class Calls:
    """A model's call of a tool: `Calls("refund", order_id="A-1001", amount_usd=20)`."""

    tool: str
    arguments: Mapping[str, Any]

    def __init__(self, tool: str, /, **arguments: Any) -> None:
        object.__setattr__(self, "tool", tool)
        object.__setattr__(self, "arguments", arguments)


@dataclass(frozen=True, slots=True)
class Fails:
    """A model that cannot be reached, or does not answer: the failures are those of `domain/failures.py`."""

    how: str = Failure.TIMEOUT

    def __post_init__(self) -> None:
        if self.how not in list(Failure):
            raise AgentError(f"Fails({self.how!r}): write one of {', '.join(Failure)}")


@dataclass(frozen=True, slots=True)
class Responds:
    """A service's answer to a tool's request."""

    status: int
    body: Any = None


@dataclass(frozen=True, kw_only=True)
class Fixture:
    """An example turn, and how it must end.

    `says` is what the customer writes. `model` is what the models answer, in order, whichever of the chains is asked.
    `services` is what the tools' services answer: {"GET /orders/A-1001": {...}}, the body of a 200, or `Responds`.
    Every answer of both must be used, and nothing else may be asked. `expect` is what the turn shows at its end: any
    of status, tier, reply, output, confidence, model, degraded, reason. `then` is the conversation's next turn.
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
        unsent = [str(name) for name in self.services if not str(name).startswith(("GET /", "POST /"))]
        refuse(
            what,
            [
                (bool(unknown), f"expect knows {', '.join(_SHOWN)}; not {', '.join(unknown)}"),
                (bool(unsent), f"services are written 'GET /path' or 'POST /path', not {', '.join(unsent)}"),
            ],
        )

    def __str__(self) -> str:
        """What the customer says: the fixture's name in a test report."""
        return self.says
