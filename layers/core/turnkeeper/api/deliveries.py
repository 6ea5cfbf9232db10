"""The handler of the callback queue: each message names a turn, and only those that failed come again."""

import json
from collections.abc import Callable
from typing import Any

from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord

from turnkeeper.ports import Json
from turnkeeper.services import Services


def deliver_callbacks(services: Callable[[], Services]) -> Callable[[Json, Any], Json]:
    """Return the handler of the callback queue; `services` is called in each invocation."""

    def handler(event: Json, context: Any) -> Json:
        made = services()
        processor = BatchProcessor(event_type=EventType.SQS)

        def deliver(record: SQSRecord) -> None:
            made.callbacks.deliver(json.loads(record.body)["turn_id"])

        try:
            return dict(process_partial_response(event, deliver, processor, context))
        finally:
            made.telemetry.flush()

    return handler
