"""The state `RetryWithCorrection`: asks the agent's chain again, and says what went wrong before (tier 1)."""

from turnkeeper.api.tasks import attempt
from turnkeeper.bootstrap import services
from turnkeeper.domain.tier import Tier

handler = attempt(services, Tier.CORRECTED_RETRY)
