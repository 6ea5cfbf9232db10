"""What a deployment decides: the times of a run, of pages and claims, and who is on call."""

from dataclasses import dataclass

from turnkeeper.domain.turn import Lease


@dataclass(frozen=True, slots=True)
class RunTimes:
    """Seconds: a run's deadline, a turn's time to be answered, and by how much a lease outlives its holder."""

    deadline_s: float
    answer_by_s: float
    lease_margin_s: float = 5.0

    def lease(self, ends_at: float) -> Lease:
        """Return the lease of a run whose invocation ends at a moment (seconds since the epoch)."""
        return Lease(ends_at + self.lease_margin_s)

    def deadline(self, now: float, ends_at: float) -> float:
        """Return when a run that opens now must have ended: a second before its invocation does, at the latest."""
        return min(now + self.deadline_s, ends_at - 1)


@dataclass(frozen=True, slots=True)
class PagingTimes:
    """Seconds: between pages, for a claim, between looks at an execution, until an unconfirmed page is repeated.

    `no_tiers_s` is for how long the state machine may be away before people are asked without it.
    """

    page_every_s: float
    claim_s: float
    look_every_s: float = 30.0
    confirm_page_s: float = 10.0
    no_tiers_s: float = 300.0


@dataclass(frozen=True, slots=True)
class OnCall:
    """Who is paged: the topics, the page from which the second level is, the console's URL, what a notice may show."""

    topic: str
    second_level_topic: str
    second_level_from: int
    public_url: str
    shows_message: bool
