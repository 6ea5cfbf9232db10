"""The state `AlternativePath`: simpler instructions and other models (tier 2)."""

from turnkeeper.api.tasks import alternative_path as handler

__all__ = ["handler"]
