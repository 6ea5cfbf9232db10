"""The state `RetryWithCorrection`: the agent's chain again, told what went wrong (tier 1)."""

from turnkeeper.api.tasks import retry_with_correction as handler

__all__ = ["handler"]
