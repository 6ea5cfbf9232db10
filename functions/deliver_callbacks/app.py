"""Delivers callbacks to the URLs that turns named; fed by a queue."""

from turnkeeper.api.deliveries import deliver_callbacks as handler

__all__ = ["handler"]
