"""Publishes to topics, each behind a breaker of its own: `notify:on_call`, `notify:second_level`, `notify:owner`."""

from turnkeeper.errors import DependencyError
from turnkeeper.ports import Notifier, Published, Telemetry
from turnkeeper.runtime.guard import Guard

_TIMEOUT_S = 5.0
"""Longer than the notifier's own timeout, so that a probe's lease does not end before its call."""


class Channels:
    """The notification channels."""

    def __init__(self, notifier: Notifier, guard: Guard, telemetry: Telemetry) -> None:
        self._notifier, self._guard, self._telemetry = notifier, guard, telemetry

    def publish(self, name: str, topic: str, message: Published) -> bool:
        """Publish one message. Returns False if it was not published, or may not have been: the caller repeats it."""
        dependency = f"notify:{name}"
        self._guard.refresh(dependency)
        try:
            permit = self._guard.enter(dependency, _TIMEOUT_S)
        except DependencyError:
            return False
        try:
            self._notifier.publish(topic, message)
        except DependencyError as error:
            self._guard.failed(permit, error.failure)
            about = message.attributes.get("dedup_key")
            self._telemetry.warning("not published yet", channel=name, dedup_key=about, error=error.failure.value)
            return False
        self._guard.answered(permit)
        return True
