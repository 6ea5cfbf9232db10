"""What the shipped agents reserve on their own models, at public prices."""

from typing import Any

import pytest
from turnkeeper.agent import Model
from turnkeeper.domain.money import micro_usd

from infra.local import sgd
from infra.local.tools_service.app import ToolsService
from tests.local.chains.chain import Double
from tests.local.chains.conftest import Deploy
from tests.local.chains.figures import is_cut, measure, public_prices
from tests.local.chains.shipped import AGENTS, asking

USUAL_TASK_USD = "0.50"
MODELS = [(name, model) for name, agent in AGENTS.items() for model in dict.fromkeys(agent.models)]
LONG = ("I need a dentist in Wexley. " * 200)[:4_000]
"""About as long as anybody writes."""


def tenth(agent: str) -> float:
    return micro_usd(AGENTS[agent].task_limit_usd or USUAL_TASK_USD) / 10


@pytest.mark.parametrize("says", ["Hello", LONG], ids=["short", "long"])
@pytest.mark.parametrize(("agent", "model"), MODELS, ids=[f"{name}-{model.id}" for name, model in MODELS])
def test_a_first_call_reserves_less_than_a_tenth_of_the_task(
    agent: str, model: Model, says: str, double: Double, deploy: Deploy
) -> None:
    world = deploy(asking(AGENTS[agent], model), tools=ToolsService([]), prices=public_prices(AGENTS[agent]))

    turn = world.send(says).json["turn_id"]

    whole = world.services.stores.turns.whole(turn)
    assert whole is not None
    assert 0 < max(r.reserved_micro_usd for r in whole.reservations) < tenth(agent)
    assert [] == double.refused()


def test_booking_truncates_nothing_and_reserves_little(dialogues: list[sgd.Dialogue]) -> None:
    found = measure(dialogues[:2])

    assert (0, True) == (found.cut, max(found.reserved) < tenth("booking"))
    assert all(found.thinking)


def test_a_truncated_reply_would_be_counted() -> None:
    answers: list[dict[str, Any]] = [
        {"incomplete_details": {"reason": "max_output_tokens"}},
        {"choices": [{"finish_reason": "length"}]},
        {"stop_reason": "max_tokens"},
        {"stopReason": "max_tokens"},
    ]

    assert [True] * 4 == list(map(is_cut, answers))
