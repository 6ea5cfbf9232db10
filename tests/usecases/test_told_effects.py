"""A customer whose turn ends without an answer is told what was done or begun, and is not asked to repeat it."""

from collections.abc import Callable
from typing import Any

import pytest
from turnkeeper.adapters.memory import MemoryTable
from turnkeeper.agent import Agent, ToolContext, ToolError, tool
from turnkeeper.domain.chat import ModelReply, ModelRequest
from turnkeeper.domain.effect import Effect, EffectState
from turnkeeper.domain.failures import Failure
from turnkeeper.errors import DependencyError

from tests.support.tables import WatchedTable, on
from tests.support.world import Answer, World, answer, operator, paint, tool_call

PAID = "refund (amount usd: 20, order id: A-1001)"


def refunds(outcome: Exception | None = None) -> Agent[Any]:
    """An agent whose refunds end in one way."""

    @tool(side_effect=True)
    def refund(context: ToolContext, order_id: str, amount_usd: int) -> dict[str, str]:
        """Pay."""
        if outcome:
            raise outcome
        return {"refund_id": "R-1"}

    return paint(tools=[refund])


def world_that_pays(outcome: Exception | None = None) -> World:
    """Its models ask for a refund, and then are not sure of anything."""
    world = World(refunds(outcome), env={"ANSWER_BY_SECONDS": "3600"})
    unsure = answer(confidence=0.1)
    world.models.script = {"first": [tool_call("refund", order_id="A-1001", amount_usd=20), unsure], "third": [unsure]}
    return world


def expire(world: World, turn: str) -> None:
    world.later(3_601)
    world.reconcile()


def stop(world: World, turn: str) -> Answer:
    return world.request("POST", f"/v1/turns/{turn}/stop", who=operator())


END = pytest.mark.parametrize("end", [expire, stop])
End = Callable[[World, str], Any]


def told(world: World, end: End) -> str:
    """Send a turn, let it come before people, end it: what the customer reads."""
    turn = world.send().json["turn_id"]
    world.play(turn)
    end(world, turn)
    seen = world.get(f"/v1/turns/{turn}").json
    assert seen["status"] in {"expired", "failed"}
    return str(seen["reply"])


@END
def test_an_effect_that_was_done_is_named(end: End) -> None:
    reply = told(world_that_pays(), end)

    assert f"this was done:\n- {PAID}" in reply
    assert "again" not in reply


@END
def test_an_effect_whose_outcome_is_unknown_is_named_as_begun(end: End) -> None:
    reply = told(world_that_pays(DependencyError(Failure.TIMEOUT)), end)

    assert f"may have been done:\n- {PAID}" in reply
    assert "again" not in reply


@END
def test_an_effect_that_was_refused_is_not_named(end: End) -> None:
    reply = told(world_that_pays(ToolError("paid back before")), end)

    assert "please send it again" in reply
    assert "refund" not in reply


def test_a_turn_that_is_stopped_while_it_runs_names_what_it_had_done() -> None:
    world = world_that_pays()
    stopped: list[Answer] = []

    def meanwhile(_: ModelRequest) -> ModelReply:
        stopped.append(stop(world, next(iter(world.table._items))[0].removeprefix("TURN#")))  # type: ignore[attr-defined]
        return answer()

    world.models.script["first"][1] = meanwhile
    world.send()

    assert [PAID in s.json["reply"] for s in stopped] == [True]


@END
def test_an_effect_that_begins_between_the_last_look_and_the_end_is_named_all_the_same(end: End) -> None:
    """Some run's refund is journalled after the ending has read what there is: what it would write is refused."""
    table = WatchedTable(MemoryTable())
    world = World(refunds(), table=table, env={"ANSWER_BY_SECONDS": "3600"})
    turn_id = world.awaiting()

    def begin() -> None:
        turn = world.services.stores.turns.get(turn_id)
        assert turn
        arguments = '{"amount_usd":20,"order_id":"A-1001"}'
        refund = Effect("refund", "digest", arguments, EffectState.STARTED, turn.epoch)
        world.services.stores.journal.begin(world.services.stores.turns.begins_effect(turn), turn, refund)

    table.before = on("transact", "TURN#", begin)
    end(world, turn_id)
    not_yet = world.get(f"/v1/turns/{turn_id}").json
    world.later(60)
    end(world, turn_id)
    seen = world.get(f"/v1/turns/{turn_id}").json

    assert "awaiting_human" == not_yet["status"]
    assert f"may have been done:\n- {PAID}" in seen["reply"]
