"""Sends messages to queues over Amazon SQS."""

import json
from typing import Any

from turnkeeper.adapters.aws_errors import AWS_ERRORS, as_dependency_error
from turnkeeper.ports import Json


class SqsQueue:
    """One queue over a boto3 SQS client with bounded timeouts."""

    def __init__(self, client: Any, url: str) -> None:
        self._client, self._url = client, url

    def send(self, message: Json) -> None:
        """Put a message into the queue; raises DependencyError."""
        try:
            self._client.send_message(QueueUrl=self._url, MessageBody=json.dumps(message))
        except AWS_ERRORS as error:
            raise as_dependency_error(error) from error
