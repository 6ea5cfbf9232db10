"""`turnkeeper forget`: everything that is kept about one customer goes, and nothing else."""

import time
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
from turnkeeper import ToolContext, tool
from turnkeeper.adapters.dynamodb import DynamoTable
from turnkeeper.domain.spend import Override, utc_day
from turnkeeper.stores import keys
from turnkeeper.stores.limits import Whose

from tests.cli.conftest import Run, Stack
from tests.contract.conftest import TABLE_NAME
from tests.support.world import TENANT, Clock, World, answer, paint, prose, service, tool_call

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


@tool(side_effect=True)
def book(context: ToolContext, slot: str) -> str:
    """Book."""
    return slot


@pytest.fixture
def world(dynamo_client: "DynamoDBClient") -> World:
    """Give a deployment whose today is today, as it is for the command."""
    table = DynamoTable(dynamo_client, TABLE_NAME)
    return World(paint(tools=[book], cache_seconds=60), table=table, clock=Clock(time.time()))


def live(world: World, customer: str) -> list[str]:
    """Let a customer do whatever leaves something behind; returns the ids of the turns."""

    def send(*script: Any, **body: Any) -> str:
        world.models.script["first"] = list(script)
        return str(world.send(who=service(), customer_id=customer, **body).json["turn_id"])

    first = send(tool_call("book", slot="nine"), answer())
    second = send(answer(), task_id="moving")
    third = send(prose(), prose(), answer())
    world.play(third)
    huge = send(answer("x" * 200_000))
    world.request("POST", f"/v1/turns/{first}/feedback", body={"score": 5}, who=service())
    world.services.stores.limits.change(TENANT, Whose.CUSTOMER, customer, Override(task_micro_usd=5_000_000))
    return [first, second, third, huge]


def kept(dynamo_client: "DynamoDBClient", *words: str) -> list[tuple[str, str]]:
    """Every item that holds one of some words."""
    items = dynamo_client.scan(TableName=TABLE_NAME)["Items"]
    return [(i["pk"]["S"], i["sk"]["S"]) for i in items if any(word in str(i) for word in words)]


def test_without_yes_it_only_says_what_would_go(
    stack: Stack, world: World, run: Run, dynamo_client: "DynamoDBClient"
) -> None:
    live(world, "carla")
    before = kept(dynamo_client, "carla")
    result = run("forget", "carla")

    assert 0 == result.code
    assert "     4 turns" in result.out
    assert "Nothing was deleted. To delete it, repeat the command with --yes" in result.out
    assert before == kept(dynamo_client, "carla")


def test_everything_about_a_customer_goes_but_what_was_spent_today(
    stack: Stack, world: World, run: Run, dynamo_client: "DynamoDBClient"
) -> None:
    turns = live(world, "carla")
    result = run("forget", "carla", "--yes")

    assert (0, True) == (result.code, "Deleted." in result.out)
    assert [keys.customer_day(TENANT, "carla", utc_day(time.time()))] == kept(dynamo_client, "carla", *turns)
    assert "Today's spending stays counted" in result.out
    assert 404 == world.get(f"/v1/turns/{turns[0]}", service()).status
    assert "Nothing to delete about 'carla'." in run("forget", "carla", "--yes").out


def test_what_was_spent_in_a_limited_month_stays_until_the_month_is_over(
    stack: Stack, world: World, run: Run, dynamo_client: "DynamoDBClient", monkeypatch: pytest.MonkeyPatch
) -> None:
    world.limit(customer_month_micro_usd=1_000_000)
    live(world, "carla")
    day, now = utc_day(time.time()), time.time()
    result = run("forget", "carla", "--yes")
    stayed = kept(dynamo_client, "carla")
    monkeypatch.setattr(time, "time", lambda: now + 32 * 86_400)
    later = run("forget", "carla", "--yes")

    assert [keys.customer_day(TENANT, "carla", day), keys.customer_month(TENANT, "carla", day[:7])] == sorted(stayed)
    assert "This month's spending stays counted" in result.out
    assert "     1 daily counters\n     1 monthly counters\n" in later.out
    assert [] == kept(dynamo_client, "carla")


def test_nobody_else_loses_anything(stack: Stack, world: World, run: Run, dynamo_client: "DynamoDBClient") -> None:
    turns = live(world, "carl")
    before = kept(dynamo_client, "carl'", *turns)
    live(world, "carla")
    run("forget", "carla", "--yes")

    assert 20 < len(before)
    assert Counter(before) == Counter(kept(dynamo_client, "carl'", *turns))


def test_another_tenants_customer_of_the_same_name_stays(stack: Stack, world: World, run: Run) -> None:
    turns = live(world, "carla")
    result = run("forget", "carla", "--yes", "--tenant", "tenant-b")

    assert "Nothing to delete" in result.out
    assert 200 == world.get(f"/v1/turns/{turns[0]}", service()).status


def test_a_turn_that_has_not_ended_stays_and_is_named(stack: Stack, world: World, run: Run) -> None:
    waiting = world.awaiting(who=service(), customer_id="carla")
    result = run("forget", "carla", "--yes")

    assert (1, True) == (result.code, f"Not finished yet, so it stays: {waiting}" in result.out)
    assert 200 == world.get(f"/v1/turns/{waiting}", service()).status
    assert 0 == run("ledger", waiting).code
