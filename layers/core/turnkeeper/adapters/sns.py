"""Publishes notices over Amazon SNS: text for e-mail, a line for SMS, JSON for every other protocol."""

import json
from collections.abc import Mapping
from typing import Any

from turnkeeper.adapters.aws_errors import AWS_ERRORS, as_dependency_error
from turnkeeper.ports import Published, Subscriptions


class SnsNotifier:
    """Topics over a boto3 SNS client with bounded timeouts."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def publish(self, topic: str, message: Published) -> str:
        """Publish one message; returns its id. Raises DependencyError."""
        forms = {"default": message.data, "email": message.text, "sms": message.sms or message.subject}
        try:
            answer: Mapping[str, Any] = self._client.publish(
                TopicArn=topic,
                Subject=message.subject,
                Message=json.dumps(forms, ensure_ascii=False),
                MessageStructure="json",
                MessageAttributes={
                    name: {"DataType": "String", "StringValue": value}
                    for name, value in message.attributes.items()
                    if value
                },
            )
        except AWS_ERRORS as error:
            raise as_dependency_error(error) from error
        return str(answer["MessageId"])

    def subscriptions(self, topic: str) -> Subscriptions:
        """Count a topic's subscriptions. Raises DependencyError."""
        try:
            pages = self._client.get_paginator("list_subscriptions_by_topic").paginate(TopicArn=topic)
            arns = [s["SubscriptionArn"] for page in pages for s in page["Subscriptions"]]
        except AWS_ERRORS as error:
            raise as_dependency_error(error) from error
        return Subscriptions(
            confirmed=sum(arn.startswith("arn:") for arn in arns),
            unconfirmed=sum(arn == "PendingConfirmation" for arn in arns),
        )
