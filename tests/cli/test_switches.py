"""`turnkeeper stop` and `resume`: who and what, and that nothing is stopped by a typing error."""

import pytest
from turnkeeper.domain.stage import MAX_AGE_S
from turnkeeper.stores.stage import StageStore

from tests.cli.conftest import Run, Stack
from tests.support.world import service


def status(stack: Stack) -> int:
    stack.world.later(MAX_AGE_S)
    return stack.world.send(who=service(), customer_id="carla").status


@pytest.mark.parametrize("target", [["everything"], ["agent", "paint"], ["customer", "carla"]])
def test_what_is_stopped_is_refused_until_it_is_resumed(stack: Stack, run: Run, target: list[str]) -> None:
    stopped = run("stop", *target)
    assert (0, 503) == (stopped.code, status(stack))
    assert stopped.out.startswith(f"{' '.join(target)} is stopped within 60 s: new turns are refused (503, stopped).")
    assert (0, 200) == (run("resume", *target).code, status(stack))


def test_a_customer_is_stopped_for_one_tenant(stack: Stack, run: Run) -> None:
    run("stop", "customer", "carla", "--tenant", "tenant-b")

    assert 200 == status(stack)


@pytest.mark.parametrize("target", [["model", "anthropic:second"], ["tool", "mix"]])
def test_a_model_and_a_tool_are_stopped_by_their_names(stack: Stack, run: Run, target: list[str]) -> None:
    result = run("stop", *target)
    (stop,) = StageStore(stack.world.table).current().stops

    assert (0, " ".join(target)) == (result.code, str(stop.target))
    assert "no call of it is begun" in result.out


@pytest.mark.parametrize(
    ("target", "told"),
    [
        (["agent", "piant"], "there is no agent 'piant'; there are: paint"),
        (["model", "openai:nope"], "no agent has the model 'openai:nope'; there are: anthropic:second, openai:first"),
        (["tool", "nope"], "no agent has the tool 'nope'; there are: mix"),
        (["customer", "ca rla"], "'ca rla' is no id"),
        (["agent"], "or name what: `turnkeeper stop agent booking`"),
        (["everything", "now"], "write `turnkeeper stop everything`"),
        (["region", "eu"], "region"),
    ],
)
def test_what_is_not_there_is_not_stopped(stack: Stack, run: Run, target: list[str], told: str) -> None:
    result = run("stop", *target)

    assert result.code in (1, 2)
    assert told in result.err
    assert 0 == StageStore(stack.world.table).current().version


def test_to_stop_twice_says_who_did_it_first(stack: Stack, run: Run) -> None:
    run("stop", "everything")

    assert run("stop", "everything").out.startswith("everything is stopped already, by ")
    assert 1 == StageStore(stack.world.table).current().version


def test_to_resume_what_runs_says_what_is_stopped(stack: Stack, run: Run) -> None:
    run("stop", "agent", "paint")
    result = run("resume", "everything")

    assert (1, "turnkeeper: everything is not stopped; stopped is: agent paint\n") == (result.code, result.err)
