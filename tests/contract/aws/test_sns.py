"""Topics over Amazon SNS: what a notice becomes there, and what answers that are not SNS's come to."""

import json
from dataclasses import replace
from threading import Event
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qsl

import pytest
from turnkeeper.adapters import sns
from turnkeeper.adapters.sns import SnsNotifier
from turnkeeper.domain.failures import CONSEQUENCES, Failure
from turnkeeper.errors import DependencyError
from turnkeeper.ports import Published, Subscriptions

from infra.local.http_service import Response
from tests.contract.aws.conftest import GARBAGE, Service

NOTICE = Published("Subject", "text", "{}", {"kind": "escalation"})


def refused(code: str, status: int) -> Response:
    error = f"<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>m</Message></Error></ErrorResponse>"
    return Response(status, error.encode(), {"Content-Type": "text/xml"})


def test_each_protocol_gets_its_own_form(clients: Any, service: Service) -> None:
    service.otherwise = Response(200, b"<r><PublishResult><MessageId>7</MessageId></PublishResult></r>")
    notifier = SnsNotifier(clients("sns"))
    ids = [notifier.publish("topic", message) for message in (NOTICE, replace(NOTICE, sms="line"))]
    sent = [json.loads(dict(parse_qsl(body.decode()))["Message"]) for body in service.bodies]

    assert ["7", "7"] == ids
    assert [
        {"default": "{}", "email": "text", "sms": "Subject"},
        {"default": "{}", "email": "text", "sms": "line"},
    ] == sent


def test_who_confirmed_is_told_from_who_did_not(clients: Any, service: Service) -> None:
    arns = ["PendingConfirmation", "arn:aws:sns:eu-central-1:123456789012:topic:1", "Deleted", "PendingConfirmation"]
    members = "".join(f"<member><SubscriptionArn>{arn}</SubscriptionArn></member>" for arn in arns)
    answer = "<r><ListSubscriptionsByTopicResult><Subscriptions>{}</Subscriptions></ListSubscriptionsByTopicResult></r>"
    notifier = SnsNotifier(clients("sns"))
    service.otherwise = Response(200, answer.format(members).encode())
    some = notifier.subscriptions("topic")
    service.otherwise = Response(200, answer.format("").encode())

    assert (Subscriptions(1, 2), Subscriptions(0, 0)) == (some, notifier.subscriptions("topic"))


def test_a_silent_topic_is_left_within_a_hard_total(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sns, "_TOTAL_S", 0.05)
    left = Event()
    client = SimpleNamespace(publish=lambda **_: left.wait(5))
    with pytest.raises(DependencyError) as caught:
        SnsNotifier(client).publish("topic", NOTICE)
    left.set()

    assert Failure.TIMEOUT is caught.value.failure


@pytest.mark.parametrize("answer", GARBAGE.values(), ids=GARBAGE)
@pytest.mark.parametrize("call", ["publish", "subscriptions"])
def test_an_answer_that_is_not_sns_s_is_a_failure_that_is_tried_again(
    clients: Any, service: Service, answer: Response, call: str
) -> None:
    service.otherwise = answer
    notifier = SnsNotifier(clients("sns"))
    with pytest.raises(DependencyError) as caught:
        notifier.publish("topic", NOTICE) if call == "publish" else notifier.subscriptions("topic")

    assert caught.value.failure in {Failure.SERVER_ERROR, Failure.CONNECTION}
    assert CONSEQUENCES[caught.value.failure].retry


def test_an_answer_that_cannot_be_read_is_a_failure_though_it_says_200(clients: Any, service: Service) -> None:
    service.otherwise = Response(200, b"Welcome to the hotel", {"Content-Type": "text/plain"})
    with pytest.raises(DependencyError) as caught:
        SnsNotifier(clients("sns")).publish("topic", NOTICE)

    assert Failure.CONNECTION is caught.value.failure


@pytest.mark.parametrize(
    ("code", "status", "failure"),
    [
        ("Throttled", 400, Failure.RATE_LIMITED),
        ("AuthorizationError", 403, Failure.BAD_KEY),
        ("NotFound", 404, Failure.BAD_REQUEST),
        ("InternalError", 500, Failure.SERVER_ERROR),
    ],
)
def test_sns_says_why(clients: Any, service: Service, code: str, status: int, failure: Failure) -> None:
    service.otherwise = refused(code, status)
    with pytest.raises(DependencyError) as caught:
        SnsNotifier(clients("sns")).publish("topic", NOTICE)

    assert failure is caught.value.failure
