"""`turnkeeper stop`, `resume` and `models retry`: who and what, and that nothing is stopped by a typing error."""

import pytest
from turnkeeper.domain.breaker import State
from turnkeeper.domain.failures import Failure
from turnkeeper.domain.stage import MAX_AGE_S
from turnkeeper.errors import DependencyError
from turnkeeper.stores.stage import StageStore
from turnkeeper_cli.store import Place

from tests.cli.conftest import Run, Stack
from tests.support.world import answer, service


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


GONE = "openai:first"


def is_gone(stack: Stack) -> None:
    error = DependencyError(Failure.MODEL_GONE, "404 model_not_found")
    stack.world.models.script["first"] = [error]
    stack.world.send(who=service(), customer_id="carla")


def test_the_next_call_asks_a_model_that_was_gone(stack: Stack, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Place, "now", staticmethod(stack.world.clock))
    is_gone(stack)
    stack.world.models.script["first"] = [answer()]
    before = stack.world.send(who=service(), customer_id="carla").json["model"]
    result = run("models", "retry", GONE)
    after = stack.world.send(who=service(), customer_id="carla").json["model"]

    assert ("anthropic:second", GONE, 0) == (before, after, result.code)
    assert f"The next call asks {GONE}; if that is answered, all do.\n" == result.out


@pytest.mark.parametrize(
    ("model", "told"),
    [
        (GONE, f"{GONE} is not left alone: its calls are made"),
        ("openai:nope", "no agent has the model 'openai:nope'"),
    ],
)
def test_what_is_asked_anyway_or_by_nobody_is_not_asked_again(stack: Stack, run: Run, model: str, told: str) -> None:
    result = run("models", "retry", model)

    assert 1 == result.code
    assert told in result.err
    assert State.CLOSED is stack.world.services.stores.breakers.read([model])[0].state
