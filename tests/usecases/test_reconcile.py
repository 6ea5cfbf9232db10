"""The reconciler carries on whatever a death left behind, and runs no model itself."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from turnkeeper.adapters.memory import MemoryTable
from turnkeeper.ports import Json

from tests.support.tables import Killed, WatchedTable, fail, kill, on
from tests.support.world import Context, World, answer, failing


def dead(world: World, key: str = "k") -> str:
    """A turn whose run died: its id."""
    with pytest.raises(Killed):
        world.send(key=key)
    world.restart()
    (turn,) = [key[0] for key in world.table.inner._items if key[1] == "TURN"]  # type: ignore[attr-defined]
    return str(turn.removeprefix("TURN#"))


def dying(hook: object) -> World:
    return World(table=WatchedTable(MemoryTable(), before=hook))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "hook",
    [on("transact", "RSV#", kill), on("transact", "CONV#", kill)],
    ids=["before it reserved", "after the model answered"],
)
def test_a_lapsed_run_is_suspended_started_and_answered(hook: object) -> None:
    world = dying(hook)
    turn = dead(world)
    world.later(70)
    calls = len(world.models.calls)
    world.reconcile()

    assert calls == len(world.models.calls)
    assert [f"{turn}-1"] == list(world.machine.running)
    assert ("completed", "first_attempt") == (world.play(turn), world.get(f"/v1/turns/{turn}").json["tier"])
    assert 0 == world.spent().pending_micro_usd


def test_a_run_whose_lease_holds_is_left_alone() -> None:
    world = dying(on("transact", "CONV#", kill))
    dead(world)
    world.later(20)

    assert (0, {}) == (world.reconcile().looked_at, world.machine.running)


def test_the_client_of_a_dead_run_gets_202_and_then_the_outcome() -> None:
    world = dying(on("transact", "CONV#", kill))
    turn = dead(world)
    world.later(70)
    world.reconcile()
    again = world.send(key="k")
    world.play(turn)

    assert (202, "escalating") == (again.status, again.json["status"])
    assert "completed" == world.get(f"/v1/turns/{turn}").json["status"]


def test_what_a_dead_run_may_have_been_billed_is_posted_once() -> None:
    world = dying(on("transact", "CONV#", kill))
    dead(world)
    held = world.spent().committed_micro_usd
    world.later(70)
    for _ in range(3):
        world.reconcile()
        world.later(40)

    assert (held, held) == (world.spent().committed_micro_usd, world.spent().posted_micro_usd)


def test_a_tier_that_died_is_run_again_and_its_hold_resolved() -> None:
    table = WatchedTable(MemoryTable())
    world = World(table=table)
    turn = world.send(headers={"Prefer": "respond-async"}).json["turn_id"]
    table.before = on("transact", "CONV#", kill)
    with pytest.raises(Killed):
        world.play(turn)
    world.restart()
    world.later(40)

    assert "completed" == world.play(turn)
    assert (0, 2) == (world.spent().pending_micro_usd, len(world.models.calls))


def test_a_tier_that_died_for_good_leaves_no_hold_behind() -> None:
    table = WatchedTable(MemoryTable())
    world = World(table=table)
    turn = world.send(headers={"Prefer": "respond-async"}).json["turn_id"]
    table.before = on("transact", "CONV#", kill)
    with pytest.raises(Killed):
        world.play(turn)
    world.escalate(turn)
    world.later(70)
    world.reconcile()

    assert 0 == world.spent().pending_micro_usd < world.spent().posted_micro_usd


def test_an_execution_that_was_never_started_is_started() -> None:
    world = World()
    world.machine.down = True
    turn = world.send(headers={"Prefer": "respond-async"}).json["turn_id"]
    world.machine.down = False
    world.later(15)
    world.reconcile()

    assert {f"{turn}-1": {"turn_id": turn, "n": 1}} == world.machine.running


def test_an_execution_that_runs_is_not_started_twice() -> None:
    world = World()
    turn = world.send(headers={"Prefer": "respond-async"}).json["turn_id"]
    for _ in range(5):
        world.later(40)
        world.reconcile()

    assert [f"{turn}-1"] == list(world.machine.running)


def test_an_execution_that_ended_too_soon_is_followed_by_another_of_the_next_number() -> None:
    world = World()
    turn = world.send(headers={"Prefer": "respond-async"}).json["turn_id"]
    world.machine.close(f"{turn}-1")
    world.later(40)
    world.reconcile()

    assert {f"{turn}-2": {"turn_id": turn, "n": 2}} == world.machine.running
    assert "completed" == world.play(turn, 2)


def test_an_execution_of_an_older_number_does_nothing_more() -> None:
    world = World()
    turn = world.send(headers={"Prefer": "respond-async"}).json["turn_id"]
    world.machine.close(f"{turn}-1")
    world.later(40)
    world.reconcile()

    assert "Conclude" == world.services.tiers.route(turn, 1)
    assert [] == world.models.calls


def test_one_failure_does_not_hold_up_the_rest() -> None:
    table = WatchedTable(MemoryTable())
    world = World(table=table)
    turns = [world.send(headers={"Prefer": "respond-async"}).json["turn_id"] for _ in range(3)]
    world.machine.running.clear()
    world.later(15)
    table.before = on("query", f"TURN#{turns[0]}", fail)
    tally = world.reconcile()

    assert (3, 1) == (tally.looked_at, tally.failed)
    assert [f"{turn}-1" for turn in turns[1:]] == list(world.machine.running)


def test_a_fault_in_one_item_does_not_hold_up_the_rest_and_is_told() -> None:
    world = World()
    world.telemetry.expected = LookupError
    turns = [world.send(headers={"Prefer": "respond-async"}).json["turn_id"] for _ in range(3)]
    world.machine.running.clear()
    world.later(15)
    start = world.machine.start

    def faulty(name: str, payload: Json) -> bool:
        if name == f"{turns[0]}-1":
            raise LookupError("a fault of ours")
        return start(name, payload)

    world.machine.start = faulty  # type: ignore[method-assign]
    tally = world.reconcile()

    assert (3, 1) == (tally.looked_at, tally.failed)
    assert [f"{turn}-1" for turn in turns[1:]] == list(world.machine.running)
    assert [f"not reconciled: {turns[0]}"] == world.telemetry.faults


def test_reconcilers_beside_each_other_do_everything_once() -> None:
    world = dying(on("transact", "CONV#", kill))
    turn = dead(world)
    held = world.spent().committed_micro_usd
    world.later(70)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: world.reconcile(), range(8)))

    assert [f"{turn}-1"] == list(world.machine.running)
    assert (held, held) == (world.spent().committed_micro_usd, world.spent().posted_micro_usd)


def test_a_reconciler_stops_in_time() -> None:
    world = World()
    for _ in range(3):
        world.send(headers={"Prefer": "respond-async"})
    world.later(15)

    assert 0 == world.services.reconciler.run(world.clock.now - 1).looked_at


def test_nothing_is_due_once_everything_ended() -> None:
    world = World()
    world.models.script["first"] = [answer(), *failing()]
    world.send()
    turn = world.send().json["turn_id"]
    world.play(turn)
    world.later(90_000)
    for _ in range(3):
        world.reconcile()
        world.later(60)

    assert 0 == world.reconcile().looked_at


def test_a_turn_without_any_time_is_carried_on_by_the_state_machine() -> None:
    world = World()
    sent = world.send(context=Context(0))

    assert ("completed", 202) == (world.play(sent.json["turn_id"]), sent.status)
