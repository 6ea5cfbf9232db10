"""Why a turn left the fast path or failed: every code that can stand in a turn's `reason`."""

from enum import StrEnum
from typing import Self


class Reason(StrEnum):
    """A stable code and its meaning. The API, the logs, the notices and the attempts show the code."""

    meaning: str

    NO_MODEL_AVAILABLE = "no_model_available", "no model of the chain answered: each failed, or its breaker was open"
    TOOL_UNAVAILABLE = "tool_unavailable", "a tool failed before it changed anything, or the run had no time for it"
    INVALID_OUTPUT = (
        "invalid_output",
        "the answer did not fit the agent's schema or rules, nor did the one after the re-ask",
    )
    TRUNCATED = (
        "truncated",
        "the answer was cut off at its limit, and a larger one did not help, or did not fit the money that was left",
    )
    LOW_CONFIDENCE = "low_confidence", "the answer was valid, and its confidence below what the tier asks for"
    AGENT_FAULT = "agent_fault", "the agent's own code (a validator, check or score) raised an exception"
    INTERRUPTED = "interrupted", "the run died; the reconciler took the turn over"
    REQUESTED = "requested", "the client asked not to wait (Prefer: respond-async)"
    REFUSAL = "refusal", "the model refused for safety"
    CONTENT_FILTER = "content_filter", "the provider's filter stopped the answer"
    TOO_MANY_STEPS = "too_many_steps", "the attempt used up the agent's max_steps"
    OVER_LIMIT = "over_limit", "the worst case of the next call did not fit a spending limit"
    UNPRICED_MODEL = "unpriced_model", "a model has no price, so it is never called"
    PERSON_NEEDED = "person_needed", "a tool said that only a person may decide this"
    OUTCOME_UNKNOWN = "outcome_unknown", "a tool may have acted, and whether it did is not known"
    CONFLICTING_EFFECT = "conflicting_effect", "a model wanted another effect than the one an earlier run began"
    STOPPED = "stopped", "an operator stopped the turn"

    def __new__(cls, code: str, meaning: str) -> Self:
        """Make a member that equals its code, and has its meaning as an attribute."""
        reason = str.__new__(cls, code)
        reason._value_ = code
        reason.meaning = meaning
        return reason


ONLY_A_PERSON = frozenset(
    {
        Reason.REFUSAL,
        Reason.CONTENT_FILTER,
        Reason.TOO_MANY_STEPS,
        Reason.OVER_LIMIT,
        Reason.UNPRICED_MODEL,
        Reason.PERSON_NEEDED,
        Reason.OUTCOME_UNKNOWN,
        Reason.CONFLICTING_EFFECT,
    }
)
"""The reasons after which no other tier of models may try."""
