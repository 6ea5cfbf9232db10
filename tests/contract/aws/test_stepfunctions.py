"""Executions over AWS Step Functions: what was done already is success, and what cannot be read is away."""

from collections.abc import Callable
from typing import Any

import pytest
from turnkeeper.adapters.stepfunctions import StepFunctions
from turnkeeper.errors import WorkflowUnavailable

from infra.local.http_service import Response
from tests.contract.aws.conftest import GARBAGE, Service

ARN = "arn:aws:states:eu-central-1:123456789012:stateMachine:escalation"
CALLS: dict[str, Callable[[StepFunctions], Any]] = {
    "start": lambda machine: machine.start("turn_1-1", {}),
    "task_succeeded": lambda machine: machine.task_succeeded("token", {}),
}


@pytest.fixture
def machine(clients: Any) -> StepFunctions:
    """Give the state machine that the service stands for."""
    return StepFunctions(clients("stepfunctions"), ARN)


def ok(**data: Any) -> Response:
    return Response.of_json(200, data, {"Content-Type": "application/x-amz-json-1.0"})


def refused(code: str) -> Response:
    headers = {"Content-Type": "application/x-amz-json-1.0"}
    return Response.of_json(400, {"__type": f"com.amazonaws.swf.service.v2.model#{code}"}, headers)


@pytest.mark.parametrize("answer", GARBAGE.values(), ids=GARBAGE)
@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_an_answer_that_cannot_be_read_is_a_state_machine_that_is_away(
    machine: StepFunctions, service: Service, answer: Response, call: Callable[[StepFunctions], Any]
) -> None:
    service.otherwise = answer
    with pytest.raises(WorkflowUnavailable):
        call(machine)


def test_an_execution_is_started(machine: StepFunctions, service: Service) -> None:
    service.otherwise = ok(executionArn="arn", startDate=1)

    assert machine.start("turn_1-1", {})


@pytest.mark.parametrize(
    ("status", "runs"),
    [("RUNNING", True), ("PENDING_REDRIVE", True), ("SUCCEEDED", False), ("FAILED", False), ("ABORTED", False)],
)
def test_a_name_that_was_used_is_looked_up(machine: StepFunctions, service: Service, status: str, runs: bool) -> None:
    service.answers = {"StartExecution": refused("ExecutionAlreadyExists"), "DescribeExecution": ok(status=status)}

    assert (runs, ["StartExecution", "DescribeExecution"]) == (machine.start("turn_1-1", {}), service.asked)


def test_a_name_that_cannot_be_looked_up_is_not_taken_for_closed(machine: StepFunctions, service: Service) -> None:
    service.answers = {"StartExecution": refused("ExecutionAlreadyExists"), "DescribeExecution": Response(500)}
    with pytest.raises(WorkflowUnavailable):
        machine.start("turn_1-1", {})


@pytest.mark.parametrize("code", ["TaskTimedOut", "TaskDoesNotExist", "InvalidToken"])
def test_a_task_that_waits_no_more_is_success(machine: StepFunctions, service: Service, code: str) -> None:
    service.otherwise = refused(code)
    machine.task_succeeded("token", {})

    assert ["SendTaskSuccess"] == service.asked


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_a_refusal_is_told(machine: StepFunctions, service: Service, call: Callable[[StepFunctions], Any]) -> None:
    service.otherwise = refused("AccessDeniedException")
    with pytest.raises(WorkflowUnavailable, match="AccessDenied"):
        call(machine)
