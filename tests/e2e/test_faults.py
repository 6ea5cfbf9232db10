"""Every way in which the model provider can fail, on the first model and on all, as docs/failures.md says."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from infra.local.model_provider.modes import MODES
from tests.e2e.cloud import Cloud, until

pytestmark = pytest.mark.cloud

FIRST, SECOND, OTHER = "openai:gpt-6-luna", "anthropic:claude-haiku-5-5", "bedrock:global.amazon.nova-2-lite-v1:0"
"""The first two models of the booking agent's chain, and the first of its alternative path."""

MESSAGE = "I need a dentist."

SILENT = ("hang", "drip", "slow")
DOWN = (
    *("error", "unavailable", "rate_limit", "no_credit", "bad_key", "bad_request", "reset", "garbage", "empty"),
    *("model_gone", "error_in_200"),
)
UNUSABLE = ("prose", "invalid", "blank", "truncated", "low_confidence")
BILLED = ("no_usage", "absurd_usage", "other_model")
FILTERED = ("refusal", "filter")
PERSON = (202, "awaiting_human", None, None)

ON_THE_FIRST = {
    **dict.fromkeys(DOWN, (200, "completed", "first_attempt", SECOND)),
    **dict.fromkeys(UNUSABLE, (202, "completed", "alternative_path", OTHER)),
    **dict.fromkeys(BILLED, (200, "completed", "first_attempt", FIRST)),
    **dict.fromkeys(FILTERED, PERSON),
}
ON_ALL = {
    **dict.fromkeys((*DOWN, *UNUSABLE, *FILTERED), PERSON),
    **dict.fromkeys(BILLED, (200, "completed", "first_attempt", FIRST)),
}
REASONS = {
    **dict.fromkeys((*SILENT, *DOWN), "no_model_available"),
    **dict.fromkeys(("prose", "invalid", "blank"), "invalid_output"),
    "truncated": "truncated",
    "low_confidence": "low_confidence",
    "refusal": "refusal",
    "filter": "content_filter",
}
"""Why a person is asked."""

Ending = tuple[int, str, str | None, str | None]
"""The status of the POST; then the turn's status, tier and model."""


def rule(mode: str, model: str = "*", times: int | None = None) -> dict[str, Any]:
    return {"model": model.rpartition(":")[2], "mode": mode, "times": times, "seconds": 60}


def ending(cloud: Cloud) -> tuple[str, Ending]:
    """Send a turn: its id, and how it ended or whom it waits for."""
    sent = cloud.send(MESSAGE)
    turn_id = str(sent.json()["turn_id"])

    def settled() -> dict[str, Any] | None:
        turn: dict[str, Any] = cloud.get(f"/v1/turns/{turn_id}").json()
        return turn if turn["status"] in ("completed", "awaiting_human", "expired", "failed") else None

    turn = until(settled, f"{turn_id} has ended, or waits for a person")
    return turn_id, (sent.status_code, turn["status"], turn["tier"], turn["model"])


def at_once(cloud: Cloud, turns: int) -> Sequence[Ending]:
    """Send turns of different customers at the same time."""
    with ThreadPoolExecutor(turns) as threads:
        return [found for _, found in threads.map(lambda _: ending(cloud), range(turns))]


def reason(cloud: Cloud, turn_id: str) -> str:
    """Return why a person is asked; nobody will come, so the turn is stopped."""
    why: str = cloud.waiting(turn_id)["reason"]
    assert 200 == cloud.operator("POST", f"/v1/turns/{turn_id}/stop").status_code
    return why


def called(cloud: Cloud, model: str) -> list[str]:
    """The modes in which a model answered since its calls were forgotten."""
    return [call["mode"] for call in cloud.calls() if call["model"] == model.rpartition(":")[2]]


def test_every_mode_is_tried_here() -> None:
    assert MODES == {*SILENT, *ON_THE_FIRST} == {*SILENT, *ON_ALL}


@pytest.mark.parametrize("mode", ON_THE_FIRST)
def test_a_first_model_that_fails(cloud: Cloud, mode: str) -> None:
    cloud.forget_calls()
    with cloud.faults(rule(mode, FIRST)):
        _, found = ending(cloud)

    assert ON_THE_FIRST[mode] == found
    assert mode == called(cloud, FIRST)[0]


@pytest.mark.parametrize("mode", ON_ALL)
def test_all_models_fail(cloud: Cloud, mode: str) -> None:
    with cloud.faults(rule(mode)):
        turn_id, found = ending(cloud)

    assert ON_ALL[mode] == found
    if found == PERSON:
        assert REASONS[mode] == reason(cloud, turn_id)


def test_a_first_model_that_stays_silent_leaves_time_for_the_second(cloud: Cloud) -> None:
    """It hangs, drips, or is slow: one turn each, at the same time."""
    cloud.forget_calls()
    with cloud.faults(*(rule(mode, FIRST, times=1) for mode in SILENT)):
        found = at_once(cloud, len(SILENT))

    assert [(200, "completed", "first_attempt", SECOND)] * len(SILENT) == found
    assert sorted(SILENT) == sorted(called(cloud, FIRST))


@pytest.mark.slow
@pytest.mark.parametrize("mode", SILENT)
def test_all_models_stay_silent(cloud: Cloud, mode: str) -> None:
    """Every tier uses its time up, and then a person is asked."""
    with cloud.faults(rule(mode)):
        turn_id, found = ending(cloud)

    assert PERSON == found
    assert REASONS[mode] == reason(cloud, turn_id)


def test_an_open_breaker_stops_the_calls_and_one_probe_ends_it(cloud: Cloud) -> None:
    """Left alone while it rests, probed by one of many turns, rested again, and back without a restart."""
    with cloud.faults(rule("error", FIRST)):
        until(lambda: ending(cloud) and cloud.breakers().get(FIRST) == "open", "the breaker is open")
        cloud.rest(FIRST, 60)
        cloud.forget_calls()
        resting, while_resting = at_once(cloud, 4), called(cloud, FIRST)
        cloud.rest(FIRST, 0)
        probing, probes = at_once(cloud, 4), called(cloud, FIRST)
        cloud.rest(FIRST, 60)
        _, after = ending(cloud)
    cloud.forget_calls()
    cloud.rest(FIRST, 0)
    recovered = ending(cloud)[1]

    assert [(200, "completed", "first_attempt", SECOND)] * 9 == [*resting, *probing, after]
    assert ([], ["error"]) == (while_resting, probes)
    assert (200, "completed", "first_attempt", FIRST) == recovered
    assert "closed" == cloud.breakers()[FIRST]
