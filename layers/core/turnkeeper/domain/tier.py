"""The tiers in which a turn can be answered, in order, with the state and the function that run each."""

from enum import StrEnum


class Tier(StrEnum):
    """Which way a turn was answered, as the API, the logs and the metrics name it."""

    FIRST_ATTEMPT = "first_attempt"
    CORRECTED_RETRY = "corrected_retry"
    ALTERNATIVE_PATH = "alternative_path"
    HUMAN = "human"

    @property
    def state(self) -> str:
        """The state of the state machine that runs the tier."""
        return STATES[self]


STATES = {
    Tier.FIRST_ATTEMPT: "FirstAttempt",
    Tier.CORRECTED_RETRY: "RetryWithCorrection",
    Tier.ALTERNATIVE_PATH: "AlternativePath",
    Tier.HUMAN: "HandOffToHuman",
}
"""The states of `statemachines/escalation.asl.json` that run the tiers."""

CONCLUDE = "Conclude"
"""The state after the last tier, which reports how the turn ended."""

FUNCTIONS = {
    Tier.FIRST_ATTEMPT: "first_attempt",
    Tier.CORRECTED_RETRY: "retry_with_correction",
    Tier.ALTERNATIVE_PATH: "alternative_path",
    Tier.HUMAN: "hand_off_to_human",
}
"""The folders of `functions/` that hold the function of each tier."""

MODEL_TIERS = (Tier.FIRST_ATTEMPT, Tier.CORRECTED_RETRY, Tier.ALTERNATIVE_PATH)
"""The tiers in which models are asked, in their order; a person comes after them."""
