"""The customers' API: send a turn, look it up, rate it; a conversation; what a customer spent."""

from turnkeeper.api.app import api
from turnkeeper.api.turns import router
from turnkeeper.bootstrap import services

handler = api(router, services=services)
