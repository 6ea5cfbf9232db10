"""Least privilege: nothing may do everything, or anything to everything, but where AWS leaves no choice."""

import pytest

from tests.template.source import FUNCTIONS, many, of_type, references, statements

OWNERS = [*FUNCTIONS, *sorted(of_type("AWS::IAM::ManagedPolicy")), "EscalationStateMachine"]
LOG_DELIVERY, END_TASK = "logs:", "states:SendTaskSuccess"
"""What has no resource to name: the delivery of logs, and the end of a task, to which its token admits."""


@pytest.mark.parametrize("owner", OWNERS)
def test_every_resource_is_named(owner: str) -> None:
    everywhere = {
        action
        for statement in statements(owner)
        if "*" in many(statement["Resource"])
        for action in many(statement["Action"])
    }

    logs = {a for a in everywhere if owner == "EscalationStateMachine" and a.startswith(LOG_DELIVERY)}

    assert everywhere - logs - {END_TASK} == set()


@pytest.mark.parametrize("owner", OWNERS)
def test_every_action_is_named(owner: str) -> None:
    assert {a for statement in statements(owner) for a in many(statement["Action"]) if "*" in a} == set()


@pytest.mark.parametrize("owner", OWNERS)
def test_nothing_is_granted_by_exclusion(owner: str) -> None:
    assert {key for s in statements(owner) for key in s} <= {"Effect", "Action", "Resource", "Condition", "Sid"}


@pytest.mark.parametrize("owner", FUNCTIONS)
def test_nobody_scans_the_table(owner: str) -> None:
    assert "dynamodb:Scan" not in {a for statement in statements(owner) for a in many(statement["Action"])}


@pytest.mark.parametrize("owner", FUNCTIONS)
def test_who_publishes_may_use_the_topics_key(owner: str) -> None:
    """Without the key a publish to an encrypted topic is refused: on AWS only, and when somebody should be paged."""
    granted = {action: s for s in statements(owner) for action in many(s["Action"])}

    assert "sns:Publish" not in granted or {"TopicKey"} == references(granted["kms:GenerateDataKey"]["Resource"])


@pytest.mark.parametrize("owner", ["RouteFunction", "HandOffToHumanFunction", "ConcludeFunction", "OperatorsFunction"])
def test_who_calls_no_model_reads_no_key_of_a_provider(owner: str) -> None:
    actions = {a for statement in statements(owner) for a in many(statement["Action"])}

    assert actions.isdisjoint({"bedrock:InvokeModel", "secretsmanager:GetSecretValue", "ssm:GetParameter"})


@pytest.mark.parametrize("owner", ["ContractFunction", "ConsoleFunction"])
def test_what_is_public_may_do_nothing(owner: str) -> None:
    assert [] == statements(owner)
