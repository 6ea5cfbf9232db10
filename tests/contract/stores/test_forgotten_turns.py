"""A turn that was refused is forgotten once, whatever becomes of the answers; a later turn of its key is another."""

from collections.abc import Callable, Sequence

import pytest
from turnkeeper.adapters.dynamodb import DynamoTable
from turnkeeper.adapters.memory import MemoryTable
from turnkeeper.domain.chat import ModelReply, ModelRequest
from turnkeeper.errors import StoreContended
from turnkeeper.ports import Op, Refused
from turnkeeper.stores import keys

from tests.contract.table.faults import Faults, lost
from tests.support.tables import Killed
from tests.support.world import World


def reservations(world: World, turn_id: str) -> list[str]:
    return [item["st"] for item in world.table.query(keys.turn(turn_id)[0], prefix=keys.RESERVATION)]


def test_a_client_that_comes_back_while_its_refusal_is_written_has_a_turn_that_lives(
    faulty: DynamoTable, dynamo_table: DynamoTable, faults: Faults
) -> None:
    """The refused run's delete is carried out, its answer is lost, and it is sent again after its key's next use."""
    env = {"turns.per_minute": 1, "turns.burst": 1}
    world = World(table=faulty, env=env)
    other = World(table=dynamo_table, env=env, clock=world.clock)
    world.send()

    def dies(_: ModelRequest) -> ModelReply:
        raise Killed

    def comes_back() -> None:
        world.later(60)
        other.models.script["first"] = [dies]
        with pytest.raises(Killed):
            other.send(key="k")

    before_it = [None, None, None]  # the reads, ACQUIRE, RESERVE
    faults.plan.extend([*before_it, lost(comes_back)])
    refused = world.send(key="k")
    world.later(60)
    again = world.send(key="k")

    assert (429, 200) == (refused.status, again.status)
    assert ["POSTED", "POSTED"] == reservations(world, again.json["turn_id"])
    assert 0 == world.spent().pending_micro_usd


def test_a_refused_run_s_reservation_that_arrives_late_holds_nothing_in_a_later_turn() -> None:
    """Two first runs of one key have the same epoch: neither the fence nor the ids of one are the other's."""
    table = Congested()
    world = World(table=table)
    refused = world.send(key="k")
    answered = world.send(key="k")

    assert (503, 200) == (refused.status, answered.status)
    assert ["POSTED"] == reservations(world, answered.json["turn_id"])
    assert 0 == world.spent().pending_micro_usd


class Congested(MemoryTable):
    """A table in which the first reservation finds no room, and arrives once more before the second."""

    def __init__(self) -> None:
        super().__init__()
        self.late: Sequence[Op] = []

    def transact(self, ops: Sequence[Op], *, on_conflict: Callable[[], None] | None = None) -> None:
        """Write."""
        holds_money = any(op.key[1].startswith(keys.RESERVATION) for op in ops)
        if holds_money and not self.late:
            self.late = ops
            raise StoreContended
        if holds_money and self.late:
            with pytest.raises(Refused):
                super().transact(self.late)
        super().transact(ops, on_conflict=on_conflict)
