"""The state `Conclude`: reports how the turn ended, and expires it if its time is up."""

from turnkeeper.api.tasks import conclude
from turnkeeper.bootstrap import services

handler = conclude(services)
