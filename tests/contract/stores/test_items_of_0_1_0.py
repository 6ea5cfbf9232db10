"""Items as version 0.1.0 wrote them: the present code reads them, and carries on with what they describe.

`items_of_0_1_0.json` is what that version left in its table (in DynamoDB's own notation) when it had answered a turn
and the next one of the same conversation, put three turns before people (of which one was claimed, and one answered),
escalated one that no model could answer, and died within a model call of another.
"""

import json
from pathlib import Path
from typing import Any

import pytest
from turnkeeper.adapters.dynamodb.values import item_from_wire
from turnkeeper.domain.breaker import State
from turnkeeper.domain.effect import EffectState
from turnkeeper.domain.escalation import EscalationState
from turnkeeper.domain.reservation import NO_SHARD, ReservationState
from turnkeeper.domain.spend import Counter, Limit, Override, utc_day
from turnkeeper.domain.turn import TurnState
from turnkeeper.domain.whole_turn import WholeTurn
from turnkeeper.ports import Put, Table

from tests.support.world import TENANT, Clock, World, operator

LEFT: dict[str, Any] = json.loads((Path(__file__).parent / "items_of_0_1_0.json").read_text())
TURNS: dict[str, str] = LEFT["turns"]
ENV = {"hosts.callbacks": {TENANT: ["shop.example"]}, "limits.tenant_day_usd": "50"}


@pytest.fixture
def world(table: Table) -> World:
    """Give a deployment of the present code over the old items, a moment later."""
    for wire in LEFT["items"]:
        item = item_from_wire(wire)
        table.write(Put((item.pop("pk"), item.pop("sk")), item))
    return World(env=ENV, table=table, clock=Clock(LEFT["now"]))


def whole(world: World, name: str) -> WholeTurn:
    found = world.services.stores.turns.whole(TURNS[name])
    assert found
    return found


def test_an_answered_turn_reads_back(world: World) -> None:
    done = whole(world, "done")

    assert (TurnState.DONE, "completed", 4) == (done.turn.state, done.turn.outcome["status"], done.feedback_score)
    assert (ReservationState.POSTED, 180) == (done.reservations[0].state, done.cost_micro_usd)
    assert ("openai:first", 100, 20) == (
        done.reservations[0].model,
        done.reservations[0].tokens_in,
        done.reservations[0].tokens_out,
    )


def test_a_turn_that_waits_for_a_person_reads_back_with_all_that_happened(world: World) -> None:
    waiting = whole(world, "open")
    escalation, (refund,) = waiting.escalation, waiting.effects

    assert escalation
    assert (EscalationState.OPEN, "token-1", 1, 1) == (
        escalation.state,
        escalation.task_token,
        escalation.pages,
        escalation.pages_confirmed,
    )
    assert ("refund", EffectState.DONE, {"refund": 7}) == (refund.tool, refund.state, json.loads(refund.result))
    assert ["first_attempt", "corrected_retry", "alternative_path"] == [a.tier.value for a in waiting.attempts]
    assert waiting.cost_micro_usd == sum(a.cost_micro_usd for a in waiting.attempts) > 0


def test_conversations_counters_limits_and_breakers_read_back(world: World) -> None:
    stores, day = world.services.stores, utc_day(LEFT["now"])
    posted = stores.spend.of_day(TENANT, "carla", day)
    names = [n.name for n in stores.spend.of_customer(TENANT, "carla") if n.limit is Limit.CUSTOMER_DAY]
    said = stores.conversations.recent(TENANT, whole(world, "done").turn.conversation)

    assert 0 < posted.posted_micro_usd < posted.committed_micro_usd  # a call of the dead run is pending
    assert [day] == names
    assert ["Which colour?", "And now?"] == [exchange.user for exchange in said]
    assert [Override(customer_day_micro_usd=2_000_000)] == list(stores.limits.overrides(TENANT, "carla"))
    assert (State.OPEN, 1) == ((b := stores.breakers.read(["anthropic:second"])[0]).state, b.generation)


def test_a_repeated_request_gets_the_answer_that_it_got(world: World) -> None:
    again = world.send("Which colour?", key="done")

    assert (200, TURNS["done"], "true") == (again.status, again.json["turn_id"], again.headers["idempotency-replayed"])
    assert [] == world.models.names()


def test_a_person_answers_what_was_open_and_what_was_claimed(world: World) -> None:
    version = world.claim(TURNS["open"])
    body = {"reply": "Blue.", "output": {"colour": "blue"}}
    first = world.post(f"/v1/escalations/{TURNS['open']}/answer", {"version": version, **body}, operator())
    second = world.post(f"/v1/escalations/{TURNS['claimed']}/answer", {"version": 1, **body}, operator())

    assert [(200, "completed"), (200, "completed")] == [(a.status, a.json["status"]) for a in (first, second)]
    assert ["human", "human"] == [world.get(f"/v1/turns/{TURNS[n]}").json["tier"] for n in ("open", "claimed")]


def test_what_was_left_undone_is_carried_on(world: World) -> None:
    """The dead run's call is posted in full, its turn and the escalated one are answered, the callback is sent."""
    world.later(70)
    world.reconcile()
    swept = whole(world, "running")
    for name in ("running", "failing"):
        world.play(TURNS[name])
    world.deliver()

    assert [(ReservationState.POSTED, True)] == [(r.state, r.is_guess) for r in swept.reservations]
    assert swept.cost_micro_usd == swept.reservations[0].reserved_micro_usd
    assert ["completed", "completed"] == [
        world.get(f"/v1/turns/{TURNS[n]}").json["status"] for n in ("running", "failing")
    ]
    assert [TURNS["answered"]] == [sent["id"] for sent in world.receivers.sent]


def test_what_was_reserved_before_there_were_months_and_stacks_counts_where_it_did(world: World) -> None:
    """These limits are on now: the old reservation is swept under its day, its task and its tenant's shard alone."""
    world.limit(customer_month_micro_usd=50_000_000, stack_day_micro_usd=50_000_000)
    spend, day = world.services.stores.spend, utc_day(LEFT["now"])
    (held,) = whole(world, "running").reservations
    world.later(70)
    world.reconcile()
    counters = spend.of_day(TENANT, "carla", day), spend.of_tenant(TENANT, day)

    assert (False, NO_SHARD, 5) == (held.counts_in_month, held.stack_shard, held.tenant_shard)
    assert {Counter(7_716, 2_120 + held.reserved_micro_usd)} == set(counters)
    assert (Counter(), Counter()) == (spend.of_month(TENANT, "carla", "2026-11"), spend.of_stack(day))


def test_a_conversation_goes_on(world: World) -> None:
    more = world.send("And after that?", conversation_id=whole(world, "done").turn.conversation)

    assert 200 == more.status
    assert ["Which colour?", "And now?"] == [m.text for m in world.models.calls[0][1].messages if m.role == "user"][:2]
