"""Telemetry over Powertools: structured log lines, and metrics in CloudWatch's Embedded Metric Format."""

from collections.abc import Callable
from contextlib import suppress
from functools import wraps
from typing import Any, TypeVar, cast

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit, single_metric

from turnkeeper.domain.telemetry import Action, Metric, Unit

Report = TypeVar("Report", bound=Callable[..., None])


def _never_raises(report: Report) -> Report:
    """Log the error of a report instead of raising it: a turn must not fail because of its own log line."""

    @wraps(report)
    def safely(self: "PowertoolsTelemetry", *args: Any, **kwargs: Any) -> None:
        try:
            report(self, *args, **kwargs)
        except Exception as error:  # noqa: BLE001 - whatever Powertools raises
            self.lost(report.__name__, error)

    return cast(Report, safely)


class PowertoolsTelemetry:
    """Logs one line for each agent action; writes metrics out when `flush` is called, at the end of an invocation."""

    def __init__(self, logger: Logger, metrics: Metrics) -> None:
        self._logger, self._metrics = logger, metrics

    @_never_raises
    def action(self, action: Action, **fields: Any) -> None:
        """Log one agent action; fields that are None are left out."""
        self._logger.info("agent_action", extra={"action_type": action.value, **_with_values(fields)})

    @_never_raises
    def count(self, metric: Metric, value: float = 1, **dimensions: str) -> None:
        """Add to a metric of the service, and, if there are dimensions, to the metric of these dimensions as well."""
        unit = MetricUnit.NoUnit if metric.unit is Unit.NONE else MetricUnit(metric.unit.value)
        self._metrics.add_metric(metric.name, unit, value)
        if dimensions:
            with single_metric(metric.name, unit, value, namespace=self._metrics.namespace) as one:
                for name, dimension in dimensions.items():
                    one.add_dimension(name, dimension)

    @_never_raises
    def warning(self, message: str, **fields: Any) -> None:
        """Log something that the owner should look at."""
        self._logger.warning(message, extra=_with_values(fields))

    @_never_raises
    def fault(self, message: str, error: Exception) -> None:
        """Log a fault of ours with its traceback, and count it."""
        self._logger.error(message, exc_info=error)
        self.count(Metric.Faults)

    @_never_raises
    def flush(self) -> None:
        """Write out the metrics of the invocation, if there are any."""
        if self._metrics.provider.metric_set:
            self._metrics.flush_metrics()

    def lost(self, report: str, error: Exception) -> None:
        """Log that a report failed, in a line so plain that it cannot fail for the same reason."""
        with suppress(Exception):  # no other place is left to report to
            self._logger.warning("telemetry lost", extra={"error": f"{report}: {type(error).__name__}"})


def _with_values(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}
