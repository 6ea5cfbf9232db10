"""Telemetry over Powertools: what it writes, and that it never raises."""

import json
from collections.abc import Callable
from io import StringIO
from typing import Any

import pytest
from aws_lambda_powertools import Logger, Metrics
from turnkeeper.adapters.telemetry import PowertoolsTelemetry
from turnkeeper.domain.telemetry import Action, Metric


class Broken:
    """A logger, or metrics, that raise whatever they are asked."""

    namespace = "Turnkeeper"

    def __getattr__(self, name: str) -> Any:
        raise RuntimeError(name)


def of(log: StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in log.getvalue().splitlines()]


def telemetry(log: StringIO, metrics: Any = None) -> PowertoolsTelemetry:
    logger = Logger(service=f"test-{id(log)}", stream=log)
    return PowertoolsTelemetry(logger, metrics or Metrics(namespace="Turnkeeper", service="test"))


def test_an_action_is_one_line_without_the_fields_that_have_no_value() -> None:
    log = StringIO()

    telemetry(log).action(Action.MODEL_CALL, model="openai:gpt-6-luna", error_type=None)

    (line,) = of(log)
    assert ("agent_action", "model_call", "openai:gpt-6-luna") == (
        line["message"],
        line["action_type"],
        line["model"],
    )
    assert "error_type" not in line


@pytest.mark.parametrize("metric", Metric, ids=lambda m: m.name)
def test_each_metric_is_written_with_its_name_and_unit(metric: Metric, capsys: pytest.CaptureFixture[str]) -> None:
    told = telemetry(StringIO())

    told.count(metric, 3)
    told.flush()

    (directive,) = json.loads(capsys.readouterr().out)["_aws"]["CloudWatchMetrics"]
    assert [{"Name": metric.name, "Unit": metric.unit.value}] == directive["Metrics"]


REPORTS: list[Callable[[PowertoolsTelemetry], None]] = [
    lambda t: t.action(Action.PAGE, turn_id="turn_1"),
    lambda t: t.count(Metric.TurnCost, 0.5, agent="booking"),
    lambda t: t.warning("something"),
    lambda t: t.fault("a request failed", ValueError("why")),
    lambda t: t.flush(),
]


@pytest.mark.parametrize("report", REPORTS)
def test_nothing_raises_where_powertools_does(report: Callable[[PowertoolsTelemetry], None]) -> None:
    broken: Any = Broken()

    report(PowertoolsTelemetry(broken, broken))


def test_a_value_that_is_no_number_loses_its_metric_and_leaves_a_line() -> None:
    log, wrong = StringIO(), json.loads('"many"')

    telemetry(log).count(Metric.TurnCost, wrong)

    assert [("telemetry lost", "count: MetricValueError")] == [(line["message"], line["error"]) for line in of(log)]
