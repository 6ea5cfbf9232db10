"""Money that is reserved, posted, voided and alerted about, in memory and in moto."""

from typing import Any

import pytest
from turnkeeper.domain.attempt import CallReport
from turnkeeper.domain.rate_limit import RateLimit
from turnkeeper.domain.reservation import Reservation, Settlement
from turnkeeper.domain.spend import Counter, Limit, Limits, SpendAlert, utc_day
from turnkeeper.domain.turn import Document, Turn
from turnkeeper.errors import LimitExceeded, RateLimited, TurnLost
from turnkeeper.ports import Table
from turnkeeper.stores import keys
from turnkeeper.stores.spend import SpendStore
from turnkeeper.stores.turns import TurnStore

from tests.contract.stores.conftest import NewTurn
from tests.support.tables import WatchedTable
from tests.support.world import Clock

REPORT = CallReport("openai:first", tokens_in=7)
LIMITS = Limits(task_micro_usd=1_000, customer_day_micro_usd=2_000)


class Till:
    """Reserves in few words."""

    def __init__(self, table: Table, turns: TurnStore, clock: Clock) -> None:
        self.store, self.table, self.turns, self.clock = SpendStore(table, clock), table, turns, clock
        self.count = 0

    def held(self, turn: Turn, est: int, **changes: Any) -> Reservation:
        self.count += 1
        made: dict[str, Any] = {
            "reservation_id": f"{turn.turn_id}.first.{turn.epoch}.{self.count}",
            "turn_id": turn.turn_id,
            "tenant": turn.tenant,
            "customer": turn.customer,
            "task": turn.task,
            "day": utc_day(self.clock()),
            "reserved_micro_usd": est,
            "sweep_at": turn.lease_until + 30,
            "epoch": turn.epoch,
            "model": "openai:first",
            "tier": "first_attempt",
        }
        return Reservation(**{**made, **changes})

    def reserve(
        self, turn: Turn, est: int, limits: Limits = LIMITS, rate: RateLimit | None = None, shard: int = -1
    ) -> Reservation:
        held = self.store.reserve(turn, self.turns.owned(turn), self.held(turn, est, tenant_shard=shard), limits, rate)
        self.alerts = held.alerts
        return held.reservation

    @property
    def day(self) -> tuple[int, int]:
        counter = self.store.of_day("t", "carla", utc_day(self.clock.now))
        return counter.committed_micro_usd, counter.posted_micro_usd


@pytest.fixture
def till(table: Table, turns: TurnStore, clock: Clock) -> Till:
    return Till(table, turns, clock)


def test_what_is_reserved_is_committed_and_not_posted(till: Till, acquire: NewTurn) -> None:
    till.reserve(acquire(), 300)

    assert (300, 0) == till.day
    assert {"moving": Counter(300, 0)} == till.store.of_named_tasks("t", "carla", limit=10)


def test_a_reservation_is_not_made_under_an_id_that_another_call_has(till: Till, acquire: NewTurn) -> None:
    turn = acquire()
    made = till.reserve(turn, 300)
    watched = WatchedTable(till.table)
    with pytest.raises(TurnLost):
        SpendStore(watched, till.clock).reserve(turn, till.turns.owned(turn), made, LIMITS, None)

    assert ((300, 0), ["transact"]) == (till.day, watched.calls)


def test_what_is_settled_is_posted_and_the_rest_is_free_again(till: Till, acquire: NewTurn) -> None:
    held = till.reserve(acquire(), 300)
    till.store.settle(Settlement(held, 120, REPORT))

    assert (120, 120) == till.day


def test_settling_again_changes_nothing(till: Till, acquire: NewTurn) -> None:
    settlement = Settlement(till.reserve(acquire(), 300), 120, REPORT)
    till.store.settle(settlement)
    till.store.settle(settlement)

    assert (120, 120) == till.day


def test_what_surely_was_not_billed_is_given_back_once(till: Till, acquire: NewTurn) -> None:
    held = till.reserve(acquire(), 300)

    assert [True, False] == [till.store.void(held, REPORT), till.store.void(held, REPORT)]
    assert (0, 0) == till.day


def test_a_guess_is_posted_in_full_and_corrected_once(till: Till, acquire: NewTurn) -> None:
    held = till.reserve(acquire(), 300)
    guessed = [till.store.guess(held, REPORT), till.store.guess(held, REPORT)]
    after_guess = till.day
    till.store.settle(Settlement(held, 120, REPORT))
    till.store.settle(Settlement(held, 90, REPORT))

    assert ([True, False], (300, 300), (120, 120)) == (guessed, after_guess, till.day)


def test_a_bill_above_the_estimate_is_posted_in_full(till: Till, acquire: NewTurn) -> None:
    till.store.settle(Settlement(till.reserve(acquire(), 300), 5_000, REPORT))

    assert (5_000, 5_000) == till.day


def test_what_does_not_fit_is_refused_with_nothing_written(till: Till, acquire: NewTurn, table: Table) -> None:
    turn = acquire()
    till.reserve(turn, 700)
    with pytest.raises(LimitExceeded) as refused:
        till.reserve(turn, 301)

    assert (Limit.TASK, 300) == (refused.value.over.limit, refused.value.over.remaining_micro_usd)
    assert ((700, 0), 1) == (till.day, len(table.query("TURN#turn_1", prefix="RSV#")))


def test_exactly_what_is_left_fits(till: Till, acquire: NewTurn) -> None:
    turn = acquire()
    till.reserve(turn, 700)
    till.reserve(turn, 300)

    assert (1_000, 0) == till.day


def test_the_day_is_held_to_its_limit_over_tasks(till: Till, acquire: NewTurn) -> None:
    till.reserve(acquire(turn_id="turn_1", task="a"), 1_000)
    till.reserve(acquire(turn_id="turn_2", task="b"), 1_000)
    with pytest.raises(LimitExceeded) as refused:
        till.reserve(acquire(turn_id="turn_3", task="c"), 1)

    assert Limit.CUSTOMER_DAY is refused.value.over.limit


def test_a_free_call_fits_whatever_was_spent(till: Till, acquire: NewTurn) -> None:
    turn = acquire()
    till.reserve(turn, 1_000)
    free = till.reserve(turn, 0)
    till.store.settle(Settlement(free, 0, REPORT))

    assert (1_000, 0) == till.day


def test_a_run_that_lost_its_turn_reserves_nothing(till: Till, acquire: NewTurn, clock: Clock) -> None:
    late = acquire()
    clock.now += 31
    acquire()
    with pytest.raises(TurnLost):
        till.reserve(late, 1)

    assert (0, 0) == till.day


def test_a_turn_that_ended_reserves_nothing(till: Till, turns: TurnStore, acquire: NewTurn) -> None:
    turn = acquire()
    turns.finish(turn, Document(200, "{}"), [])
    with pytest.raises(TurnLost):
        till.reserve(turn, 1)

    assert (0, 0) == till.day


def test_a_sweep_posts_what_expired_and_leaves_what_may_live(till: Till, acquire: NewTurn, clock: Clock) -> None:
    till.reserve(acquire(), 300)
    early = till.store.sweep("turn_1")
    clock.now += 61
    late = till.store.sweep("turn_1")

    assert ([], 1, []) == (early, len(late), till.store.sweep("turn_1"))
    assert (300, 300) == till.day


def test_a_takeover_sweeps_what_older_runs_held(till: Till, acquire: NewTurn, clock: Clock) -> None:
    till.reserve(acquire(), 300)
    clock.now += 31
    second = acquire()
    till.reserve(second, 100)
    till.store.sweep("turn_1", before_epoch=second.epoch)

    assert (400, 300) == till.day


def test_each_limit_is_alerted_once_past_80_percent(till: Till, acquire: NewTurn) -> None:
    turn = acquire()
    seen = []
    for est in (700, 100, 1, 100):
        till.reserve(turn, est)
        seen.append([(a.limit, a.committed_micro_usd) for a in till.alerts])

    assert [[], [], [(Limit.TASK, 801)], []] == seen


def test_a_first_reservation_past_80_percent_is_alerted(till: Till, acquire: NewTurn) -> None:
    till.reserve(acquire(), 900)

    assert [Limit.TASK] == [a.limit for a in till.alerts]


def test_an_alert_is_due_until_it_is_confirmed(till: Till, acquire: NewTurn, table: Table, clock: Clock) -> None:
    till.reserve(acquire(), 900)
    (alert,) = till.alerts

    def due() -> int:
        pages = [table.query_index("due", p, upto=clock() + 40)[0] for p in keys.due_partitions()]
        return len([item for page in pages for item in page if item["sk"].startswith("TASK#")])

    before = due()
    till.store.confirm_alert(alert)

    assert (1, 0, "moving") == (before, due(), alert.name)
    assert isinstance(alert, SpendAlert)


def test_the_rate_limit_is_part_of_the_reservation(till: Till, acquire: NewTurn, clock: Clock) -> None:
    rate = RateLimit(per_minute=60, burst=2)
    turn = acquire()
    till.reserve(turn, 1, rate=rate)
    till.reserve(turn, 1, rate=rate)
    with pytest.raises(RateLimited) as refused:
        till.reserve(turn, 1, rate=rate)
    clock.now += 1
    till.reserve(turn, 1, rate=rate)

    assert (3, 0) == till.day
    assert 0 < refused.value.retry_after_s <= 1


TENANT = Limits(task_micro_usd=100_000, customer_day_micro_usd=100_000, tenant_day_micro_usd=1_000)


def test_a_tenants_day_is_held_in_shards(till: Till, acquire: NewTurn, table: Table) -> None:
    held = till.reserve(acquire(), 100, TENANT, shard=3)
    till.store.settle(Settlement(held, 40, REPORT))

    assert 40 == (table.get(keys.tenant_day("t", held.day, 3)) or {})["posted"]
    assert Counter(40, 40) == till.store.of_tenant("t", held.day)


def test_a_tenants_whole_day_is_usable_and_never_passed(till: Till, acquire: NewTurn) -> None:
    """A full shard is no refusal while another has room; what is refused tells of the whole limit."""
    turn = acquire()
    parts = [till.reserve(turn, 50, TENANT, shard=3).tenant_shard for _ in range(20)]
    with pytest.raises(LimitExceeded) as refused:
        till.reserve(turn, 1, TENANT, shard=3)

    assert [3, 3, 4, 4] == parts[:4]
    assert (Limit.TENANT_DAY, 1_000, 0) == (
        refused.value.over.limit,
        refused.value.over.limit_micro_usd,
        refused.value.over.remaining_micro_usd,
    )
    assert 1_000 == till.store.of_tenant("t", utc_day(till.clock())).committed_micro_usd


def test_what_never_fits_into_a_shard_is_refused_at_once(till: Till, acquire: NewTurn) -> None:
    with pytest.raises(LimitExceeded) as refused:
        till.reserve(acquire(), 101, TENANT, shard=3)

    assert 1_000 == refused.value.over.remaining_micro_usd


def test_a_tenants_day_alerts_once_for_all_its_shards(till: Till, acquire: NewTurn) -> None:
    turn = acquire()
    seen = []
    for _ in range(20):
        till.reserve(turn, 50, TENANT, shard=3)
        seen += [(a.limit, a.limit_micro_usd, a.committed_micro_usd) for a in till.alerts]

    assert [(Limit.TENANT_DAY, 1_000, 850)] == seen


def test_a_call_that_never_left_is_free_also_when_a_sweep_guessed_it(till: Till, acquire: NewTurn) -> None:
    held = till.reserve(acquire(), 300)
    till.store.guess(held, REPORT)
    till.store.void(held, REPORT)

    assert (0, 0) == till.day


def test_a_lowered_limit_refuses_new_turns_and_settles_old_ones(till: Till, acquire: NewTurn) -> None:
    turn = acquire()
    held = till.reserve(turn, 300)
    with pytest.raises(LimitExceeded):
        till.reserve(turn, 1, Limits(task_micro_usd=100, customer_day_micro_usd=100))
    till.store.settle(Settlement(held, 250, REPORT))

    assert (250, 250) == till.day
