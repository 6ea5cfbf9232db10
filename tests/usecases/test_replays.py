"""One key has one outcome, whatever the client does and whichever run dies."""

import pytest
from turnkeeper.adapters.memory import MemoryTable
from turnkeeper.errors import StoreContended

from tests.support.tables import Killed, WatchedTable, fail, kill, on
from tests.support.world import Context, World, answer, failing


def killed(world: World, key: str, **options: object) -> None:
    with pytest.raises(Killed):
        world.send(key=key, **options)  # type: ignore[arg-type]


def test_a_repeated_key_gets_the_same_bytes_and_costs_nothing() -> None:
    world = World()
    first = world.send(key="k")
    spent, calls = world.spent(), len(world.models.calls)
    again = world.send(key="k")

    assert (200, first.text, "true") == (again.status, again.text, again.headers["idempotency-replayed"])
    assert "idempotency-replayed" not in first.headers
    assert (spent, calls) == (world.spent(), len(world.models.calls))


def test_a_202_is_replayed_byte_for_byte_after_the_turn_was_answered() -> None:
    world = World()
    world.fail_all()
    first = world.send(key="k")
    world.models.script.clear()
    status = world.play(first.json["turn_id"])
    again = world.send(key="k")

    assert "completed" == status
    assert (202, first.text, "true") == (again.status, again.text, again.headers["idempotency-replayed"])
    assert first.headers["location"] == again.headers["location"]
    assert "completed" == world.get(f"/v1/turns/{first.json['turn_id']}").json["status"]


def test_a_key_replays_after_a_cold_start() -> None:
    world = World()
    first = world.send(key="k")
    world.restart()

    assert first.text == world.send(key="k").text


def test_the_same_key_with_another_body_is_422_even_while_the_first_is_in_flight() -> None:
    world = World()
    inner = []

    def meanwhile(_: object) -> object:
        inner.append(world.send("Another?", key="k"))
        return answer()

    world.models.script["first"] = [meanwhile]  # type: ignore[list-item]
    first = world.send(key="k")
    after = world.send("Another?", key="k")

    assert 200 == first.status
    assert (422, "key-reused") == (inner[0].status, inner[0].code)
    assert (422, "key-reused") == (after.status, after.code)


def test_the_same_key_in_flight_is_409_with_retry_after() -> None:
    world = World()
    inner = []

    def meanwhile(_: object) -> object:
        inner.append(world.send(key="k"))
        return answer()

    world.models.script["first"] = [meanwhile]  # type: ignore[list-item]
    world.send(key="k")

    assert [(409, "in-flight")] == [(a.status, a.code) for a in inner]
    assert int(inner[0].headers["retry-after"]) >= 1
    assert ["first"] == world.models.names()


def test_prefer_is_not_part_of_the_fingerprint() -> None:
    world = World()
    first = world.send(key="k", headers={"Prefer": "respond-async"})
    again = world.send(key="k")

    assert (202, first.text) == (again.status, again.text)


ASYNC: list[str | list[str]] = [
    "respond-async",
    "wait=5, respond-async",
    "Respond-Async",
    "respond-async; wait=10",
    'respond-async=""',
    'handling=lenient, respond-async , wait="5,6"',
    ["wait=5", "respond-async"],
    ["respond-async", "wait=5"],
]


@pytest.mark.parametrize("prefer", ASYNC, ids=str)
def test_a_client_that_prefers_async_gets_202_at_once(prefer: str | list[str]) -> None:
    world = World()
    sent = world.send(headers={"Prefer": prefer})

    assert (202, []) == (sent.status, world.models.calls)
    assert "completed" == world.play(sent.json["turn_id"])
    assert "first_attempt" == world.get(f"/v1/turns/{sent.json['turn_id']}").json["tier"]


@pytest.mark.parametrize("prefer", ["wait=5", 'note="a, respond-async"', "x-respond-async", "respond=async", ""])
def test_a_client_that_prefers_something_else_gets_the_answer(prefer: str) -> None:
    assert 200 == World().send(headers={"Prefer": prefer}).status


def test_keys_of_two_customers_are_two_keys() -> None:
    world = World()
    mine = world.send(key="k", customer_id="carla", who=service_())
    theirs = world.send(key="k", customer_id="carl", who=service_())

    assert mine.json["turn_id"] != theirs.json["turn_id"]


def service_() -> dict[str, str]:
    return {"sub": "tenant-a", "client_id": "tenant-a", "scope": "turnkeeper/turns", "token_use": "access"}


@pytest.mark.parametrize(("remaining", "write", "item"), [(28_000, "transact", "RSV#"), (0, "write", "RATE#")])
def test_a_dead_run_is_taken_over_once_its_lease_lapsed(remaining: int, write: str, item: str) -> None:
    world = World(table=WatchedTable(MemoryTable(), before=on(write, item, kill)))
    killed(world, "k", context=Context(remaining))
    world.later(4)
    early = world.send(key="k")
    world.later(30)
    late = world.send(key="k")

    assert (409, 200) == (early.status, late.status)


def test_an_invocation_without_any_time_left_calls_nothing_and_still_answers() -> None:
    world = World()
    sent = world.send(context=Context(0))

    assert (202, []) == (sent.status, world.models.calls)


def test_a_late_first_run_cannot_overwrite_the_second() -> None:
    world = World()
    second = []

    def slow(_: object) -> object:
        world.later(40)
        second.append(world.send(key="k"))
        return answer("green")

    world.models.script["first"] = [slow, answer("blue")]  # type: ignore[list-item]
    first = world.send(key="k")

    assert (503, "outcome-pending") == (first.status, first.code)
    assert "It is blue." == second[0].json["reply"] == world.send(key="k").json["reply"]
    assert second[0].json == world.get(f"/v1/turns/{second[0].json['turn_id']}").json
    assert 0 == world.spent().pending_micro_usd
    assert 2 * 180 == world.spent().posted_micro_usd  # both runs were billed, and both are known


def test_a_run_killed_after_its_call_is_carried_on_and_its_call_is_paid_for() -> None:
    world = World(table=WatchedTable(MemoryTable(), before=on("transact", "CONV#", kill)))
    killed(world, "k")
    held = world.spent().pending_micro_usd
    world.later(40)
    again = world.send(key="k")

    assert 200 == again.status
    assert (held + 180, 0) == (world.spent().posted_micro_usd, world.spent().pending_micro_usd)
    assert f"{(held + 180) / 1e6:.6f}" == again.json["cost_usd"]


def test_a_run_killed_after_its_answer_was_written_replays_it() -> None:
    world = World(table=WatchedTable(MemoryTable(), after=on("transact", "CONV#", kill)))
    killed(world, "k")

    assert (200, "true") == ((again := world.send(key="k")).status, again.headers["idempotency-replayed"])
    assert ["first"] == world.models.names()


def test_a_store_that_goes_away_before_the_call_is_503_and_no_model_is_called() -> None:
    table = WatchedTable(MemoryTable(), before=on("transact", "RSV#", fail))
    world = World(table=table)
    refused = world.send(key="k")
    world.later(40)

    assert (503, "store-unavailable", []) == (refused.status, refused.code, world.models.calls)
    assert int(refused.headers["retry-after"]) >= 1
    assert 200 == world.send(key="k").status


def test_a_store_that_goes_away_before_the_key_is_taken_is_503() -> None:
    world = World(table=WatchedTable(MemoryTable(), before=on("write", "TURN#", fail)))
    refused = world.send(key="k")

    assert (503, "store-unavailable", []) == (refused.status, refused.code, world.models.calls)
    assert 200 == world.send(key="k").status


def test_a_store_whose_reads_fail_forgets_the_key() -> None:
    world = World(table=WatchedTable(MemoryTable(), before=on("batch_get", "", fail)))
    refused = world.send(key="k")

    assert (503, "store-unavailable", []) == (refused.status, refused.code, world.models.calls)
    assert 200 == world.send(key="k").status


def test_a_store_that_goes_away_after_the_call_keeps_the_turn() -> None:
    world = World(table=WatchedTable(MemoryTable(), before=on("transact", "CONV#", fail)))
    refused = world.send(key="k")
    world.later(70)
    world.reconcile()
    replay = world.send(key="k")

    assert (503, 202) == (refused.status, replay.status)
    assert 0 == world.spent().pending_micro_usd


def test_a_turn_is_not_there_before_it_is_accepted_and_escalating_after() -> None:
    world = World(table=WatchedTable(MemoryTable()))
    seen = []

    def look(_: object) -> object:
        turn = next(iter(sk for sk in world.services.stores.turns._table.inner._items if sk[1] == "TURN"))  # type: ignore[attr-defined]
        seen.append(world.get(f"/v1/turns/{turn[0].removeprefix('TURN#')}"))
        return answer()

    world.models.script["first"] = [look]  # type: ignore[list-item]
    world.send()

    assert [(200, "escalating")] == [(a.status, a.json["status"]) for a in seen]


def test_a_refused_turn_is_not_there() -> None:
    world = World(env={"limits.customer_day_usd": "0.000001"})
    refused = world.send(key="k")
    turn = next(iter(World().send(key="k").json["turn_id"] for _ in "k"))

    assert 402 == refused.status
    assert 404 == world.get(f"/v1/turns/{turn}").status


def test_a_failed_start_of_the_execution_is_still_202() -> None:
    world = World()
    world.machine.down = True
    world.models.script = {"first": list(failing()), "second": list(failing())}
    sent = world.send()
    world.machine.down = False
    world.later(15)
    world.reconcile()

    assert 202 == sent.status
    assert [f"{sent.json['turn_id']}-1"] == list(world.machine.running)


def test_a_contended_end_keeps_the_turn_that_was_accepted() -> None:
    def contended() -> None:
        raise StoreContended("others")

    world = World(table=WatchedTable(MemoryTable(), before=on("transact", "CONV#", contended)))
    refused = world.send(key="k")
    world.later(70)
    world.reconcile()

    assert (503, 202) == (refused.status, world.send(key="k").status)
    assert 0 == world.spent().pending_micro_usd


def test_a_taken_over_turn_is_not_held_to_the_rate_limit_again() -> None:
    table = WatchedTable(MemoryTable(), before=on("transact", "CONV#", kill))
    world = World(table=table, env={"turns.per_minute": 1, "turns.burst": 1})
    killed(world, "k")
    world.later(40)

    assert 200 == world.send(key="k").status
