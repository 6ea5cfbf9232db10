"""The state `RetryWithCorrection`: the agent's chain again, told what went wrong (tier 1)."""

from turnkeeper.api.tasks import attempt
from turnkeeper.bootstrap import services
from turnkeeper.domain.tier import Tier

handler = attempt(services, Tier.CORRECTED_RETRY)
