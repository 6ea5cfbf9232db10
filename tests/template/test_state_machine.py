"""The state machine is whole: every way leads somewhere, nothing waits for ever, and only ids cross its states."""

from typing import Any

import pytest
from turnkeeper.domain.tier import STATES as STATES_BY_TIER

from tests.template.source import FUNCTIONS, MACHINE, RESOURCES, STATES, TASKS, TEMPLATE, functions

ALL_TASKS = pytest.mark.parametrize("name", sorted(TASKS))
WAITS = "arn:aws:states:::lambda:invoke.waitForTaskToken"
STATES_OF_TIERS = set(STATES_BY_TIER.values()) - {"HandOffToHuman"}
SUBSTITUTIONS = RESOURCES["EscalationStateMachine"]["Properties"]["DefinitionSubstitutions"]


def ways(state: dict[str, Any]) -> set[str]:
    """Where a state may lead."""
    branches = [*state.get("Catch", []), *state.get("Choices", [])]
    return {branch["Next"] for branch in branches} | {state[key] for key in ("Next", "Default") if key in state}


def placeholder(task: str) -> str:
    return str(TASKS[task]["Parameters"]["FunctionName"]).removeprefix("${").removesuffix("}")


def function_of(task: str) -> str:
    """The logical id of the function that a task invokes."""
    return str(SUBSTITUTIONS[placeholder(task)]["Ref"]).partition(".")[0]


def retriers(task: str) -> list[dict[str, Any]]:
    return [r for r in TASKS[task]["Retry"] if r.get("MaxAttempts", 3) > 0]


@pytest.mark.parametrize("name", sorted(STATES))
def test_every_way_leads_to_a_state(name: str) -> None:
    assert ways(STATES[name]) <= set(STATES)


@pytest.mark.parametrize("name", sorted(STATES))
def test_every_state_leads_on_or_ends(name: str) -> None:
    assert bool(ways(STATES[name])) != (STATES[name]["Type"] in {"Succeed", "Fail"})


def test_every_state_is_reached() -> None:
    reached, ahead = set[str](), {MACHINE["StartAt"]}
    while ahead:
        reached |= ahead
        ahead = {after for name in ahead for after in ways(STATES[name])} - reached

    assert set(STATES) == reached


@pytest.mark.parametrize("name", sorted(n for n, s in STATES.items() if s["Type"] == "Choice"))
def test_a_choice_has_a_default(name: str) -> None:
    assert "Default" in STATES[name]


@ALL_TASKS
def test_a_task_ends_in_time(name: str) -> None:
    assert TASKS[name]["TimeoutSeconds"] > 0


@ALL_TASKS
def test_a_task_never_runs_twice_at_once(name: str) -> None:
    """Its timeout exceeds that of its function, so that a tier is dead before it is tried again."""
    if TASKS[name]["Resource"] != WAITS:
        assert TASKS[name]["TimeoutSeconds"] == functions()[function_of(name)]["Timeout"] + 5


def test_a_person_has_longer_than_any_turn() -> None:
    longest = TEMPLATE["Parameters"]["AnswerBySeconds"]["MaxValue"]

    assert {n: t["TimeoutSeconds"] > longest for n, t in TASKS.items() if t["Resource"] == WAITS} == {
        "HandOffToHuman": True
    }


@ALL_TASKS
def test_retries_are_spread_and_bounded(name: str) -> None:
    spread = [(r["JitterStrategy"], r["MaxDelaySeconds"] <= 60, r["BackoffRate"] > 1) for r in retriers(name)]

    assert [("FULL", True, True)] * len(spread) == spread
    assert "States.ALL" in retriers(name)[-1]["ErrorEquals"]


@pytest.mark.parametrize("name", sorted(STATES_OF_TIERS))
def test_a_tiers_retries_outlive_the_lease_of_a_run_that_died(name: str) -> None:
    """Full jitter waits half of each delay on average: at twice the lease, a killed tier is hardly ever skipped."""
    lease = functions()[function_of(name)]["Timeout"] + TEMPLATE["Parameters"]["LeaseMarginSeconds"]["Default"]
    (retry,) = retriers(name)
    delays = [
        min(retry["MaxDelaySeconds"], retry["IntervalSeconds"] * retry["BackoffRate"] ** n)
        for n in range(retry["MaxAttempts"])
    ]

    assert sum(delays) / 2 >= 2 * lease


def test_a_wait_that_timed_out_does_not_begin_anew() -> None:
    first = TASKS["HandOffToHuman"]["Retry"][0]

    assert (["States.Timeout"], 0) == (first["ErrorEquals"], first["MaxAttempts"])


@ALL_TASKS
def test_a_fault_is_caught_and_keeps_the_ids(name: str) -> None:
    """Without a ResultPath the error would replace the input, and the next state would not know its turn."""
    caught = [(c["ErrorEquals"], c["ResultPath"]) for c in TASKS[name]["Catch"]]

    assert [(["States.ALL"], "$.error")] == caught


@ALL_TASKS
def test_a_task_is_given_ids_only(name: str) -> None:
    ids = {"turn_id.$": "$.turn_id", "n.$": "$.n"}
    token = {"retry_count.$": "$$.State.RetryCount", "task_token.$": "$$.Task.Token"}
    expected = {**ids, **token} if TASKS[name]["Resource"] == WAITS else ids

    assert expected == TASKS[name]["Parameters"]["Payload"]


@ALL_TASKS
def test_a_task_hands_one_word_on(name: str) -> None:
    task = TASKS[name]
    words = [f"$.Payload.{word}" for word in ("next", "outcome", "status")]

    assert task["ResultPath"] is None or (
        task["ResultPath"] != "$"
        and len(task["ResultSelector"]) == 1
        and next(iter(task["ResultSelector"].values())) in words
    )


@ALL_TASKS
def test_a_task_is_named_as_its_function_and_its_folder(name: str) -> None:
    folder = functions()[function_of(name)]["CodeUri"].removeprefix("functions/")

    assert (f"{name}Function", f"{name}FunctionArn") == (function_of(name), placeholder(name))
    assert name == "".join(word.capitalize() for word in folder.split("_"))


def test_placeholders_and_substitutions_match() -> None:
    assert set(SUBSTITUTIONS) == {placeholder(task) for task in TASKS}


def test_the_machine_runs_the_versions_that_deployments_shift() -> None:
    assert {f"{name}.Alias" for name in FUNCTIONS if name.removesuffix("Function") in TASKS} == {
        substitution["Ref"] for substitution in SUBSTITUTIONS.values()
    }


def test_the_machine_may_invoke_each_of_its_functions() -> None:
    policies = RESOURCES["EscalationStateMachine"]["Properties"]["Policies"]
    invoked = {p["LambdaInvokePolicy"]["FunctionName"]["Ref"] for p in policies if "LambdaInvokePolicy" in p}

    assert {function_of(task) for task in TASKS} == invoked


def test_a_bad_end_fails_the_execution() -> None:
    """Only what somebody wanted succeeds, an answer or a stop: what else happens is seen, and pages."""
    succeeding = {name for name, state in STATES.items() if state["Type"] == "Succeed"}
    leading = {name: ways(state) & succeeding for name, state in STATES.items() if ways(state) & succeeding}
    statuses = {c["StringEquals"] for c in STATES["Concluded"]["Choices"] if c["Next"] in succeeding}

    assert ({"Concluded": {"Completed", "Stopped"}}, {"completed", "failed"}) == (leading, statuses)
