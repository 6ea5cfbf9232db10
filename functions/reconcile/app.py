"""Carries on what a death between two writes left behind; run by a schedule."""

from turnkeeper.api.tasks import reconcile
from turnkeeper.bootstrap import services

handler = reconcile(services)
