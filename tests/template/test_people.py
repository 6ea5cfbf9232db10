"""Whoever must be told is reached: encrypted topics admit alarms and rules, and what cannot be delivered is kept."""

import re
from collections.abc import Mapping
from typing import Any

import pytest

from tests.template.source import RESOURCES, ROOT, STATES, many, of_type, references

TOPICS = of_type("AWS::SNS::Topic")
ALARMS = of_type("AWS::CloudWatch::Alarm") | of_type("AWS::CloudWatch::CompositeAlarm")
RULES = of_type("AWS::Events::Rule")
ALARM_SERVICE, RULE_SERVICE = "cloudwatch.amazonaws.com", "events.amazonaws.com"
RUNBOOK = ROOT / "docs" / "runbook.md"
SECTION = re.compile(r"Runbook - (.+?)\.?$")


def admitted(document: Mapping[str, Any], service: str) -> list[Mapping[str, Any]]:
    """The statements of a policy that admit a service."""
    return [s for s in document["Statement"] if service in many(s["Principal"].get("Service", []))]


def publishers(topic: str) -> set[str]:
    """The services that publish to a topic."""
    alarms = {ALARM_SERVICE for a in ALARMS.values() if topic in references(a.get("AlarmActions", []))}
    rules = {RULE_SERVICE for r in RULES.values() if topic in references([t["Arn"] for t in r["Targets"]])}
    return alarms | rules


PUBLISHERS = sorted((topic, service) for topic in TOPICS for service in publishers(topic))


def key_policy(topic: str) -> Mapping[str, Any]:
    (key,) = references(TOPICS[topic]["KmsMasterKeyId"])
    policy: Mapping[str, Any] = RESOURCES[key]["Properties"]["KeyPolicy"]
    return policy


def topic_statements(topic: str, service: str) -> list[Mapping[str, Any]]:
    policies = [p for p in of_type("AWS::SNS::TopicPolicy").values() if topic in references(p["Topics"])]
    return [s for p in policies for s in admitted(p["PolicyDocument"], service) if topic in references(s["Resource"])]


def test_alarms_and_the_rule_reach_the_person_on_call() -> None:
    assert {ALARM_SERVICE, RULE_SERVICE} == publishers("OnCallTopic")


@pytest.mark.parametrize("topic", sorted(TOPICS))
def test_a_topic_is_encrypted_with_a_key_of_ours(topic: str) -> None:
    """With alias/aws/sns what alarms publish is silently dropped."""
    assert "AWS::KMS::Key" == RESOURCES[next(iter(references(TOPICS[topic]["KmsMasterKeyId"])))]["Type"]


@pytest.mark.parametrize(("topic", "service"), PUBLISHERS)
def test_a_publisher_may_use_the_topics_key(topic: str, service: str) -> None:
    granted = {action for s in admitted(key_policy(topic), service) for action in many(s["Action"])}

    assert {"kms:GenerateDataKey*", "kms:Decrypt"} <= granted


@pytest.mark.parametrize(("topic", "service"), PUBLISHERS)
def test_a_publisher_may_publish(topic: str, service: str) -> None:
    assert {"sns:Publish"} == {action for s in topic_statements(topic, service) for action in many(s["Action"])}


@pytest.mark.parametrize("topic", sorted(t for t, service in PUBLISHERS if service == RULE_SERVICE))
def test_rules_are_admitted_without_a_condition(topic: str) -> None:
    """EventBridge sends no source account or ARN to SNS and KMS: with such a condition its pages are dropped."""
    statements = [*admitted(key_policy(topic), RULE_SERVICE), *topic_statements(topic, RULE_SERVICE)]

    assert [] == [s for s in statements if "Condition" in s]


@pytest.mark.parametrize("topic", sorted(t for t, service in PUBLISHERS if service == ALARM_SERVICE))
def test_only_our_own_alarms_publish(topic: str) -> None:
    conditions = [s["Condition"] for s in topic_statements(topic, ALARM_SERVICE)]

    assert [{"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}] == conditions


@pytest.mark.parametrize("topic", ["OnCallTopic", "SecondLevelTopic"])
def test_a_page_that_is_not_delivered_is_told_to_somebody_else(topic: str) -> None:
    failed = [a for a in ALARMS.values() if a.get("MetricName") == "NumberOfNotificationsFailed"]
    told = [references(a["AlarmActions"]) for a in failed if topic in references(a["Dimensions"])]

    assert [{"OwnerTopic"}] == told


def test_an_execution_that_ends_badly_pages() -> None:
    """States.Runtime and States.DataLimitExceeded escape every Catch; a rule sees them."""
    rule = RULES["EscalationEndedBadlyRule"]
    detail = rule["EventPattern"]["detail"]

    assert {"FAILED", "TIMED_OUT", "ABORTED"} == set(detail["status"])
    assert {"EscalationStateMachine"} == references(detail["stateMachineArn"])
    assert {"OnCallTopic"} == references([t["Arn"] for t in rule["Targets"]])


@pytest.mark.parametrize("rule", sorted(RULES))
def test_an_undelivered_event_is_kept(rule: str) -> None:
    kept = [references(t["DeadLetterConfig"]["Arn"]) for t in RULES[rule]["Targets"]]

    assert [{"DeadLetters"}] * len(kept) == kept


def test_the_dead_letters_admit_the_rules() -> None:
    policies = [p for p in of_type("AWS::SQS::QueuePolicy").values() if "DeadLetters" in references(p["Queues"])]
    statements = [s for p in policies for s in admitted(p["PolicyDocument"], RULE_SERVICE)]

    assert set(RULES) <= {name for s in statements for name in references(s["Condition"])}


def test_a_schedule_that_failed_is_kept() -> None:
    failed = RESOURCES["ReconcileFunction"]["Properties"]["EventInvokeConfig"]["DestinationConfig"]["OnFailure"]

    assert {"DeadLetters"} == references(failed)


@pytest.mark.parametrize("queue", sorted(of_type("AWS::SQS::Queue")))
def test_a_queue_is_encrypted_and_gives_up_into_the_dead_letters(queue: str) -> None:
    properties = of_type("AWS::SQS::Queue")[queue]

    assert properties["SqsManagedSseEnabled"]
    assert queue == "DeadLetters" or {"DeadLetters"} == references(properties["RedrivePolicy"])


def test_the_dead_letters_are_kept_as_long_as_can_be() -> None:
    assert 14 * 86_400 == of_type("AWS::SQS::Queue")["DeadLetters"]["MessageRetentionPeriod"]


@pytest.mark.parametrize("alarm", sorted(ALARMS))
def test_an_alarm_tells_somebody(alarm: str) -> None:
    assert references(ALARMS[alarm]["AlarmActions"]) & set(TOPICS)


@pytest.mark.parametrize("alarm", sorted(ALARMS))
def test_an_alarm_names_its_section_of_the_runbook(alarm: str) -> None:
    section = SECTION.search(ALARMS[alarm]["AlarmDescription"])
    headings = re.findall(r"^#+ (.+)$", RUNBOOK.read_text(), re.MULTILINE) if RUNBOOK.exists() else None

    assert section
    assert headings is None or section[1] in headings


@pytest.mark.parametrize("alarm", sorted(ALARMS))
def test_an_alarm_decides_what_silence_means(alarm: str) -> None:
    composite = "AlarmRule" in ALARMS[alarm]

    assert composite or ALARMS[alarm]["TreatMissingData"] in {"breaching", "notBreaching"}


def test_the_state_machine_has_bad_ends_to_tell_of() -> None:
    assert {"Expired", "Failed"} == {name for name, state in STATES.items() if state["Type"] == "Fail"}
