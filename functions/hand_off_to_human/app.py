"""The state `HandOffToHuman`: hands the turn off to people and pages the person on call (tier 3)."""

from turnkeeper.api.tasks import hand_off
from turnkeeper.bootstrap import services

handler = hand_off(services)
