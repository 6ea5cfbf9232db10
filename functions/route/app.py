"""The state `Route`: says which state comes first for an escalated turn."""

from turnkeeper.api.tasks import route
from turnkeeper.bootstrap import services

handler = route(services)
