"""Publishes notices over Amazon SNS: text for e-mail, a line for SMS, JSON for every other protocol."""

import json
from collections.abc import Mapping
from typing import Any

from turnkeeper.adapters.aws_errors import AWS_ERRORS, as_dependency_error
from turnkeeper.adapters.models.deadline import call_within
from turnkeeper.domain.failures import Failure
from turnkeeper.errors import DependencyError
from turnkeeper.ports import Published, Subscriptions

_TOTAL_S = 4.0
"""The hard total of one publish, even if SNS answers a byte at a time; shorter than the lease of a breaker's probe."""


class SnsNotifier:
    """Topics over a boto3 SNS client with bounded timeouts."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def publish(self, topic: str, message: Published) -> str:
        """Publish one message and return its id; raises DependencyError."""
        try:
            answer = call_within(_TOTAL_S, lambda: self._publish(topic, message))
        except TimeoutError as error:
            raise DependencyError(Failure.TIMEOUT, str(error)) from error
        except AWS_ERRORS as error:
            raise as_dependency_error(error) from error
        return str(answer["MessageId"])

    def _publish(self, topic: str, message: Published) -> Mapping[str, Any]:
        forms = {"default": message.data, "email": message.text, "sms": message.sms or message.subject}
        named = {name: value for name, value in message.attributes.items() if value}
        answer: Mapping[str, Any] = self._client.publish(
            TopicArn=topic,
            Subject=message.subject,
            Message=json.dumps(forms, ensure_ascii=False),
            MessageStructure="json",
            MessageAttributes={n: {"DataType": "String", "StringValue": value} for n, value in named.items()},
        )
        return answer

    def subscriptions(self, topic: str) -> Subscriptions:
        """Count a topic's subscriptions; raises DependencyError."""
        try:
            pages = self._client.get_paginator("list_subscriptions_by_topic").paginate(TopicArn=topic)
            arns = [s["SubscriptionArn"] for page in pages for s in page["Subscriptions"]]
        except AWS_ERRORS as error:
            raise as_dependency_error(error) from error
        return Subscriptions(
            confirmed=sum(arn.startswith("arn:") for arn in arns),
            unconfirmed=sum(arn == "PendingConfirmation" for arn in arns),
        )
