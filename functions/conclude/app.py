"""The state `Conclude`: says how the turn ended, and expires it when its time is up."""

from turnkeeper.api.tasks import conclude as handler

__all__ = ["handler"]
