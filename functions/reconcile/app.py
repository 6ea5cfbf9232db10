"""Carries on what a death between two writes left behind; run by a schedule."""

from turnkeeper.api.tasks import reconcile as handler

__all__ = ["handler"]
