"""`turnkeeper limits`: limits of customers and agents, in force from the next turn on."""

from pathlib import Path

import pytest
from turnkeeper.stores import keys
from turnkeeper.stores.stage import StageStore

from tests.cli.conftest import Run, Stack
from tests.support.world import TENANT, service


def status(stack: Stack, customer: str = "carla") -> int:
    return stack.world.send(who=service(), customer_id=customer).status


@pytest.mark.parametrize("limit", ["--day-usd", "--task-usd", "--month-usd"])
def test_a_limit_holds_from_the_next_turn_on_and_goes_when_it_is_removed(stack: Stack, run: Run, limit: str) -> None:
    assert 200 == status(stack)
    assert 0 == run("limits", "set", "--customer", "carla", limit, "0.000001").code
    assert (402, 200) == (status(stack), status(stack, "carl"))
    assert 0 == run("limits", "remove", "--customer", "carla").code
    assert 200 == status(stack)


def test_an_agents_limit_holds_for_customers_without_their_own(stack: Stack, run: Run) -> None:
    run("limits", "set", "--agent", "paint", "--day-usd", "0.000001")
    run("limits", "set", "--customer", "carla", "--day-usd", "1")

    assert (200, 402) == (status(stack), status(stack, "carl"))


def test_what_is_not_named_stays(stack: Stack, run: Run) -> None:
    run("limits", "set", "--customer", "carla", "--task-usd", "0.25")
    result = run("limits", "set", "--customer", "carla", "--day-usd", "20")

    assert "customer carla: $0.250000 for a task\ncustomer carla: $20.000000 for a customer and day\n" == result.out
    assert result.out + "customer carla: $90.000000 for a customer and month\n" == (
        run("limits", "set", "--customer", "carla", "--month-usd", "90").out
    )


def test_every_limit_is_listed_with_where_it_comes_from(stack: Stack, run: Run) -> None:
    StageStore(stack.world.table).change(
        lambda found: found.with_settings('{"limits": {"task_usd": "0.30"}}', [], by="olga", at=1.0)
    )
    run("limits", "set", "--customer", "carla", "--task-usd", "0.25")
    run("limits", "set", "--agent", "paint", "--day-usd", "2")
    run("limits", "set", "--agent", "paint", "--day-usd", "3", "--tenant", "tenant-b")

    assert [
        "stage: $0.300000 for a task  (the stage's file, version 1)",
        "stage: $5.000000 for a customer and day  (the default)",
        "agent paint: $0.400000 for a task  (layers/agents/agents/paint.py)",
        "agent paint: $2.000000 for a customer and day  (turnkeeper limits)",
        "customer carla: $0.250000 for a task  (turnkeeper limits)",
    ] == run("limits", "show").out.splitlines()


def test_a_removed_limit_leaves_nothing_behind(stack: Stack, run: Run) -> None:
    run("limits", "set", "--customer", "carla", "--task-usd", "0.25")
    run("limits", "remove", "--customer", "carla")

    assert stack.world.table.get(keys.customer_limits(TENANT, "carla")) is None


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--day-usd", "1"], "say whose limit: --customer NAME or --agent NAME"),
        (["--customer", "carla", "--agent", "paint", "--day-usd", "1"], "say whose limit"),
        (["--customer", "carla"], "say what to set: --task-usd 0.50, --day-usd 5.00, --month-usd 50.00, or several"),
        (["--customer", "carla", "--day-usd", "much"], "not an amount of dollars: 'much' (write it like 0.50)"),
        (["--customer", "carla", "--day-usd", "-1"], "not an amount of dollars"),
        (["--customer", "ca#rla", "--day-usd", "1"], "'ca#rla' is no id"),
        (["--agent", "piant", "--day-usd", "1"], "there is no agent 'piant'; there are: paint"),
    ],
)
def test_what_makes_no_sense_says_what_to_write(stack: Stack, run: Run, arguments: list[str], message: str) -> None:
    result = run("limits", "set", *arguments)

    assert result.code in (1, 2)
    assert message in result.err
    assert "turnkeeper limits" not in run("limits", "show").out


def test_a_table_by_name_needs_a_tenant(stack: Stack, run: Run, project: Path) -> None:
    assert "say whose data you mean: --tenant" in run("limits", "show", "--table", "turnkeeper").err
