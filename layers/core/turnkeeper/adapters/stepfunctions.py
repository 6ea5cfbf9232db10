"""Runs the escalation state machine over AWS Step Functions."""

import json
from collections.abc import Callable
from typing import Any

from botocore.exceptions import ClientError

from turnkeeper.adapters.aws_errors import AWS_ERRORS
from turnkeeper.errors import WorkflowUnavailable
from turnkeeper.ports import Json


class StepFunctions:
    """Executions over a boto3 client with bounded timeouts."""

    def __init__(self, client: Any, state_machine_arn: str) -> None:
        self._client, self._arn = client, state_machine_arn

    def start(self, name: str, payload: Json) -> bool:
        """Make sure that the execution `name` runs; False if it has already ended. Raises WorkflowUnavailable."""
        try:
            self._client.start_execution(stateMachineArn=self._arn, name=name, input=json.dumps(payload))
        except ClientError as error:
            if _code(error) != "ExecutionAlreadyExists":
                raise WorkflowUnavailable(str(error)) from error
        except AWS_ERRORS as error:
            raise WorkflowUnavailable(str(error)) from error
        else:
            return True
        return str(
            self._try(lambda: self._client.describe_execution(executionArn=self._execution(name)))["status"]
        ) in (
            "RUNNING",
            "PENDING_REDRIVE",
        )

    def task_succeeded(self, token: str, payload: Json) -> None:
        """End the task that waits with `token`; succeeds if none waits any more. Raises WorkflowUnavailable."""
        try:
            self._client.send_task_success(taskToken=token, output=json.dumps(payload))
        except ClientError as error:
            if _code(error) not in ("TaskTimedOut", "TaskDoesNotExist", "InvalidToken"):
                raise WorkflowUnavailable(str(error)) from error
        except AWS_ERRORS as error:
            raise WorkflowUnavailable(str(error)) from error

    def _execution(self, name: str) -> str:
        return f"{self._arn.replace(':stateMachine:', ':execution:')}:{name}"

    @staticmethod
    def _try(call: Callable[[], Any]) -> Any:
        try:
            return call()
        except AWS_ERRORS as error:
            raise WorkflowUnavailable(str(error)) from error


def _code(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))
