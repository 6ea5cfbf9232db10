"""Any process may die at any write: every accepted turn still ends once, is paid for, and its client is notified."""

import json
from collections import defaultdict
from collections.abc import Callable
from functools import partial

import pytest
from turnkeeper.domain.callbacks import DELAYS_S
from turnkeeper.ports import Item
from turnkeeper.stores import keys
from turnkeeper.stores.items import TURN

from tests.simulation.deployment import ANSWER_BY, Deployment
from tests.support.times import TIMES

RUNS = 240 * TIMES
BATCH = 20


def items(world: Deployment, sk: str) -> list[Item]:
    found = [world.memory.get(key) for key in list(world.memory._items) if key[1].startswith(sk)]
    return [item for item in found if item]


def drive(world: Deployment) -> None:
    """Play for a while with faults, then without, until the `answer_by` of every turn has passed."""
    random = world.random
    ended: dict[str, str] = {}
    keys = [f"k{n}" for n in range(random.choice([1, 2, 3]))]
    task = random.choice([None, "moving"])
    until = world.clock.now + ANSWER_BY / 3
    while world.clock.now < until:
        key = random.choice(keys)
        send = partial(world.client, key, task_id=task)
        acts: list[Callable[[], None]] = [send, world.work, world.work, world.schedule, world.operate, world.deliver]
        random.choice(acts)()
        world.clock.now += random.choice([0.5, 5, 40])
        check_money(world, settled=False)
        check_outcomes_stay(world, ended)
    world.faults.quiet = True
    people = random.random() < 0.5
    until = world.clock.now + ANSWER_BY + 400
    while world.clock.now < until:
        for _ in range(3):
            world.work()
        world.schedule()
        if people:
            world.operate()
        world.deliver()
        world.clock.now += 120
        check_outcomes_stay(world, ended)
    until = world.clock.now + sum(DELAYS_S) + len(DELAYS_S) * 3600
    while world.clock.now < until and any(c["st"] == "DUE" for c in items(world, "CALLBACK")):
        world.clock.now += 3600
        world.schedule()
        world.deliver()


def check_money(world: Deployment, *, settled: bool) -> None:
    pending: dict[str, int] = defaultdict(int)
    posted: dict[str, int] = defaultdict(int)
    for r in items(world, "RSV#"):
        for counter in (f"DAY#{r['day']}", keys.task("", "", r["task"])[1]):
            pending[counter] += r["est"] if r["st"] == "PENDING" else 0
            posted[counter] += r.get("actual", 0) if r["st"] == "POSTED" else 0
    for spent in [*items(world, "DAY#"), *items(world, keys.TASK), *items(world, keys.SINGLE)]:
        limit = 50_000 if spent["sk"].startswith("DAY#") else 20_000
        assert (spent["committed"], spent.get("posted", 0)) == (
            posted[spent["sk"]] + pending[spent["sk"]],
            posted[spent["sk"]],
        )
        assert spent["committed"] <= limit
    if settled:
        assert 0 == sum(pending.values())
        assert sum(c.get("posted", 0) for c in items(world, "DAY#")) >= world.models.billed


def check_outcomes_stay(world: Deployment, ended: dict[str, str]) -> None:
    for turn in items(world, "TURN"):
        if turn["st"] == "DONE":
            body = turn.get("outcome_body") or turn["first_body"]
            assert ended.setdefault(turn["turn_id"], body) == body


def check_turns(world: Deployment) -> None:
    escalations = {e["turn_id"]: e for e in items(world, "ESC")}
    paged = {m.attributes["dedup_key"].partition("#")[0] for _, m in world.topics.published if "page" in m.attributes}
    for turn in items(world, "TURN"):
        outcome, escalation = TURN.read(turn).outcome, escalations.get(turn["turn_id"], {})
        assert turn["st"] == "DONE"
        assert outcome["status"] in {"completed", "expired", "failed"}
        assert turn["done_at"] <= turn["answer_by"] + 130
        assert outcome["reply"]
        if outcome["status"] in {"expired", "failed"}:
            assert {slot for slot in world.bookings.slots[turn["turn_id"]] if slot not in outcome["reply"]} == set()
        if outcome["status"] == "expired":
            assert turn["turn_id"] in paged
        if escalation.get("st") == "ANSWERED":
            assert (outcome["reply"], "human") == (escalation["answer"]["reply"], outcome["tier"])
    for turn_id, replies in world.said.items():
        assert {escalations[turn_id]["answer"]["reply"]} == replies


def check_answers(world: Deployment) -> None:
    assert [key for key, texts in world.answers.items() if len(texts) > 1] == []
    assert [key for key, times in world.bookings.made.items() if times > 1] == []


def check_callbacks(world: Deployment) -> None:
    callbacks = {c["turn_id"]: c["st"] for c in items(world, "CALLBACK")}
    escalated = {e["turn_id"] for e in items(world, "ESC")}
    named = [t for t in items(world, "TURN") if t["request"].get("callback_url")]
    told = {(s["id"], s["body"]) for s in world.receivers.sent}
    assert len({turn for turn, _ in told}) == len(told)
    assert callbacks.keys() == {
        t["turn_id"] for t in named if t["turn_id"] in escalated or TURN.read(t).outcome["status"] == "failed"
    }
    for turn in named:
        st, outcome = callbacks.get(turn["turn_id"]), TURN.read(turn).outcome
        if st == "DELIVERED":
            assert outcome in [json.loads(body)["data"] for turn_id, body in told if turn_id == turn["turn_id"]]
        elif st:
            assert st == "GIVEN_UP"
            assert {"turn_id": turn["turn_id"]} in world.dead_letters.messages


def check_nothing_is_due(world: Deployment) -> None:
    assert [item["pk"] for item in items(world, "") if "due_at" in item] == []
    assert world.machine.executions == {}


@pytest.mark.parametrize("batch", range(RUNS // BATCH))
def test_every_accepted_turn_ends_whatever_dies(batch: int) -> None:
    for seed in range(batch * BATCH, (batch + 1) * BATCH):
        world = Deployment(seed, often=[0.01, 0.03, 0.08][seed % 3])
        try:
            drive(world)
            check_money(world, settled=True)
            check_turns(world)
            check_answers(world)
            check_callbacks(world)
            check_nothing_is_due(world)
        except BaseException as error:
            error.add_note(f"seed {seed}")
            raise


def test_a_seed_plays_the_same_run_again() -> None:
    worlds = [Deployment(7, 0.03), Deployment(7, 0.03)]
    for world in worlds:
        drive(world)

    assert worlds[0].memory._items.keys() == worlds[1].memory._items.keys()
    assert worlds[0].answers == worlds[1].answers
