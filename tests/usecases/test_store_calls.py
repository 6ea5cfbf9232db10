"""The happy path's serial calls of the table: one beside another, then two transactions, and nothing else."""

from collections.abc import Sequence

import pytest
from turnkeeper.adapters.memory import MemoryTable
from turnkeeper.ports import Key

from tests.support.tables import WatchedTable
from tests.support.world import World, answer, paint, prose


def calls(world: World, table: WatchedTable, **body: str) -> list[str]:
    """Send a turn: the calls it made, those that run beside each other sorted."""
    table.calls.clear()
    assert 200 == world.send(**body).status  # type: ignore[arg-type]
    beside = next(i for i, name in enumerate(table.calls) if name == "transact")
    return sorted(table.calls[:beside]) + table.calls[beside:]


def test_the_happy_path_acquires_beside_one_read_then_reserves_then_ends() -> None:
    table = WatchedTable(MemoryTable())
    world = World(table=table)
    world.send()  # the first turn of a day crosses nothing, but its counters are new

    assert ["batch_get", "write", "transact", "transact"] == calls(world, table)


def test_the_very_first_turn_needs_no_more() -> None:
    table = WatchedTable(MemoryTable())

    assert ["batch_get", "write", "transact", "transact"] == calls(World(table=table), table)


def test_a_conversations_history_is_read_beside_the_rest() -> None:
    table = WatchedTable(MemoryTable())
    world = World(table=table)
    conversation = world.send().json["conversation_id"]

    assert ["batch_get", "query", "write", "transact", "transact"] == calls(world, table, conversation_id=conversation)


def test_an_agent_that_keeps_answers_writes_them_in_the_same_transaction() -> None:
    table = WatchedTable(MemoryTable())

    assert ["batch_get", "write", "transact", "transact"] == calls(World(paint(cache_seconds=60), table=table), table)


def test_a_replay_waits_for_one_write() -> None:
    table = WatchedTable(MemoryTable())
    world = World(table=table)
    world.send(key="k")
    table.calls.clear()
    world.send(key="k")

    assert ["write"] == [name for name in table.calls if name != "batch_get"]  # nobody waits for the read


def test_each_further_call_of_a_model_costs_two_transactions() -> None:
    table = WatchedTable(MemoryTable())
    world = World(table=table)
    world.models.script["first"] = [prose(), answer()]

    assert ["batch_get", "write", *["transact"] * 4] == calls(world, table)


DAY, MONTH, CARLA = "DAY#2026-11-18", "MONTH#2026-11", "SPEND#tenant-a#carla"
USUAL = [("TURN#", "TURN"), ("TURN#", "RSV#"), (CARLA, DAY), (CARLA, "SINGLE#")]
OPTIONAL = {
    "customer_month_micro_usd": (CARLA, MONTH),
    "tenant_day_micro_usd": ("SPEND#tenant-a#/5", DAY),
    "stack_day_micro_usd": ("SPEND#/5", DAY),
}


@pytest.mark.parametrize("on", [[], *([name] for name in OPTIONAL), list(OPTIONAL)], ids=" ".join)
def test_a_limit_that_is_off_costs_no_operation_and_one_that_is_on_costs_one(on: list[str]) -> None:
    table = WatchedTable(MemoryTable())
    world = World(table=table)
    world.limit(**dict.fromkeys(on, 10_000_000))
    transacted: list[Sequence[Key]] = []
    table.before = lambda name, keys: transacted.append(keys) if name == "transact" else None
    world.send()
    reserved, ended = transacted
    counters = [[key for key in keys if key[0].startswith("SPEND#")] for keys in (reserved, ended)]
    expected = [*USUAL, *(OPTIONAL[name] for name in on), ("RATE#tenant-a#carla", "RATE")]

    assert len(reserved) == len(set(reserved)) == len(expected)
    assert counters[0] == counters[1]
    assert all(
        key[0].startswith(pk) and key[1].startswith(sk) for key, (pk, sk) in zip(reserved, expected, strict=True)
    )
    assert ["batch_get", "write", "transact", "transact"] == calls(world, table)
