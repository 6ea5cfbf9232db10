"""The state `Conclude`: says how the turn ended, and expires it when its time is up."""

from turnkeeper.api.tasks import conclude
from turnkeeper.bootstrap import services

handler = conclude(services)
