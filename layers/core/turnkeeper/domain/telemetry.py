"""What is counted and logged: every metric with its unit and meaning, every agent action, and every log field.

`docs/reference.md` lists all of it. A metric's name in code is its name in CloudWatch, so that one search finds both.
"""

from enum import Enum, StrEnum


class Unit(StrEnum):
    """CloudWatch's units. Dollars and scores have none there."""

    COUNT = "Count"
    SECONDS = "Seconds"
    MILLISECONDS = "Milliseconds"
    NONE = "None"


class Metric(Enum):
    """A metric: its unit, what one value of it says, and its dimensions beside `service`."""

    TurnsCompleted = (Unit.COUNT, "a turn was answered, by a model or by a person", "agent")
    TurnsNotCompleted = (Unit.COUNT, "a turn ended without an answer: it expired, or was stopped", "agent")
    TurnsEscalated = (Unit.COUNT, "a turn left the fast path", "agent")
    TurnsByTier = (
        Unit.COUNT,
        "a turn ended, by its tier; human includes turns that nobody answered",
        "agent",
        "tier",
    )
    TurnLatency = (Unit.MILLISECONDS, "how long a turn took, from its request's arrival to its end", "agent")
    TurnCost = (Unit.NONE, "what a turn cost, in dollars", "agent")
    FeedbackScore = (Unit.NONE, "how a customer rated a turn, 1 to 5", "agent")
    BreakerOpen = (Unit.COUNT, "a breaker opened: its dependency is left alone", "dependency")
    BreakerHalfOpen = (Unit.COUNT, "a breaker let one call through, to probe its dependency", "dependency")
    BreakerClosed = (Unit.COUNT, "a breaker closed: its dependency is called again", "dependency")
    SpendAlert = (Unit.COUNT, "a limit is 80 % used: one for each try of telling the owner")
    OwnerWarning = (Unit.COUNT, "something happened that only the owner of the deployment can fix")
    PagesSent = (Unit.COUNT, "a page was published to the person on call", "agent")
    PageFailed = (Unit.COUNT, "a page could not be published; the reconciler repeats it")
    OperatorClaimSeconds = (Unit.SECONDS, "how long an escalation had waited when an operator claimed it", "agent")
    OperatorReleaseSeconds = (Unit.SECONDS, "how long an escalation had waited when an operator released it", "agent")
    OperatorAnswerSeconds = (Unit.SECONDS, "how long an escalation had waited when an operator answered it", "agent")
    CallbacksDelivered = (Unit.COUNT, "a callback was taken by its receiver")
    CallbacksGivenUp = (Unit.COUNT, "a callback was given up after its last try, or because its receiver is gone")
    Faults = (Unit.COUNT, "a request or a pass of the reconciler met a fault of our own")

    def __init__(self, unit: Unit, meaning: str, *dimensions: str) -> None:
        self.unit, self.meaning, self.dimensions = unit, meaning, dimensions


class Action(StrEnum):
    """What an `agent_action` line reports, as its `action_type`."""

    MODEL_CALL = "model_call"
    TOOL_CALL = "tool_call"
    TURN_END = "turn_end"
    ESCALATION = "escalation"
    BREAKER_TRANSITION = "breaker_transition"
    PAGE = "page"
    CALLBACK = "callback"
    OPERATOR_CLAIM = "operator_claim"
    OPERATOR_RELEASE = "operator_release"
    OPERATOR_ANSWER = "operator_answer"


LOG_FIELDS: dict[str, str] = {
    "action_type": "what the line reports",
    "turn_id": "the turn",
    "task_id": "the task that the turn belongs to",
    "tenant": "whose customer it is: the API client's id",
    "customer_id": "on whose behalf the turn runs",
    "agent": "the agent's name",
    "intent": "what the client said that the turn is about",
    "tier": "the way in which the turn was attempted or answered",
    "success": "whether it went well",
    "duration_ms": "how long it took, in milliseconds",
    "cost_usd": "what it cost, in dollars, as a decimal with six places",
    "model": "the model, as provider:name",
    "tokens_in": "the tokens that the provider billed as read",
    "tokens_out": "the tokens that the provider billed as written",
    "error_type": "the stable code of what went wrong",
    "correlation_id": "the id of the request to the API that began the turn",
    "tool": "the tool's name",
    "dependency": "the model, the tool's service, the channel or the receiver behind a breaker",
    "state": "the state that a breaker changed to",
    "generation": "the number of a breaker's state: it rises with every transition",
    "operator": "the person who acted, by their id",
    "channel": "the topic that was published to: on_call, second_level or owner",
    "dedup_key": "what all deliveries of one page or alert have in common",
    "error": "the kind of an error, in a warning",
}
"""Every field that a log line may have, and its meaning. Never a prompt, a message, an argument, a token or a key."""
