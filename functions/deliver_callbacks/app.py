"""Delivers callbacks from a queue to the URLs that turns named."""

from turnkeeper.api.deliveries import deliver_callbacks
from turnkeeper.bootstrap import services

handler = deliver_callbacks(services)
