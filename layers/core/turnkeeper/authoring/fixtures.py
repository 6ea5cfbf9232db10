"""Fixtures: an agent's example turns, with what the models and the services say in them. They run with no network."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from turnkeeper.authoring.errors import AgentError
from turnkeeper.domain.failures import Failure

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
        unknown = [name for name in self.expect if name not in _SHOWN]
        unsent = [what for what in self.services if not what.startswith(("GET /", "POST /"))]
        for wrong, instead in (
            (not self.says.strip(), "write what the customer says"),
            (not self.model, "write what the model answers, such as model=[Answers('...', output={...})]"),
            (bool(unknown), f"expect knows {', '.join(_SHOWN)}; not {', '.join(unknown)}"),
            (not self.expect, "write what to expect, such as expect={'status': 'completed'}"),
            (bool(unsent), f"services are written 'GET /path' or 'POST /path', not {', '.join(unsent)}"),
        ):
            if wrong:
                raise AgentError(f"Fixture({self.says[:40]!r}): {instead}")

    def __str__(self) -> str:
        """What the customer says: the fixture's name in a test report."""
        return self.says
