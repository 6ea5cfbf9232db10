"""Escalations: tokens, pages, claims and ends, in memory and in moto."""

import pytest
from turnkeeper.domain.attempt import Outcome, Verdict
from turnkeeper.domain.escalation import Escalation, EscalationState, Listed
from turnkeeper.domain.policies import PagingTimes
from turnkeeper.domain.reasons import Reason
from turnkeeper.domain.turn import Document, Turn
from turnkeeper.ports import Refused, Table
from turnkeeper.stores.escalations import EscalationStore
from turnkeeper.stores.turns import TurnStore

from tests.contract.stores.conftest import NewTurn
from tests.support.world import Clock

TIMES = PagingTimes(page_every_s=600, claim_s=900)
UNSURE = Verdict(Outcome.REJECTED, Reason.LOW_CONFIDENCE)


@pytest.fixture
def store(table: Table, clock: Clock) -> EscalationStore:
    return EscalationStore(table, clock, TIMES)


@pytest.fixture
def fresh(store: EscalationStore, turns: TurnStore, acquire: NewTurn) -> Escalation:
    """An escalation whose tiers are running."""
    turn = acquire()
    turns.suspend(turn, Document(202, "{}"), [store.begin_op(turn, UNSURE, first_done=True)])
    return read(store)


@pytest.fixture
def opened(store: EscalationStore, fresh: Escalation) -> Escalation:
    """An escalation that waits for a person."""
    return there(store.offer(fresh, "token", 1_000))


def another(store: EscalationStore, turns: TurnStore, turn: Turn) -> Escalation:
    """One more escalation that waits for a person."""
    turns.suspend(turn, Document(202, "{}"), [store.begin_op(turn, UNSURE, first_done=True)])
    return there(store.offer(there(store.get(turn.turn_id)), "token", 1_000))


def read(store: EscalationStore) -> Escalation:
    return there(store.get("turn_1"))


def there(found: Escalation | None) -> Escalation:
    assert found
    return found


def listed(store: EscalationStore, status: Listed) -> list[str]:
    return [e.turn_id for e in store.page_of("t", status, limit=10, after=None)[0]]


def test_an_escalation_reads_back(fresh: Escalation) -> None:
    assert ("TIERS", "low_confidence", True, 1, 0) == (
        fresh.state,
        fresh.reason,
        fresh.first_done,
        fresh.execution_number,
        fresh.opened_at,
    )


def test_it_is_listed_once_it_waits_for_a_person(store: EscalationStore, fresh: Escalation) -> None:
    before = listed(store, Listed.OPEN)
    store.offer(fresh, "token", 1_000)

    assert ([], ["turn_1"]) == (before, listed(store, Listed.OPEN))


def test_only_a_newer_token_replaces_one(store: EscalationStore, opened: Escalation) -> None:
    assert store.offer(opened, "older", 999) is None
    assert store.offer(opened, "same", 1_000) is None
    assert "newer" == there(store.offer(opened, "newer", 1_001)).task_token


def test_a_claimed_escalation_takes_a_newer_token_and_stays_claimed(store: EscalationStore, opened: Escalation) -> None:
    store.claim(opened, "otto")

    assert ("CLAIMED", "newer") == ((e := there(store.offer(opened, "newer", 1_001))).state, e.task_token)


def test_an_execution_is_counted_once_for_each_that_closed(store: EscalationStore, fresh: Escalation) -> None:
    assert 2 == there(store.next_execution(fresh)).execution_number
    assert store.next_execution(fresh) is None


def test_one_page_is_begun_however_many_try(store: EscalationStore, opened: Escalation, clock: Clock) -> None:
    first, second = store.begin_page(opened), store.begin_page(opened)

    assert (1, None) == (there(first).pages, second)


def test_nobody_is_paged_while_somebody_holds_it(store: EscalationStore, opened: Escalation, clock: Clock) -> None:
    claimed = there(store.claim(opened, "otto"))
    held = store.begin_page(claimed)
    clock.now += 901

    assert held is None
    assert 1 == there(store.begin_page(claimed)).pages


def test_a_page_is_confirmed_once_published(store: EscalationStore, opened: Escalation) -> None:
    begun = there(store.begin_page(opened))
    store.confirm_page(begun)

    assert (1, 1) == (read(store).pages, read(store).pages_confirmed)


def test_one_operator_claims(store: EscalationStore, opened: Escalation, clock: Clock) -> None:
    mine, theirs = store.claim(opened, "otto"), store.claim(opened, "olga")
    renewed = store.claim(opened, "otto")
    clock.now += 901
    taken = store.claim(opened, "olga")

    assert (1, None, 2, 3, "olga") == (
        there(mine).claim_version,
        theirs,
        there(renewed).claim_version,
        there(taken).claim_version,
        there(taken).claimant,
    )
    assert ([], ["turn_1"]) == (listed(store, Listed.OPEN), listed(store, Listed.CLAIMED))


def test_a_release_needs_the_newest_claim(store: EscalationStore, opened: Escalation) -> None:
    store.claim(opened, "otto")
    wrong = [store.release(opened, "otto", 2), store.release(opened, "olga", 1)]

    assert ([None, None], "OPEN") == (wrong, there(store.release(opened, "otto", 1)).state)
    assert ["turn_1"] == listed(store, Listed.OPEN)


def test_an_answer_needs_the_newest_claim_and_time(
    store: EscalationStore, opened: Escalation, table: Table, clock: Clock
) -> None:
    store.claim(opened, "otto")
    for operator, version in (("olga", 1), ("otto", 2)):
        with pytest.raises(Refused):
            table.transact(store.answer_ops(opened, operator, version, "id", {"reply": "Blue."}))
    clock.now = opened.answer_by + 1
    with pytest.raises(Refused):
        table.transact(store.answer_ops(opened, "otto", 1, "id", {"reply": "Blue."}))

    assert "CLAIMED" == read(store).state


def test_an_answer_ends_it(store: EscalationStore, opened: Escalation, table: Table) -> None:
    store.claim(opened, "otto")
    table.transact(store.answer_ops(opened, "otto", 1, "id", {"reply": "Blue."}))
    with pytest.raises(Refused):
        table.transact(store.answer_ops(opened, "otto", 1, "id", {"reply": "Red."}))

    assert ("ANSWERED", {"reply": "Blue."}) == (read(store).state, read(store).answer)
    assert ([], ["turn_1"]) == (listed(store, Listed.CLAIMED), listed(store, Listed.ANSWERED))


def draft(store: EscalationStore, operator: str) -> str:
    """Which draft stands after an operator's answer came too late."""
    store.keep_draft(read(store), operator, {"reply": f"by {operator}"})
    return str(read(store).draft["reply"])


def test_a_late_draft_stays_unless_the_claimant_writes(store: EscalationStore, opened: Escalation) -> None:
    store.claim(opened, "otto")

    assert ["by olga", "by otto", "by otto"] == [draft(store, name) for name in ("olga", "otto", "olga")]


def test_a_draft_of_an_escalation_that_nobody_claimed_is_the_first(store: EscalationStore, opened: Escalation) -> None:
    assert ["by olga", "by olga"] == [draft(store, name) for name in ("olga", "otto")]


def test_it_expires_at_its_time_and_not_before(
    store: EscalationStore, opened: Escalation, table: Table, clock: Clock
) -> None:
    with pytest.raises(Refused):
        table.transact(store.expire_ops(opened))
    clock.now = opened.answer_by + 1
    table.transact(store.expire_ops(opened))

    assert ("EXPIRED", ["turn_1"]) == (read(store).state, listed(store, Listed.EXPIRED))
    assert store.claim(opened, "otto") is None


def test_what_a_model_answered_is_listed_nowhere(store: EscalationStore, opened: Escalation, table: Table) -> None:
    table.transact(store.end_ops(opened, EscalationState.RESOLVED))

    assert "RESOLVED" == read(store).state
    assert [[]] * 4 == [listed(store, status) for status in Listed]


def test_pages_of_two_statuses_go_by_time_and_leave_nobody_out(
    store: EscalationStore, turns: TurnStore, acquire: NewTurn, clock: Clock
) -> None:
    for n in range(7):
        clock.now += 1
        waiting = another(store, turns, acquire(turn_id=f"turn_{n}"))
        if n in {0, 1, 4}:
            store.claim(waiting, "otto")
    found, after = store.page_of("t", Listed.OPEN, Listed.CLAIMED, limit=2, after=None)
    seen = [found]
    while after:
        found, after = store.page_of("t", Listed.OPEN, Listed.CLAIMED, limit=2, after=after)
        seen.append(found)

    assert [f"turn_{n}" for n in range(7)] == [e.turn_id for found in seen for e in found]
    assert {True} == {len(found) >= 2 for found in seen[:-1]}


def test_what_ended_is_due_until_its_execution_was_told(
    store: EscalationStore, opened: Escalation, table: Table
) -> None:
    table.transact(store.end_ops(opened, EscalationState.STOPPED))
    ended = read(store)
    store.look_again(opened, 0)  # as it was seen before it ended: too late
    before = read(store).due_at
    store.execution_ended(ended)
    store.look_again(ended, 0)

    assert (ended.due_at, True) == (before, before > 0)
    assert "due_at" not in (table.get(("TURN#turn_1", "ESC")) or {})
