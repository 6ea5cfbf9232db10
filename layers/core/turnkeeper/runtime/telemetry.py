"""What the runtime tells its observers: one line an agent action, and counts; never a message, a prompt or a key."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol


class Telemetry(Protocol):
    """Takes notice of what happens; never raises."""

    def action(self, action_type: str, **fields: Any) -> None:
        """Log one agent action as a structured line."""

    def count(self, metric: str, value: float = 1, *, unit: str = "Count", **dimensions: str) -> None:
        """Count something under the names that alarms use."""

    def warning(self, message: str, **fields: Any) -> None:
        """Log something that an owner should look at."""

    def fault(self, message: str, error: Exception) -> None:
        """Log a fault of ours, with where it happened."""


@dataclass
class MemoryTelemetry:
    """Keeps what it was told, for tests."""

    actions: list[Mapping[str, Any]] = field(default_factory=list)
    counts: list[tuple[str, float, Mapping[str, str]]] = field(default_factory=list)
    warnings: list[tuple[str, Mapping[str, Any]]] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    def action(self, action_type: str, **fields: Any) -> None:
        """Keep an action."""
        self.actions.append({"action_type": action_type, **fields})

    def count(self, metric: str, value: float = 1, *, unit: str = "Count", **dimensions: str) -> None:  # noqa: ARG002
        """Keep a count."""
        self.counts.append((metric, value, dimensions))

    def warning(self, message: str, **fields: Any) -> None:
        """Keep a warning."""
        self.warnings.append((message, fields))

    def fault(self, message: str, error: Exception) -> None:  # noqa: ARG002
        """Keep what a fault was told with."""
        self.faults.append(message)
