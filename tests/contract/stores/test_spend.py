"""Money that is reserved, posted, voided and alerted about, in memory and in moto."""

from dataclasses import replace
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
from turnkeeper.stores.counters import COUNTERS_KEPT_S
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
        self,
        turn: Turn,
        est: int,
        limits: Limits = LIMITS,
        rate: RateLimit | None = None,
        shard: int = -1,
        stack_shard: int = -1,
    ) -> Reservation:
        wanted = self.held(turn, est, tenant_shard=shard, stack_shard=stack_shard)
        held = self.store.reserve(turn, self.turns.owned(turn), wanted, limits, rate)
        self.alerts = held.alerts
        return held.reservation

    def refuse_hopeless(self, turn: Turn, est: int, limits: Limits) -> None:
        self.store.refuse_hopeless(turn, self.turns.owned(turn), self.held(turn, est), limits)

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


# --- a customer's month -----------------------------------------------------------------------------------------------

MONTH = Limits(task_micro_usd=100_000, customer_day_micro_usd=1_000, customer_month_micro_usd=1_500)
DAY_S = 86_400


def month_of_carla(till: Till, month: str = "2026-11") -> tuple[int, int]:
    counter = till.store.of_month("t", "carla", month)
    return counter.committed_micro_usd, counter.posted_micro_usd


def test_a_month_is_held_to_its_limit_over_days(till: Till, acquire: NewTurn, clock: Clock) -> None:
    turn = acquire()
    till.reserve(turn, 900, MONTH)
    clock.now += DAY_S
    till.reserve(turn, 500, MONTH)
    with pytest.raises(LimitExceeded) as refused:
        till.reserve(turn, 101, MONTH)
    till.reserve(turn, 100, MONTH)

    assert (Limit.CUSTOMER_MONTH, 100) == (refused.value.over.limit, refused.value.over.remaining_micro_usd)
    assert ((1_500, 0), (600, 0)) == (month_of_carla(till), till.day)


def test_a_reservation_settles_in_the_month_that_reserved_it_whenever_and_however_it_ends(
    till: Till, acquire: NewTurn, clock: Clock
) -> None:
    clock.now += 12 * DAY_S  # the last of November
    turn = acquire()
    settled, voided, guessed, _ = (till.reserve(turn, 100, MONTH) for _ in range(4))
    clock.now += 30 * DAY_S
    till.store.settle(Settlement(settled, 30, REPORT))
    till.store.void(voided, REPORT)
    till.store.guess(guessed, REPORT)
    till.store.settle(Settlement(guessed, 5, REPORT))
    till.store.sweep(turn.turn_id)

    assert ((135, 135), (0, 0)) == (month_of_carla(till), month_of_carla(till, "2026-12"))


def test_a_month_is_kept_longer_than_it_lasts_from_its_last_reservation_on(
    till: Till, acquire: NewTurn, table: Table, clock: Clock
) -> None:
    turn, kept = acquire(), []
    for _ in range(3):
        till.reserve(turn, 1, MONTH)
        kept.append((table.get(keys.customer_month("t", "carla", "2026-11")) or {})["ttl"] - int(clock()))
        clock.now += 4 * DAY_S

    assert [COUNTERS_KEPT_S] * 3 == kept
    assert COUNTERS_KEPT_S > 31 * DAY_S


def test_the_counters_of_a_customer_are_its_days_months_and_tasks(till: Till, acquire: NewTurn) -> None:
    till.reserve(acquire(), 100, MONTH)

    assert {
        (Limit.CUSTOMER_DAY, "2026-11-18"),
        (Limit.CUSTOMER_MONTH, "2026-11"),
        (Limit.TASK, "moving"),
    } == {(named.limit, named.name) for named in till.store.of_customer("t", "carla")}


def test_a_month_is_alerted_once_and_again_in_the_next(till: Till, acquire: NewTurn, clock: Clock) -> None:
    turn, seen = acquire(), []
    for _ in range(4):
        till.reserve(turn, 700, MONTH)
        seen += [(a.limit, a.name, a.committed_micro_usd) for a in till.alerts]
        clock.now += 7 * DAY_S

    assert [(Limit.CUSTOMER_MONTH, "2026-11", 1_400), (Limit.CUSTOMER_MONTH, "2026-12", 1_400)] == seen


# --- the stack's day, which all tenants share -------------------------------------------------------------------------

STACK = Limits(task_micro_usd=100_000, customer_day_micro_usd=100_000, stack_day_micro_usd=1_000)
BOTH = Limits(100_000, 100_000, tenant_day_micro_usd=1_000, stack_day_micro_usd=1_000)
TODAY = "2026-11-18"


def test_a_stacks_day_is_shared_by_all_tenants_and_never_passed(till: Till, acquire: NewTurn) -> None:
    turns = [acquire(turn_id=f"turn_{n}", tenant=f"t{n}") for n in range(3)]
    held = [till.reserve(turns[n % 3], 50, STACK, stack_shard=3) for n in range(20)]
    with pytest.raises(LimitExceeded) as refused:
        till.reserve(turns[0], 1, STACK, stack_shard=3)
    till.store.settle(Settlement(held[0], 10, REPORT))

    over = refused.value.over
    assert [3, 3, 4, 4] == [r.stack_shard for r in held][:4]
    assert (Limit.STACK_DAY, 1_000, 1_000) == (over.limit, over.limit_micro_usd, over.committed_micro_usd)
    assert Counter(960, 10) == till.store.of_stack(TODAY)


def test_a_stacks_day_alerts_once_for_all_tenants_and_shards(till: Till, acquire: NewTurn) -> None:
    turns = [acquire(turn_id=f"turn_{n}", tenant=f"t{n}") for n in range(3)]
    seen = []
    for n in range(20):
        till.reserve(turns[n % 3], 50, STACK, stack_shard=3)
        seen += [(a.limit, a.tenant, a.customer, a.name, a.committed_micro_usd) for a in till.alerts]

    assert [(Limit.STACK_DAY, "", "", TODAY, 850)] == seen


def test_days_in_shards_alert_though_no_shard_is_full(till: Till, acquire: NewTurn) -> None:
    turn, seen = acquire(), []
    for shard in range(10):
        till.reserve(turn, 90, BOTH, shard=shard, stack_shard=9 - shard)
        seen += [(a.limit, a.tenant, a.committed_micro_usd) for a in till.alerts]

    assert [(Limit.TENANT_DAY, "t", 810), (Limit.STACK_DAY, "", 810)] == seen


def test_a_tenants_and_the_stacks_day_switch_their_shards_each_by_itself(till: Till, acquire: NewTurn) -> None:
    ours, theirs = acquire(), acquire(turn_id="turn_2", tenant="u")
    till.reserve(theirs, 60, BOTH, shard=5, stack_shard=7)
    till.reserve(ours, 60, BOTH, shard=5, stack_shard=2)
    chosen = [till.reserve(ours, 60, BOTH, shard=a, stack_shard=b) for a, b in [(5, 7), (7, 2), (5, 4)]]

    assert [(6, 8), (7, 3), (8, 4)] == [(r.tenant_shard, r.stack_shard) for r in chosen]
    assert (Counter(240, 0), Counter(300, 0)) == (till.store.of_tenant("t", TODAY), till.store.of_stack(TODAY))


def test_a_full_tenant_is_told_before_a_full_stack_and_the_stack_where_the_tenant_has_room(
    till: Till, acquire: NewTurn
) -> None:
    ours, theirs = acquire(), acquire(turn_id="turn_2", tenant="u")
    for _ in range(10):
        till.reserve(ours, 100, BOTH, shard=0, stack_shard=0)
    told = []
    for turn in (ours, theirs):
        for refuse in (till.reserve, till.refuse_hopeless):
            with pytest.raises(LimitExceeded) as refused:
                refuse(turn, 1, BOTH)
            told.append(refused.value.over.limit)

    assert [*2 * [Limit.TENANT_DAY], *2 * [Limit.STACK_DAY]] == told


@pytest.mark.parametrize("limits", [MONTH, STACK, TENANT], ids=["month", "stack", "tenant"])
def test_an_alert_is_taken_up_again_as_it_was_until_it_is_confirmed(
    till: Till, acquire: NewTurn, clock: Clock, limits: Limits
) -> None:
    turn, alerts = acquire(), list[SpendAlert]()
    for _ in range(9):
        till.reserve(turn, 100, replace(limits, customer_day_micro_usd=100_000, task_micro_usd=100_000))
        alerts += till.alerts
    if limits is MONTH:
        till.reserve(turn, 400, replace(limits, customer_day_micro_usd=100_000))
        alerts += till.alerts
    place, again = keys.alert(alerts[0]), []
    for waited_s in (0, 31, 0, 31):
        clock.now += waited_s
        again.append(till.store.begin_alert(*place))
    till.store.confirm_alert(alerts[0])
    clock.now += 31

    assert 1 == len(alerts)
    assert [None, alerts[0], None, alerts[0]] == again
    assert till.store.begin_alert(*place) is None


# --- limits that are switched on or off in between --------------------------------------------------------------------

ALL = Limits(100_000, 100_000, tenant_day_micro_usd=10_000, customer_month_micro_usd=10_000, stack_day_micro_usd=10_000)


@pytest.mark.parametrize("limits", [LIMITS, MONTH, TENANT, STACK, BOTH, ALL])
def test_a_stored_reservation_says_under_which_limits_it_counts(till: Till, acquire: NewTurn, limits: Limits) -> None:
    """A shard is chosen for each limit that has some; those that are on decide, and a sweep needs no limits."""
    till.reserve(acquire(), 100, limits, shard=1, stack_shard=2)
    till.clock.now += 61
    till.store.sweep("turn_1")
    counted = {
        Limit.CUSTOMER_MONTH: till.store.of_month("t", "carla", "2026-11"),
        Limit.TENANT_DAY: till.store.of_tenant("t", TODAY),
        Limit.STACK_DAY: till.store.of_stack(TODAY),
    }

    assert {limit: Counter(100, 100) if limit in limits.amounts() else Counter() for limit in counted} == counted
