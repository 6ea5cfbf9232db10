"""Least privilege: nothing may do everything, or anything to everything, but where AWS leaves no choice."""

from collections.abc import Callable

import pytest
from turnkeeper.adapters.memory import MemoryTable

from tests.support.tables import WatchedTable
from tests.support.world import TENANT, World, operator
from tests.template.source import FUNCTIONS, GLOBALS, many, of_type, references, statements

OWNERS = [*FUNCTIONS, *sorted(of_type("AWS::IAM::ManagedPolicy")), "EscalationStateMachine"]
LOG_DELIVERY, END_TASK = "logs:", "states:SendTaskSuccess"
"""What has no resource to name: the delivery of logs, and the end of a task, to which its token admits."""
READS = {"get": "dynamodb:GetItem", "batch_get": "dynamodb:BatchGetItem", "query": "dynamodb:Query"}
HOOK = "https://hooks.example/turns"


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


def hand_off(world: World, turn: str) -> None:
    world.escalate(turn, token="a token")


def page_again(world: World, turn: str) -> None:
    world.escalate(turn)
    world.later(601)
    world.reconcile()


def deliver(world: World, turn: str) -> None:
    world.request("POST", f"/v1/turns/{turn}/stop", who=operator())
    world.deliver()


@pytest.mark.parametrize(
    ("owner", "act"),
    [("HandOffToHumanFunction", hand_off), ("ReconcileFunction", page_again), ("DeliverCallbacksFunction", deliver)],
)
def test_who_asks_a_breaker_may_read_it(owner: str, act: Callable[[World, str], None]) -> None:
    """What is refused is taken for a table that is away: the breaker would never be seen, on AWS only."""
    table = WatchedTable(MemoryTable())
    world = World(table=table, env={"hosts.callbacks": {TENANT: ["hooks.example"]}})
    turn = world.send(headers={"Prefer": "respond-async"}, callback_url=HOOK).json["turn_id"]
    table.calls.clear()
    act(world, turn)
    needed = {READS[call] for call in table.calls if call in READS}
    granted = {action for statement in statements(owner) for action in many(statement["Action"])}

    assert "dynamodb:BatchGetItem" in needed
    assert needed <= granted


def test_health_may_ask_who_is_subscribed_to_every_topic() -> None:
    asking = [s for s in statements("OperatorsFunction") if "sns:ListSubscriptionsByTopic" in many(s["Action"])]

    assert [set(of_type("AWS::SNS::Topic"))] == [references(s["Resource"]) for s in asking]


def test_who_calls_models_may_read_the_key_of_every_provider() -> None:
    """Without the right a key is taken for a rejected one: on AWS only."""
    prefix = GLOBALS["Environment"]["Variables"]["SECRETS_PREFIX"]["Fn::Sub"]
    (reading,) = (s for s in statements("ModelsPolicy") if "secretsmanager:GetSecretValue" in many(s["Action"]))

    assert reading["Resource"]["Fn::Sub"].endswith(f":secret:{prefix}*")


def test_who_calls_models_may_read_only_the_parameters_below_a_prefix() -> None:
    (reading,) = (s for s in statements("ModelsPolicy") if "ssm:GetParameter" in many(s["Action"]))

    assert reading["Resource"]["Fn::Sub"].endswith(":parameter/${SsmPrefix}*")


@pytest.mark.parametrize("owner", ["RouteFunction", "HandOffToHumanFunction", "ConcludeFunction", "OperatorsFunction"])
def test_who_calls_no_model_reads_no_key_of_a_provider(owner: str) -> None:
    actions = {a for statement in statements(owner) for a in many(statement["Action"])}

    assert actions.isdisjoint({"bedrock:InvokeModel", "secretsmanager:GetSecretValue", "ssm:GetParameter"})


@pytest.mark.parametrize("owner", ["ContractFunction", "ConsoleFunction"])
def test_what_is_public_may_do_nothing(owner: str) -> None:
    assert [] == statements(owner)
