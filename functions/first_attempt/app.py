"""The state `FirstAttempt`: the agent's chain, for a turn that was not attempted yet."""

from turnkeeper.api.tasks import first_attempt as handler

__all__ = ["handler"]
