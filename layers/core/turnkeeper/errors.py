"""The errors of Turnkeeper: types with a stable code, mapped to HTTP in one place (`api/problems.py`)."""

from turnkeeper.domain.failures import Failure
from turnkeeper.domain.spend import OverLimit
from turnkeeper.domain.stage import StageVersion, Target


class TurnkeeperError(Exception):
    """The base of every error that Turnkeeper raises on purpose."""

    code = "internal"


class DependencyError(TurnkeeperError):
    """A call over the network failed, as `failure` says; `retry_after_s` is how long the other side asks us to wait.

    `said` is the other side's own sentence, redacted (`domain/redaction.py`), or "". It is kept with the call, which
    operators of the turn's tenant and `turnkeeper trace` show, and, where a model is gone, with its breaker for the
    owner's notice. It stands in no log, metric or health: the error's text, which is logged, leaves it out.
    """

    code = "dependency-failed"

    def __init__(
        self,
        failure: Failure,
        detail: str = "",
        *,
        retry_after_s: float | None = None,
        sent: bool = True,
        said: str = "",
    ) -> None:
        super().__init__(f"{failure.value}: {detail}" if detail else failure.value)
        self.failure = failure
        self.detail = detail
        self.retry_after_s = retry_after_s
        self.sent = sent
        """False if the request surely never reached a model, or its answer was refused unbilled: nothing was billed."""
        self.said = said
        self.charged = False
        """True if the answer shows that it was billed, whatever the failure."""


class StoreUnavailable(TurnkeeperError):  # noqa: N818 - the state's name is the clearest name
    """The table could not be reached, or did not answer in time; whether a write happened may be unknown."""

    code = "store-unavailable"


class StoreContended(StoreUnavailable):
    """A transaction lost against concurrent ones until its time was up; it was surely not written."""


class WorkflowUnavailable(TurnkeeperError):  # noqa: N818
    """The state machine could not be reached."""

    code = "workflow-unavailable"


class TurnLost(TurnkeeperError):  # noqa: N818
    """Another run owns the turn now, or the turn has ended: this run must write nothing more."""

    code = "outcome-pending"

    def __init__(self, turn_id: str) -> None:
        super().__init__(f"the turn {turn_id} is no longer this run's")
        self.turn_id = turn_id


class LimitExceeded(TurnkeeperError):  # noqa: N818
    """The worst case of a call does not fit a spending limit: nothing was reserved, and nothing was called."""

    code = "limit-exceeded"

    def __init__(self, over: OverLimit) -> None:
        super().__init__(f"the {over.limit.value} limit would be passed")
        self.over = over


class RateLimited(TurnkeeperError):  # noqa: N818
    """The customer sends turns faster than the rate limit admits."""

    code = "rate-limited"

    def __init__(self, retry_after_s: float) -> None:
        super().__init__("too many turns at once")
        self.retry_after_s = retry_after_s


class Stopped(TurnkeeperError):  # noqa: N818
    """Operators stopped what the turn needs: it is refused before it is accepted."""

    code = "stopped"

    def __init__(self, target: Target) -> None:
        super().__init__(f"{target} is stopped")
        self.target = target


class StageChanged(TurnkeeperError):  # noqa: N818
    """Somebody else changed the stage since it was read: nothing was written. `current` is their version."""

    code = "stage-changed"

    def __init__(self, current: StageVersion) -> None:
        super().__init__(f"the stage is at version {current.version} now, by {current.by}")
        self.current = current


class BrokenAgent(TurnkeeperError):  # noqa: N818 - the agent's state is the clearest name
    """An agent's file cannot be imported, or defines no agent: its turns are refused, and all others are served.

    `kind` is the class of the error, and `place` the line that it came from, such as agents/booking.py:3. The text of
    the error is left out, as it may hold anything; the error itself is the cause.
    """

    def __init__(self, agent: str, kind: str, place: str) -> None:
        self.agent, self.kind, self.place = agent, kind, place
        self.fault = f"{kind} at {place}"
        super().__init__(f"the agent {agent!r} cannot be loaded")


class InvalidRequest(TurnkeeperError):  # noqa: N818
    """A request is not valid; the message says what to write instead."""

    code = "invalid-request"


class UnpricedModel(TurnkeeperError):  # noqa: N818
    """A model has no price, so its worst case is not known: it is never called."""

    code = "unpriced-model"


class NotFound(TurnkeeperError):  # noqa: N818
    """What the caller asks for does not exist, or belongs to another tenant or customer."""

    code = "not-found"


class ConversationNotFound(NotFound):
    """The conversation does not exist, or belongs to another customer or agent."""

    def __init__(self, conversation: str) -> None:
        super().__init__(f"there is no conversation {conversation} of this customer with this agent")


class NotConcluded(TurnkeeperError):  # noqa: N818
    """An execution finished while its turn is still open: the reconciler starts another execution."""

    code = "not-concluded"


class EscalationNotFound(NotFound):
    """The escalation does not exist, or belongs to another tenant than the operator."""


class TurnNotFound(NotFound):
    """The turn does not exist, or belongs to another tenant or customer than the caller."""


class ConflictingAction(TurnkeeperError):  # noqa: N818
    """An operator claimed, released, answered or stopped something, and somebody else had acted first."""

    code = "conflict"


class NotEnded(TurnkeeperError):  # noqa: N818
    """A customer rated a turn that has not ended yet."""

    code = "conflict"


class TooLate(TurnkeeperError):  # noqa: N818
    """An answer came after the turn's `answer_by`: it was kept as a draft, and the turn has expired."""

    code = "answer-too-late"


class InvalidAnswer(TurnkeeperError):  # noqa: N818
    """An operator's `output` does not fit the agent's schema; `errors` says where."""

    code = "invalid-output"

    def __init__(self, errors: list[str]) -> None:
        super().__init__("the output does not fit the agent's schema: " + "; ".join(errors))
        self.errors = errors
