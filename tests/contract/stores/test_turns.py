"""The turn item as lock and fence, in memory and in moto."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from turnkeeper.domain.turn import Document, Lease, Turn
from turnkeeper.errors import TurnLost
from turnkeeper.ports import Put, Refused, Table, Update
from turnkeeper.stores import keys
from turnkeeper.stores.turns import TurnStore

from tests.contract.stores.conftest import NewTurn
from tests.support.world import Clock

ANSWER = Document(200, '{"status":"completed","reply":"Réd.","confidence":1.0}')


def test_a_new_turn_is_acquired_and_reads_back(turns: TurnStore, acquire: NewTurn) -> None:
    mine = acquire()

    assert ("RUN", 1, "carla") == (mine.state, mine.epoch, mine.customer)
    assert mine == turns.get("turn_1")


def test_a_held_turn_is_not_acquired_and_says_what_it_is(turns: TurnStore, acquire: NewTurn, blank: Turn) -> None:
    mine = acquire()
    other, ours = turns.acquire(replace(blank, request_fingerprint="other"), Lease(mine.lease_until + 60))

    assert (False, "fp", 1) == (ours, other.request_fingerprint, other.epoch)


def test_a_lapsed_turn_is_taken_over_with_its_place_and_time(turns: TurnStore, acquire: NewTurn, clock: Clock) -> None:
    first = acquire()
    clock.now += 31
    second = acquire(answer_by=first.answer_by + 999)

    assert (2, first.position, first.answer_by, first.created_at) == (
        second.epoch,
        second.position,
        second.answer_by,
        second.created_at,
    )


def test_a_lapsed_turn_with_another_body_is_not_taken_over(
    turns: TurnStore, acquire: NewTurn, blank: Turn, clock: Clock
) -> None:
    acquire()
    clock.now += 31
    _, ours = turns.acquire(replace(blank, request_fingerprint="other"), Lease(clock() + 30))

    assert not ours


def test_a_finished_turn_keeps_its_answer_byte_for_byte(turns: TurnStore, acquire: NewTurn, table: Table) -> None:
    turns.finish(acquire(), ANSWER, [])
    done = turns.get("turn_1")

    assert done
    assert ("DONE", 200, ANSWER.body) == (done.state, done.first_status, done.first_body)
    assert {"status": "completed", "reply": "Réd.", "confidence": 1.0} == done.outcome
    assert {"due_at", "due_pk", "lease_until"} & (table.get(keys.turn("turn_1")) or {}).keys() == set()


def test_an_overtaken_run_writes_nothing_more(turns: TurnStore, acquire: NewTurn, clock: Clock) -> None:
    late = acquire()
    clock.now += 31
    acquire()
    writes: list[Callable[[], None]] = [
        lambda: turns.finish(late, ANSWER, []),
        lambda: turns.suspend(late, ANSWER, []),
        lambda: turns.forget(late),
        lambda: turns.stop(late, ANSWER, []),
    ]
    for write in writes:
        with pytest.raises(TurnLost):
            write()

    assert ("RUN", 2) == ((now := turns.get("turn_1")) and now.state, now and now.epoch)


def test_a_forgotten_turn_is_gone_and_its_key_is_free(turns: TurnStore, acquire: NewTurn) -> None:
    turns.forget(acquire())

    assert turns.get("turn_1") is None
    assert 1 == acquire().epoch


def test_a_turn_that_was_forgotten_already_is_not_another_of_its_key(turns: TurnStore, acquire: NewTurn) -> None:
    refused = acquire()
    turns.forget(refused)
    turns.forget(refused)
    later = acquire()
    turns.forget(refused)

    assert later == turns.get("turn_1")


def test_a_forgotten_run_writes_nothing_into_a_later_turn_of_its_key(
    turns: TurnStore, acquire: NewTurn, table: Table
) -> None:
    """Its epoch is the same: a fence of epochs alone would let it through."""
    forgotten = acquire()
    turns.forget(forgotten)
    later = acquire()
    writes: list[Callable[[], None]] = [
        lambda: turns.finish(forgotten, ANSWER, []),
        lambda: turns.suspend(forgotten, ANSWER, []),
        lambda: turns.stop(forgotten, ANSWER, []),
    ]
    for write in writes:
        with pytest.raises(TurnLost):
            write()
    with pytest.raises(Refused):
        table.transact([turns.owned(forgotten), Put(("p", "s"), {})])

    assert (forgotten.epoch, later) == (later.epoch, turns.get("turn_1"))


def test_a_run_of_version_0_1_0_is_fenced_by_its_epoch(
    turns: TurnStore, acquire: NewTurn, table: Table, clock: Clock
) -> None:
    acquire()
    table.write(Update(keys.turn("turn_1"), remove=("run_id",)))
    old = _get(turns)
    clock.now += 31
    acquire()
    with pytest.raises(TurnLost):
        turns.finish(old, ANSWER, [])


def test_a_taken_over_turn_cannot_be_forgotten(turns: TurnStore, acquire: NewTurn, clock: Clock) -> None:
    acquire()
    clock.now += 31
    second = acquire()
    with pytest.raises(TurnLost):
        turns.forget(second)

    assert turns.get("turn_1")


def test_a_suspended_turn_has_one_tier_at_a_time(turns: TurnStore, acquire: NewTurn, clock: Clock) -> None:
    turns.suspend(acquire(), Document(202, "{}"), [])
    tier = turns.begin_tier(_get(turns), Lease(clock() + 30))
    with pytest.raises(TurnLost):
        turns.begin_tier(_get(turns), Lease(clock() + 30))
    clock.now += 31
    other = turns.begin_tier(_get(turns), Lease(clock() + 30))
    with pytest.raises(TurnLost):
        turns.end_tier(tier, [])
    turns.end_tier(other, [])

    assert (2, 3) == (tier.epoch, other.epoch)
    assert 4 == turns.begin_tier(_get(turns), Lease(clock() + 30)).epoch


def test_a_person_ends_a_turn_whatever_tier_holds_it_and_only_once(
    turns: TurnStore, acquire: NewTurn, clock: Clock
) -> None:
    turns.suspend(acquire(), Document(202, "{}"), [])
    tier = turns.begin_tier(_get(turns), Lease(clock() + 30))
    turns.conclude(_get(turns), '{"status":"completed"}', [], fenced=False)
    with pytest.raises(TurnLost):
        turns.conclude(tier, '{"status":"other"}', [], fenced=True)
    with pytest.raises(TurnLost):
        turns.conclude(_get(turns), '{"status":"other"}', [], fenced=False)

    assert {"status": "completed"} == _get(turns).outcome


def test_what_is_held_is_due_after_its_lease_and_what_ended_is_not(
    turns: TurnStore, acquire: NewTurn, table: Table, clock: Clock
) -> None:
    held = acquire()
    turns.finish(acquire(turn_id="turn_2"), ANSWER, [])
    due = [
        item["turn_id"]
        for partition in keys.due_partitions()
        for item in table.query_index("due", partition, upto=clock() + 61)[0]
    ]

    assert ([held.turn_id], []) == (
        due,
        [i for p in keys.due_partitions() for i in table.query_index("due", p, upto=clock() + 59)[0]],
    )


def test_a_turn_leaves_the_due_work_only_while_no_run_took_it_again(
    turns: TurnStore, acquire: NewTurn, table: Table
) -> None:
    running = acquire()
    turns.nothing_due(running)

    assert "due_at" in (table.get(keys.turn("turn_1")) or {})


def _get(turns: TurnStore) -> Turn:
    turn = turns.get("turn_1")
    assert turn
    return turn
