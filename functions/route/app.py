"""The state `Route`: says which state comes first for an escalated turn."""

from turnkeeper.api.tasks import route as handler

__all__ = ["handler"]
