"""The state `HandOffToHuman`: puts the turn before people and pages the one on call (tier 3)."""

from turnkeeper.api.tasks import hand_off
from turnkeeper.bootstrap import services

handler = hand_off(services)
