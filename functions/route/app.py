"""The state `Route`: decides which state an escalated turn begins with."""

from turnkeeper.api.tasks import route
from turnkeeper.bootstrap import services

handler = route(services)
