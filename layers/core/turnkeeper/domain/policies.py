"""What a deployment decides: the times of a run, of pages and claims, and who is on call."""

from dataclasses import dataclass

from turnkeeper.domain.turn import Lease


@dataclass(frozen=True, slots=True)
class RunTimes:
    """Seconds for which a run may work, in which a turn must be answered, and by which a lease outlives its run."""

    deadline_s: float
    answer_by_s: float
    lease_margin_s: float = 5.0

    def lease(self, ends_at: float) -> Lease:
        """Return the lease of a run whose invocation ends at a moment (seconds since the epoch)."""
        return Lease(ends_at + self.lease_margin_s)

    def deadline(self, now: float, ends_at: float) -> float:
        """Return when a run that opens now must have ended: a second before its invocation ends, at the latest."""
        return min(now + self.deadline_s, ends_at - 1)


@dataclass(frozen=True, slots=True)
class PagingTimes:
    """Seconds between pages, for a claim, between looks at an execution, and until an unconfirmed page is repeated.

    `no_tiers_s` is how long the state machine may be unreachable before people are asked without it.
    """

    page_every_s: float
    claim_s: float
    look_every_s: float = 30.0
    confirm_page_s: float = 10.0
    no_tiers_s: float = 300.0


@dataclass(frozen=True, slots=True)
class OnCall:
    """Who is paged, and what a notice may show.

    `second_level_from` is the number of the first page to the second level; `public_url` is the console's address;
    `shows_message` says whether notices quote the customer.
    """

    topic: str
    second_level_topic: str
    second_level_from: int
    public_url: str
    shows_message: bool
