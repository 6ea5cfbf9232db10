"""Delivers callbacks to the URLs that turns named; fed by a queue."""

from turnkeeper.api.deliveries import deliver_callbacks
from turnkeeper.bootstrap import services

handler = deliver_callbacks(services)
