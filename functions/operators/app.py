"""The operators' API: what waits for a person, claim, release, answer, stop; and the health of the deployment."""

from turnkeeper.api.app import api
from turnkeeper.api.operators import router
from turnkeeper.bootstrap import services

handler = api(router, services=services)
