"""The state `HandOffToHuman`: puts the turn before people and pages the one on call (tier 3)."""

from turnkeeper.api.tasks import hand_off_to_human as handler

__all__ = ["handler"]
