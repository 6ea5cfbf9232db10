"""The state `FirstAttempt`: the agent's chain, for a turn that was not attempted yet."""

from turnkeeper.api.tasks import attempt
from turnkeeper.bootstrap import services
from turnkeeper.domain.tier import Tier

handler = attempt(services, Tier.FIRST_ATTEMPT)
