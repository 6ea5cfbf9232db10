"""Telemetry that keeps what is reported, for tests; it refuses what `domain/telemetry.py` does not document."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from turnkeeper.domain.telemetry import LOG_FIELDS, Action, Metric


@dataclass
class MemoryTelemetry:
    """Keeps actions, counts (metric, value, dimensions), warnings and faults; refuses what is not documented."""

    actions: list[Mapping[str, Any]] = field(default_factory=list)
    counts: list[tuple[str, float, Mapping[str, str]]] = field(default_factory=list)
    warnings: list[tuple[str, Mapping[str, Any]]] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    def action(self, action: Action, **fields: Any) -> None:
        """Keep an action."""
        self.actions.append({"action_type": Action(action).value, **_documented(fields)})

    def count(self, metric: Metric, value: float = 1, **dimensions: str) -> None:
        """Keep a count."""
        if tuple(sorted(dimensions)) != metric.dimensions:
            raise AssertionError(f"{metric.name} has the dimensions {metric.dimensions} in domain/telemetry.py")
        self.counts.append((metric.name, value, dimensions))

    def warning(self, message: str, **fields: Any) -> None:
        """Keep a warning."""
        self.warnings.append((message, _documented(fields)))

    def fault(self, message: str, error: Exception) -> None:  # noqa: ARG002
        """Keep the message of a fault."""
        self.faults.append(message)

    def flush(self) -> None:
        """Do nothing: everything is kept."""


def _documented(fields: Mapping[str, Any]) -> Mapping[str, Any]:
    unknown = fields.keys() - LOG_FIELDS.keys()
    if unknown:
        raise AssertionError(f"say in domain/telemetry.py what these fields mean: {', '.join(sorted(unknown))}")
    return fields
