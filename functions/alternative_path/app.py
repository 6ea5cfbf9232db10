"""The state `AlternativePath`: simpler instructions and other models (tier 2)."""

from turnkeeper.api.tasks import attempt
from turnkeeper.bootstrap import services
from turnkeeper.domain.tier import Tier

handler = attempt(services, Tier.ALTERNATIVE_PATH)
