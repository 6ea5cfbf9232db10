"""Telemetry over Powertools: structured log lines, and metrics in the embedded metric format."""

from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit, single_metric


class PowertoolsTelemetry:
    """One line an agent action; metrics are written out at the end of each invocation."""

    def __init__(self, logger: Logger, metrics: Metrics) -> None:
        self._logger, self._metrics = logger, metrics

    def action(self, action_type: str, **fields: Any) -> None:
        """Log one agent action."""
        known = {name: value for name, value in fields.items() if value is not None}
        self._logger.info("agent_action", extra={"action_type": action_type, **known})

    def count(self, metric: str, value: float = 1, *, unit: str = "Count", **dimensions: str) -> None:
        """Count under the service, and under the dimensions where there are any."""
        as_unit = MetricUnit[unit] if unit != "None" else MetricUnit.NoUnit
        self._metrics.add_metric(metric, as_unit, value)
        if dimensions:
            with single_metric(metric, as_unit, value, namespace=self._metrics.namespace) as one:
                for name, dimension in dimensions.items():
                    one.add_dimension(name, dimension)

    def warning(self, message: str, **fields: Any) -> None:
        """Log something that an owner should look at."""
        self._logger.warning(message, extra={k: v for k, v in fields.items() if v is not None})

    def fault(self, message: str, error: Exception) -> None:
        """Log a fault of ours, with where it happened."""
        self._logger.error(message, exc_info=error)
        self._metrics.add_metric("Faults", MetricUnit.Count, 1)

    def flush(self) -> None:
        """Write the invocation's metrics out, where there are any."""
        if self._metrics.provider.metric_set:
            self._metrics.flush_metrics()
