"""The handler of the callback queue: each message names a turn; only what failed here comes again from the queue."""

import json
from typing import Any

from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord

from turnkeeper.bootstrap import services
from turnkeeper.ports import Json


def deliver_callbacks(event: Json, context: Any) -> Json:
    """Deliver a batch of callbacks."""
    made = services()
    processor = BatchProcessor(event_type=EventType.SQS)

    def deliver(record: SQSRecord) -> None:
        made.callbacks.deliver(json.loads(record.body)["turn_id"])

    try:
        return dict(process_partial_response(event, deliver, processor, context))
    finally:
        made.telemetry.flush()
