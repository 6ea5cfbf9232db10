"""`turnkeeper trace` and `turnkeeper ledger`: what happened in a turn, and what it cost."""

import re
import time
from pathlib import Path
from typing import Any

import pytest
from turnkeeper import ToolContext, ToolError, tool
from turnkeeper.domain.failures import Failure
from turnkeeper.errors import DependencyError
from turnkeeper.ports import Attr, Update
from turnkeeper.stores import keys

from tests.cli.conftest import Run, Stack
from tests.contract.conftest import TABLE_NAME
from tests.support.world import START, TENANT, World, answer, operator, paint, prose, service, tool_call

CARLA = {"who": service(), "customer_id": "carla"}


@tool(side_effect=True)
def book(context: ToolContext, slot: str) -> dict[str, str]:
    """Book."""
    if slot == "ten":
        raise ToolError("taken")
    return {"booked": slot}


@pytest.fixture
def world(stack: Stack) -> World:
    """Give the deployment behind the stack, with a tool."""
    stack.world.agents = {"paint": paint(tools=[book])}
    return stack.world


def send(world: World, *script: Any, **body: Any) -> str:
    world.models.script["first"] = list(script)
    return str(world.send(**{**CARLA, **body}).json["turn_id"])


def test_a_turn_is_a_tree_of_its_calls_and_effects_with_costs_and_times(world: World, run: Run) -> None:
    ten, nine = tool_call("book", slot="ten"), tool_call("book", slot="nine")
    turn = send(world, ten, nine, answer())
    result = run("trace", turn)
    lines = [line.lstrip("│├└─ ") for line in result.out.splitlines()]

    assert 0 == result.code
    assert re.fullmatch(rf"{turn} · paint · completed · first_attempt · \$0\.000460 · 1\.\d\d s", lines[0])
    assert "asked · “Which colour?” · 2026-11-18 11:06:40 UTC" == lines[1]
    assert re.fullmatch(r"customer carla · conv_\w+ · task turn_\w+", lines[2])
    assert "run 1 · first_attempt · $0.000460" == lines[3]
    assert "+0.00 s · openai:first · 500 ms · 100 tokens in, 10 out · $0.000140" == lines[4]
    assert '+0.50 s · book({"slot":"ten"}) · not done' == lines[5]
    assert '+1.00 s · book({"slot":"nine"}) · → {"booked":"nine"} · done' == lines[7]
    assert "reply · “It is red.”" == lines[-1]


def test_why_a_provider_said_no_stands_under_its_call(world: World, run: Run) -> None:
    said = "Unsupported value: " + "do this instead. " * 16
    turn = send(world, DependencyError(Failure.BAD_REQUEST, "400", said=said))
    lines = [line.lstrip("│├└─ ") for line in run("trace", turn).out.splitlines()]

    assert re.fullmatch(r"\+0\.\d\d s · openai:first · bad_request · .* · not billed", lines[4])
    assert f"why · “{said.strip()}”" == lines[5]
    assert "anthropic:second" in lines[6]


def test_an_escalated_turn_shows_what_was_wrong_and_who_answered(world: World, run: Run) -> None:
    world.models.script["second"] = [DependencyError(Failure.SERVER_ERROR)]
    turn = send(world, prose())
    world.models.script["third"] = [answer(confidence=0.2)]
    world.play(turn)
    version = world.claim(turn)
    body = {"version": version, "reply": "Green.", "output": {"colour": "green"}}
    headers = {"Idempotency-Key": "a"}
    world.request("POST", f"/v1/escalations/{turn}/answer", body=body, who=operator(), headers=headers)
    world.request("POST", f"/v1/turns/{turn}/feedback", body={"score": 4}, who=service())
    out = run("trace", turn).out

    assert "· paint · completed · human ·" in out
    assert "first_attempt · rejected · invalid_output" in out
    assert "wrong · “Invalid JSON" in out
    assert "alternative_path · rejected · low_confidence · confidence 0.20" in out
    assert "escalated · invalid_output · answered" in out
    assert "put before people · 1 page" in out
    assert "claimed by · otto" in out
    assert "feedback · 4 of 5" in out


def test_failed_calls_and_open_breakers_are_shown(world: World, run: Run) -> None:
    world.models.script["second"] = [DependencyError(Failure.SERVER_ERROR)]
    turn = send(world, DependencyError(Failure.TIMEOUT))
    out = run("trace", turn).out

    assert "· timeout ·" in out
    assert "the worst case: the bill is not known" in out
    assert "anthropic:second · server_error" in out
    assert "not billed" in out


def test_hostile_text_is_only_shown(world: World, run: Run) -> None:
    turn = send(world, answer(), message="\x1b[2J\x07[red]mine[/red]\nturn_0 · paint · completed")
    out = run("trace", turn).out

    assert "“�[2J�[red]mine[/red] turn_0 · paint · completed”" in out


def test_a_turn_that_does_not_exist_says_so(world: World, run: Run) -> None:
    assert (1, "turnkeeper: there is no turn 'turn_0' in this table (turns are kept for 30 days)\n") == (
        run("trace", "turn_0").code,
        run("ledger", "turn_0").err,
    )


def test_another_table_is_named_without_a_project(world: World, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    turn = send(world, answer())
    monkeypatch.chdir("/")

    assert 0 == run("trace", turn, "--table", TABLE_NAME).code
    assert "this is no Turnkeeper project" in run("trace", turn).err


def test_a_table_that_does_not_exist_and_missing_credentials_are_explained(
    world: World, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "turnkeeper: the table does not answer (" in run("trace", "turn_0", "--table", "nowhere").err
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")
    assert "set AWS_PROFILE or AWS_REGION" in run("trace", "turn_0", "--table", "nowhere").err


# --- the ledger -------------------------------------------------------------------------------------------------------


def test_the_ledger_of_a_turn_adds_up_to_its_tasks_counter(world: World, run: Run) -> None:
    turn = send(world, DependencyError(Failure.TIMEOUT))
    result = run("ledger", turn)

    assert 0 == result.code
    assert "posted in full: the bill is not known (timeout)" in result.out
    assert re.search(rf"✓ task {turn}: posted \$\d\.\d{{6}}, pending \$0\.000000, as its counter", result.out)


def test_the_ledger_of_a_customer_adds_up_to_each_counter(world: World, run: Run) -> None:
    for task in ("moving", "moving", "painting"):
        send(world, answer(), task_id=task)
    send(world, answer(), customer_id="carl")
    result = run("ledger", "--customer", "carla")

    assert 0 == result.code
    assert 3 == result.out.count("openai:first")
    assert "✓ day 2026-11-18: posted $0.000540, pending $0.000000, as its counter" in result.out
    assert "✓ task moving: posted $0.000360" in result.out
    assert "✓ task painting: posted $0.000180" in result.out


def test_the_ledger_of_a_customer_adds_up_to_each_month_of_what_was_reserved_under_its_limit(
    world: World, run: Run
) -> None:
    send(world, answer())
    world.limit(customer_month_micro_usd=1_000_000)
    send(world, answer())
    world.later(13 * 86_400)
    send(world, answer())
    matching = run("ledger", "--customer", "carla")
    world.table.write(Update(keys.customer_month(TENANT, "carla", "2026-12"), add={"posted": -1}))

    assert 0 == matching.code
    assert "✓ month 2026-11: posted $0.000180, pending $0.000000, as its counter" in matching.out
    assert "✓ month 2026-12: posted $0.000180, pending $0.000000, as its counter" in matching.out
    assert "✓ day 2026-11-18: posted $0.000360" in matching.out
    assert 1 == run("ledger", "--customer", "carla").code


def count_one_more(world: World, **since: float) -> None:
    """Let today's counter say more than the ledger."""
    day = keys.customer_day(TENANT, "carla", "2026-11-18")
    world.table.write(Update(day, set=since, add={"posted": 1}, when=Attr("pk").exists()))


def test_a_sum_that_does_not_match_its_counter_is_an_error(world: World, run: Run) -> None:
    send(world, answer())
    count_one_more(world, since=time.time())
    result = run("ledger", "--customer", "carla")

    assert 1 == result.code
    assert "✗ day 2026-11-18: posted $0.000180, pending $0.000000; its counter: $0.000181, -$0.000001" in result.out


def test_a_counter_that_is_older_than_what_is_kept_may_say_more(world: World, run: Run) -> None:
    send(world, answer())
    count_one_more(world, since=time.time() - 8 * 86_400 - 60)
    result = run("ledger", "--customer", "carla")

    assert 0 == result.code
    assert "~ day 2026-11-18: posted $0.000180" in result.out
    assert "its first entries are older than what is kept" in result.out


def test_a_ledger_that_says_more_than_its_counter_is_an_error_however_old(world: World, run: Run) -> None:
    send(world, answer())
    world.table.write(Update(keys.customer_day(TENANT, "carla", "2026-11-18"), add={"posted": -1}))

    assert 1 == run("ledger", "--customer", "carla").code


@pytest.mark.parametrize("arguments", [(), ("turn_1", "--customer", "carla")])
def test_the_ledger_is_of_one_turn_or_of_one_customer(arguments: tuple[str, ...], run: Run, project: Path) -> None:
    assert "name a turn, or a customer" in run("ledger", *arguments).err


def test_the_clock_of_these_tests_is_where_they_think() -> None:
    assert 1_795_000_000 == START
