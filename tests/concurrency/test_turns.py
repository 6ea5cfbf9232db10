"""One key, one claim, one answer, whoever comes at once."""

from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from turnkeeper.domain.ids import turn_id
from turnkeeper.errors import ConflictingAction, TurnkeeperError
from turnkeeper.runtime.operators import Operator

from tests.concurrency.deployment import CALL, PATH, Deployment, Sent, amounts, day_key
from tests.support.crowd import PATIENCE_S, PROCESSES, crowd
from tests.support.weather import CLEAR, Weather
from tests.support.world import TENANT

pytestmark = pytest.mark.random

CROWD = 48
LAPSED_S = 60.0
STORM = Weather(throttled=0.15, conflicts=0.15, lost=0.25)


def sending_one_key(deployment: Deployment) -> Callable[[int], Sent]:
    environment = deployment.environment()
    return lambda _: environment.turn("key")


@pytest.mark.parametrize("weather", [CLEAR, STORM], ids=["clear", "storm"])
def test_a_key_that_is_sent_by_many_at_once_runs_once(deployment: Deployment, weather: Weather) -> None:
    sent = crowd(partial(sending_one_key, deployment.but(weather=weather)), CROWD)
    again = deployment.environment().turn("key")
    statuses = {(s.status, s.code) for s in sent}

    assert {(200, "")} <= statuses <= {(200, ""), (409, "in-flight")}
    assert {again.body} == {s.body for s in sent if s.status == 200}
    assert CALL == deployment.log.billed
    assert (CALL, CALL) == amounts(deployment.table().get(day_key()))


def slow_run(deployment: Deployment, asked: Any, go_on: Any, told: Any) -> None:
    """Run a turn whose model answers only when it is told to."""
    environment = deployment.environment()

    def wait() -> None:
        asked.set()
        assert go_on.wait(PATIENCE_S)

    environment.provider.after = wait
    told.put(environment.turn("key"))


def test_a_run_that_was_taken_over_changes_nothing_when_it_comes_back(deployment: Deployment) -> None:
    asked, go_on, told = PROCESSES.Event(), PROCESSES.Event(), PROCESSES.Queue()
    process = PROCESSES.Process(target=slow_run, args=(deployment, asked, go_on, told))
    process.start()
    assert asked.wait(PATIENCE_S)
    second = deployment.but(clock_ahead_s=LAPSED_S).environment().turn("key")
    go_on.set()
    first = told.get(timeout=PATIENCE_S)
    process.join(PATIENCE_S)
    replayed = deployment.environment().turn("key")

    assert (200, 503, "outcome-pending") == (second.status, first.status, first.code)
    assert second == replayed
    assert 2 * CALL == deployment.log.billed
    assert (2 * CALL, 2 * CALL) == amounts(deployment.table().get(day_key()))


def taking_over(deployment: Deployment) -> Callable[[int], int]:
    environment = deployment.environment()
    return lambda _: environment.turn("key").status


def test_a_dead_runs_turn_is_taken_over_by_one_of_many(deployment: Deployment) -> None:
    asked, never, told = PROCESSES.Event(), PROCESSES.Event(), PROCESSES.Queue()
    process = PROCESSES.Process(target=slow_run, args=(deployment, asked, never, told))
    process.start()
    assert asked.wait(PATIENCE_S)
    process.kill()
    process.join(PATIENCE_S)
    statuses = Counter(crowd(partial(taking_over, deployment.but(clock_ahead_s=LAPSED_S)), CROWD))

    assert statuses[200] >= 1
    assert {200, 409} >= set(statuses)
    assert 2 * CALL == deployment.log.billed  # once by the dead run, once by the one that took over
    assert (2 * CALL, 2 * CALL) == amounts(deployment.table().get(day_key()))


# --- people -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def waiting(deployment: Deployment) -> str:
    """Return a turn that waits for a person."""
    environment = deployment.but(modes=dict.fromkeys(("first", "second", "third"), "error")).environment()
    assert 202 == environment.turn("key").status
    turn = turn_id(TENANT, "carla", PATH, "key")
    environment.escalate(turn)
    return turn


def claiming(deployment: Deployment, turn: str) -> Callable[[int], bool]:
    environment = deployment.environment()
    operators = environment.services.operators

    def claim(n: int) -> bool:
        try:
            operators.claim(Operator(f"operator-{n}", TENANT), turn)
        except ConflictingAction:
            return False
        return True

    return claim


def answering(deployment: Deployment, turn: str, version: int) -> Callable[[int], str]:
    environment = deployment.environment()
    operators = environment.services.operators

    def answer(n: int) -> str:
        try:
            operators.answer(Operator("olga", TENANT), turn, version, f"Answer {n % 24}.", {"colour": "red"})
        except TurnkeeperError as error:
            return error.code
        return f"Answer {n % 24}."

    return answer


@pytest.mark.parametrize("weather", [CLEAR, STORM], ids=["clear", "storm"])
def test_of_many_operators_one_gets_the_claim(deployment: Deployment, waiting: str, weather: Weather) -> None:
    claims = crowd(partial(claiming, deployment.but(weather=weather), waiting), CROWD)
    escalation = deployment.environment().services.stores.escalations.get(waiting)

    assert 1 == sum(claims)
    assert escalation
    assert (f"operator-{claims.index(True)}", 1) == (escalation.claimant, escalation.claim_version)


@pytest.mark.parametrize("weather", [CLEAR, STORM], ids=["clear", "storm"])
def test_of_many_answers_one_is_the_outcome(deployment: Deployment, waiting: str, weather: Weather) -> None:
    environment = deployment.environment()
    version = environment.services.operators.claim(Operator("olga", TENANT), waiting).claim_version
    answers = crowd(partial(answering, deployment.but(weather=weather), waiting, version), CROWD)
    given = set(answers) - {"conflict"}
    turn = environment.services.stores.turns.get(waiting)

    assert turn
    assert {turn.outcome["reply"]} == given
    assert 2 == CROWD - answers.count("conflict")  # two sent the same answer: to both it was given


def test_a_person_and_the_end_of_the_time_to_answer_make_one_outcome(deployment: Deployment, waiting: str) -> None:
    environment = deployment.environment()
    version = environment.services.operators.claim(Operator("olga", TENANT), waiting).claim_version
    ends = crowd(partial(racing, deployment, waiting, version), CROWD)
    turn = environment.services.stores.turns.get(waiting)

    assert turn
    assert turn.is_done
    answered = "answered" in ends
    assert ("completed" if answered else "expired") == turn.outcome["status"]


def racing(deployment: Deployment, turn: str, version: int) -> Callable[[int], str]:
    """Return what answers in one half of the crowd, and lets the time to answer pass in the other."""
    too_late = deployment.but(clock_ahead_s=90_000).environment()
    operators = deployment.environment().services.operators

    def end(n: int) -> str:
        if n % 2:
            too_late.reconcile()
            return ""
        try:
            operators.answer(Operator("olga", TENANT), turn, version, "It is red.", {"colour": "red"})
        except TurnkeeperError as error:
            return error.code
        return "answered"

    return end
