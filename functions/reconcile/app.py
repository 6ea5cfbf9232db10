"""Finishes what a process left undone when it died between two writes; runs on a schedule."""

from turnkeeper.api.tasks import reconcile
from turnkeeper.bootstrap import services

handler = reconcile(services)
