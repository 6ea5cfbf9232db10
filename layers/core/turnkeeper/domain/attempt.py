"""An attempt: what one run tried in one tier, which models it called, and what came of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from turnkeeper.domain.answers import Answer
from turnkeeper.domain.reasons import ONLY_A_PERSON, Reason
from turnkeeper.domain.tier import Tier


class Outcome(StrEnum):
    """How an attempt ended."""

    ACCEPTED = "accepted"
    REJECTED = "rejected"
    UNAVAILABLE = "unavailable"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Given:
    """The answer that the customer gets, and the id of the model that gave it; `degraded` when it is a cached one."""

    answer: Answer
    model: str
    degraded: bool = False


@dataclass(frozen=True, slots=True)
class Verdict:
    """The result of an attempt. `reason` says why no answer was accepted.

    `given` is the answer that the customer gets, if there is one; `answer` is a valid answer, even one that was not
    good enough. `refused` when any model of the chain refused for safety, even if another was asked after it.
    """

    outcome: Outcome
    reason: Reason | None
    answer: Answer | None = None
    errors: tuple[str, ...] = ()
    reasked: bool = False
    refused: bool = False
    given: Given | None = None

    @property
    def to_human(self) -> bool:
        """Whether no other tier of models may try."""
        return self.reason in ONLY_A_PERSON


@dataclass(frozen=True, slots=True)
class CallReport:
    """How one call of a model ended, for the ledger and the attempt; `error` is a `Failure`'s code, or empty.

    `why` is what the provider said about it, redacted.
    """

    model: str
    error: str = ""
    duration_ms: int = 0
    tokens_in: int = 0
    tokens_out: int = 0
    cost_micro_usd: int = 0
    why: str = ""


@dataclass(frozen=True, slots=True)
class Attempt:
    """What one run tried. `at` is seconds since the Unix epoch; `epoch` is the number of the run.

    `reason` is the code of a `Reason`, as text: a newer release may have written one that this one does not know.

    `errors` say what went wrong. `draft` is a valid answer (JSON text) that was not good enough, and `confidence` (0
    to 1) how sure the model was of it.
    """

    epoch: int
    tier: Tier
    outcome: Outcome
    reason: str
    at: float
    duration_ms: int
    calls: Sequence[CallReport] = ()
    errors: Sequence[str] = ()
    draft: str = ""
    confidence: float | None = None
    reasked: bool = False
    refused: bool = False

    @property
    def cost_micro_usd(self) -> int:
        """What its calls cost."""
        return sum(call.cost_micro_usd for call in self.calls)
