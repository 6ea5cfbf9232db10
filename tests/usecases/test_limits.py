"""Money: reserved before each call, settled after it, never over a limit, and the rate limit beside it."""

from collections import Counter as Tally
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from turnkeeper.adapters.memory import MemoryTable
from turnkeeper.agent import Model
from turnkeeper.api.idempotency import answer_once
from turnkeeper.domain.chat import Usage
from turnkeeper.domain.failures import Failure
from turnkeeper.domain.spend import Override
from turnkeeper.errors import DependencyError, LimitExceeded, UnpricedModel
from turnkeeper.ports import Key
from turnkeeper.runtime.turns import NewTurn
from turnkeeper.stores.limits import Whose

from tests.support.tables import WatchedTable, fail, on
from tests.support.world import (
    PRICES,
    TENANT,
    Context,
    World,
    answer,
    customer,
    failing,
    model,
    operator,
    paint,
    prose,
    service,
)


def estimate(world: World | None = None) -> int:
    """What one turn of the first model reserves, in micro-dollars."""
    world = world or World()
    turn = world.send(key="estimate").json["turn_id"]
    return int(world.table.query(f"TURN#{turn}", prefix="RSV#")[0]["est"])


EST = estimate()


def usd(micro: int) -> str:
    return f"{micro / 1e6:.6f}"


def set_day_limit(world: World, micro: int) -> None:
    """Set what carla may spend in a day, as an owner does."""
    world.services.stores.limits.change(TENANT, Whose.CUSTOMER, "carla", Override(customer_day_micro_usd=micro))


def crowd(world: World, how_many: int) -> "Tally[str]":
    """Send turns at the same time, below the HTTP layer; returns how they ended."""

    def send(n: int) -> str:
        new = NewTurn(world.agent("paint"), TENANT, "carla", "/p", f"k{n}", {"message": "Which?"}, 28)
        turns = world.services.turns
        try:
            document, _ = answer_once(turns, turns.open(new), Context())
        except LimitExceeded as error:
            return error.over.limit.value
        return str(document.status)

    world.models.seconds = 0
    with ThreadPoolExecutor(16) as pool:
        return Tally(pool.map(send, range(how_many)))


def test_a_hundred_turns_at_once_with_room_for_ten_are_ten() -> None:
    world = World(env={"limits.customer_day_usd": usd(10 * EST + EST // 2), "turns.burst": 1000})
    world.models.script["first"] = [lambda _: answer(usage=Usage(EST, 0))]
    ended = crowd(world, 100)

    assert {"200": 10, "customer_day": 90} == ended
    assert 10 == len(world.models.calls)
    assert (10 * EST, 10 * EST) == (world.spent().posted_micro_usd, world.spent().committed_micro_usd)


def test_what_a_turn_does_not_use_is_free_again() -> None:
    world = World(env={"limits.customer_day_usd": usd(EST + 10 * 180)})
    sent = [world.send().status for _ in range(12)]

    assert [200] * 11 + [402] == sent


def test_a_turn_that_would_pass_the_customers_day_is_402_and_calls_nothing() -> None:
    world = World(env={"limits.customer_day_usd": usd(EST + 179)})
    world.send()
    refused = world.send(key="k")

    assert (402, "limit-exceeded", "customer_day") == (refused.status, refused.code, refused.json["limit"])
    assert (usd(EST - 1), "2026-11-19T00:00:00Z") == (refused.json["remaining_usd"], refused.json["resets_at"])
    assert 1 == len(world.models.calls)


def test_a_task_has_a_limit_of_its_own() -> None:
    world = World(env={"limits.task_usd": usd(EST + 100)})
    statuses = [world.send(task_id=task).status for task in ("moving", "moving", "other")]
    refused = world.send(task_id="moving")

    assert [200, 402, 200] == statuses
    assert ("task", None) == (refused.json["limit"], refused.json["resets_at"])


def test_a_limit_smaller_than_any_call_refuses_the_first_turn_of_all() -> None:
    world = World(env={"limits.customer_day_usd": usd(EST - 1)})

    assert (402, []) == (world.send().status, world.models.calls)


def test_a_402_forgets_its_key() -> None:
    world = World(env={"limits.customer_day_usd": usd(EST - 1)})
    refused = world.send(key="k")
    set_day_limit(world, 10 * EST)
    again = world.send(key="k")

    assert (402, 200) == (refused.status, again.status)
    assert "idempotency-replayed" not in again.headers


def test_a_refused_first_model_is_not_replaced_by_a_cheaper_one() -> None:
    prices = {"openai:first": {"input": "100", "output": "400"}, "anthropic:second": {"input": "1", "output": "1"}}
    world = World(prices=PRICES | prices, env={"limits.task_usd": "0.01"})

    assert (402, []) == (world.send().status, world.models.calls)


def test_a_fallback_that_does_not_fit_is_skipped_and_a_person_answers() -> None:
    prices = {"openai:first": {"input": "1", "output": "4"}, "anthropic:second": {"input": "100", "output": "400"}}
    world = World(prices=PRICES | prices, env={"limits.task_usd": "0.02"})
    world.models.script["first"] = list(failing())
    sent = world.send()

    assert (202, "over_limit", ["first"]) == (sent.status, sent.json["reason"], world.models.names())
    assert "waiting" == world.play(sent.json["turn_id"])
    assert ["first"] == world.models.names()
    assert 0 == world.spent().posted_micro_usd


def test_an_escalated_turn_over_its_limit_goes_to_a_person_and_never_to_a_402() -> None:
    world = World(env={"limits.task_usd": usd(EST + 300)})
    world.models.script["first"] = [answer(confidence=0.2, usage=Usage(1_000, 100))]
    sent = world.send()

    assert 202 == sent.status
    assert "waiting" == world.play(sent.json["turn_id"])
    assert ["first"] == world.models.names()
    assert "awaiting_human" == world.get(f"/v1/turns/{sent.json['turn_id']}").json["status"]


def test_a_model_that_is_in_use_and_does_not_fit_any_more_is_no_reason_to_shop_for_a_cheaper_one() -> None:
    """The re-ask does not fit: a person takes over, and no other model starts from the beginning."""
    world = World(env={"limits.task_usd": usd(2 * EST - 1)})
    world.models.script["first"] = [replace(prose(), usage=Usage(EST, 0)), answer()]
    sent = world.send()

    assert (202, ["first"]) == (sent.status, world.models.names())
    assert "over_limit" == sent.json["reason"]


@pytest.mark.parametrize("unpriced", ["openai:first", "openai:third"])
def test_an_agent_with_a_model_without_a_price_never_runs_and_the_key_is_forgotten(unpriced: str) -> None:
    world = World(prices={model: price for model, price in PRICES.items() if model != unpriced})
    world.telemetry.expected = UnpricedModel
    refused = world.send(key="k")

    assert (500, "unpriced-model", []) == (refused.status, refused.code, world.models.calls)
    assert unpriced in refused.json["detail"]
    assert 0 == world.spent().committed_micro_usd


def test_a_model_priced_at_zero_stays_callable_over_the_limit() -> None:
    world = World(
        prices=PRICES | {"openai:first": {"input": "0", "output": "0"}}, env={"limits.customer_day_usd": "0.000001"}
    )

    assert [200, 200] == [world.send().status, world.send().status]
    assert "0.000000" == world.send().json["cost_usd"]


def test_the_first_turn_after_midnight_is_admitted() -> None:
    world = World(env={"limits.customer_day_usd": usd(EST + 100)})
    before = [world.send().status, world.send().status]
    world.later(86_400)

    assert [200, 402, 200] == [*before, world.send().status]


def test_a_call_over_midnight_is_settled_on_the_day_it_was_reserved() -> None:
    world = World()
    world.clock.now = 1_795_046_399.0  # a second before midnight
    world.models.seconds = 3
    world.send()
    spend = world.services.stores.spend

    assert (180, 0) == (
        spend.of_day(TENANT, "carla", "2026-11-18").committed_micro_usd,
        spend.of_day(TENANT, "carla", "2026-11-19").committed_micro_usd,
    )


def test_a_turns_cost_is_the_sum_of_all_its_calls_also_of_failed_ones_that_may_be_billed() -> None:
    world = World()
    world.models.script = {"first": [DependencyError(Failure.TIMEOUT)], "second": [prose(), answer(confidence=0.9)]}
    sent = world.send()
    second = 2 * (100 * 2 + 10 * 8) + 10 * 8

    assert ["first", "second", "second"] == world.models.names()
    assert usd(EST + second) == sent.json["cost_usd"]
    assert (EST + second, 0) == (world.spent().posted_micro_usd, world.spent().pending_micro_usd)


@pytest.mark.parametrize(
    ("failure", "posted"),
    [
        (Failure.SERVER_ERROR, 0),
        (Failure.RATE_LIMITED, 0),
        (Failure.NO_CREDIT, 0),
        (Failure.TIMEOUT, EST),
        (Failure.GARBAGE, EST),
        (Failure.CONNECTION, EST),
    ],
)
def test_a_failed_call_is_posted_in_full_where_it_may_have_been_billed(failure: Failure, posted: int) -> None:
    world = World(paint(chain=[model("openai:first")]))
    world.models.script["first"] = list(failing(failure))
    world.send()

    assert (posted, 0) == (world.spent().posted_micro_usd, world.spent().pending_micro_usd)


def test_a_call_that_never_left_costs_nothing() -> None:
    world = World(paint(chain=[Model("openai:first")]))
    world.models.script["first"] = list(failing(Failure.CONNECTION, sent=False))
    world.send()

    assert (0, 0) == (world.spent().posted_micro_usd, world.spent().pending_micro_usd)


def test_an_answer_without_usage_is_posted_at_its_worst_case_and_told_to_the_owner() -> None:
    world = World()
    world.models.script["first"] = [answer(usage=None)]
    sent = world.send()

    assert (usd(EST), EST) == (sent.json["cost_usd"], world.spent().posted_micro_usd)
    assert ["openai:first reported no usable usage"] == [what for what, _ in world.telemetry.warnings]


def test_a_bill_above_the_worst_case_is_posted_in_full_and_told_to_the_owner() -> None:
    world = World()
    world.models.script["first"] = [answer(usage=Usage(10 * EST, 0))]
    world.send()

    assert 10 * EST == world.spent().posted_micro_usd
    assert ["openai:first billed more than its worst case"] == [what for what, _ in world.telemetry.warnings]


# --- what a run leaves behind when it ends by an exception ------------------------------------------------------------


def test_a_known_bill_is_posted_though_its_run_ends_by_an_exception() -> None:
    """The call cost more than its bound, and the run lost its table before it could write that down with its end."""
    table = WatchedTable(MemoryTable())
    world = World(table=table)
    world.models.script["first"] = [answer(usage=Usage(50_000, 20))]
    table.before = on("transact", "CONV#", fail)
    refused = world.send()

    assert (503, 50_080) == (refused.status, world.spent().posted_micro_usd)


def test_a_turn_that_could_not_be_forgotten_is_not_called_refused() -> None:
    """A 402 would be untrue: the turn may be taken over, and then it runs."""
    table = WatchedTable(MemoryTable())
    world = World(table=table, env={"limits.customer_day_usd": "0.000001"})
    table.after = on("write", "TURN#", lambda: setattr(table, "before", on("transact", "TURN#", fail)))
    refused = world.send(key="k")

    assert (503, "store-unavailable") == (refused.status, refused.code)


def test_a_slow_table_costs_no_model_call_that_has_no_time_left() -> None:
    """The call is not made, costs nothing, and counts against nobody's breaker."""
    table = WatchedTable(MemoryTable())
    world = World(table=table)

    def slow(name: str, keys: Sequence[Key]) -> None:
        if any(sk.startswith("RSV#") for _, sk in keys) and name == "transact":
            world.clock.now += 19.5

    table.before = slow
    sent = world.send()

    assert (202, []) == (sent.status, world.models.calls)
    assert (0, 0) == (world.spent().posted_micro_usd, world.spent().pending_micro_usd)
    assert world.table.query("BREAKER#openai:first") == []


# --- alerts -----------------------------------------------------------------------------------------------------------


def alerts(world: World) -> list[str]:
    return [m.attributes["dedup_key"] for topic, m in world.topics.published if topic == "owner"]


def test_the_owner_is_told_once_when_80_percent_are_used() -> None:
    world = World(env={"limits.customer_day_usd": usd(5 * EST), "limits.task_usd": "5"})
    world.models.script["first"] = [lambda _: answer(usage=Usage(EST // 2, 0))]
    told = []
    while world.send().status == 200:
        told.append(len(alerts(world)))

    assert [0, 0, 0, 0, 0, 0] == told[:6]
    assert [1] == told[-1:]
    assert ["SPEND#tenant-a#carla/DAY#2026-11-18"] == alerts(world)


def test_many_turns_that_pass_80_percent_at_once_make_one_alert() -> None:
    world = World(env={"limits.customer_day_usd": usd(200 * EST), "turns.burst": 1000, "limits.task_usd": "5"})
    world.models.script["first"] = [lambda _: answer(usage=Usage(EST, 0))]
    crowd(world, 190)

    assert 1 == len(alerts(world))


def test_an_alert_that_could_not_be_published_is_repeated_until_it_is() -> None:
    world = World(env={"limits.customer_day_usd": usd(EST)})
    world.topics.down = True
    sent = world.send()
    world.later(60)
    world.reconcile()
    world.topics.down = False
    world.later(60)
    world.reconcile()
    world.later(60)
    world.reconcile()

    assert (200, 1) == (sent.status, len(alerts(world)))


# --- overrides --------------------------------------------------------------------------------------------------------


def test_an_owners_limit_for_one_customer_holds_from_the_next_turn_on() -> None:
    world = World()
    set_day_limit(world, 1)

    assert [402, 200] == [world.send().status, world.send(who=customer("carl")).status]


def test_an_agents_own_limits_replace_the_deployments() -> None:
    assert 402 == World(paint(task_limit_usd="0.000001")).send().status
    assert 402 == World(paint(customer_day_limit_usd="0.000001")).send().status
    assert 200 == World(paint(task_limit_usd="1"), env={"limits.task_usd": "0.000001"}).send().status


def test_a_tenant_has_a_daily_limit_where_it_is_set() -> None:
    world = World(env={"limits.tenant_day_usd": usd(10 * EST)})
    world.models.script["first"] = [lambda _: answer(usage=Usage(EST, 0))]
    sent = [world.send(who=customer(f"c{n}")) for n in range(11)]

    assert [*10 * [200], 402] == [s.status for s in sent]
    assert ("tenant_day", "0.000000") == (sent[10].json["limit"], sent[10].json["remaining_usd"])


# --- rate -------------------------------------------------------------------------------------------------------------


def test_turns_faster_than_the_rate_limit_are_429_and_their_keys_are_forgotten() -> None:
    world = World(env={"turns.per_minute": 60, "turns.burst": 3})
    world.models.seconds = 0
    sent = [world.send(key=f"k{n}") for n in range(4)]
    world.later(int(sent[3].headers["retry-after"]))
    again = world.send(key="k3")

    assert [200, 200, 200, 429] == [s.status for s in sent]
    assert ("rate-limited", 200) == (sent[3].code, again.status)
    assert 3 == len(world.models.calls) - 1


def test_replays_do_not_count_against_the_rate_limit() -> None:
    world = World(env={"turns.per_minute": 1, "turns.burst": 1})
    world.send(key="k")

    assert [200] * 5 == [world.send(key="k").status for _ in range(5)]
    assert 429 == world.send().status


def test_turns_that_call_no_model_count_against_the_rate_limit_too() -> None:
    world = World(env={"turns.per_minute": 1, "turns.burst": 1})
    sent = [world.send(headers={"Prefer": "respond-async"}).status for _ in range(2)]

    assert [202, 429] == sent


def test_the_customers_rates_are_apart() -> None:
    world = World(env={"turns.per_minute": 1, "turns.burst": 1})

    assert [200, 200, 429] == [world.send(who=customer(name)).status for name in ("a", "b", "a")]


def test_concurrent_turns_are_held_to_the_burst() -> None:
    world = World(env={"turns.per_minute": 1, "turns.burst": 5})

    def send(n: int) -> str:
        new = NewTurn(world.agent("paint"), TENANT, "carla", "/p", f"k{n}", {"message": "Which?"}, 28)
        try:
            return str(answer_once(world.services.turns, world.services.turns.open(new), Context())[0].status)
        except Exception as error:  # noqa: BLE001 - its kind is what is asserted
            return type(error).__name__

    with ThreadPoolExecutor(8) as pool:
        ended = Tally(pool.map(send, range(20)))

    assert {"200": 5, "RateLimited": 15} == ended


# --- the door is the same for a turn that calls no model yet ----------------------------------------------------------

PREFER = {
    "sync": {},
    "async": {"Prefer": "respond-async"},
    "async beside something": {"Prefer": "wait=5, respond-async; x=1"},
}
TOO_LITTLE = usd(EST - 1)
LIMITED = {
    "task": {"limits.task_usd": TOO_LITTLE},
    "customer_day": {"limits.customer_day_usd": TOO_LITTLE},
    "tenant_day": {"limits.tenant_day_usd": usd(10 * EST - 10)},  # which lies in ten shards
}


@pytest.mark.parametrize("prefer", PREFER.values(), ids=PREFER)
@pytest.mark.parametrize(("limit", "env"), LIMITED.items())
def test_a_turn_whose_first_call_fits_no_limit_is_402_whatever_it_prefers(
    limit: str, env: dict[str, str], prefer: dict[str, str]
) -> None:
    world = World(env=env)
    refused = world.send(key="k", headers=prefer)

    assert (402, limit, {}, []) == (refused.status, refused.json["limit"], world.machine.running, world.models.calls)
    assert 0 == world.reconcile().looked_at


@pytest.mark.parametrize("prefer", PREFER.values(), ids=PREFER)
def test_a_day_that_is_used_up_is_402_whatever_is_preferred(prefer: dict[str, str]) -> None:
    world = World(env={"limits.customer_day_usd": usd(EST)})
    world.send()
    refused = world.send(key="k", headers=prefer)
    world.later(86_400)
    tomorrow = world.send(key="k", headers=prefer)

    assert (402, "customer_day") == (refused.status, refused.json["limit"])
    assert (202 if prefer else 200) == tomorrow.status


def test_a_turn_that_just_fits_is_taken_for_later_and_holds_nothing() -> None:
    world = World(env={"limits.task_usd": usd(EST), "limits.tenant_day_usd": usd(10 * EST)})
    sent = world.send(headers={"Prefer": "respond-async"})

    assert (202, 0) == (sent.status, world.spent().committed_micro_usd)
    assert "completed" == world.play(sent.json["turn_id"])


def test_a_tenant_with_room_in_one_shard_is_let_in() -> None:
    world = World(env={"limits.tenant_day_usd": usd(10 * EST)})
    for _ in range(9):
        world.send(who=service(), customer_id="carl")

    def cora() -> int:
        return world.send(who=service(), customer_id="cora", headers={"Prefer": "respond-async"}).status

    let_in = cora()
    world.send(who=service(), customer_id="carl")

    assert (202, 402) == (let_in, cora())


def test_a_customer_without_money_does_not_page_people_in_an_outage() -> None:
    """With every breaker open nothing is reserved, and nothing would have refused the turn."""
    world = World(paint(cache_seconds=600), env={"limits.customer_day_usd": usd(EST), "BREAKER_FAILURE_THRESHOLD": "1"})
    world.send("Cached?")
    for name in ("openai:first", "anthropic:second", "openai:third"):
        assert world.services.stores.breakers.failed(name, 0)

    assert [402, 402] == [world.send(message).status for message in ("Cached?", "Which colour?")]
    assert {} == world.machine.running


def test_a_refusal_for_money_costs_no_turn_of_the_rate() -> None:
    world = World(env={"limits.task_usd": TOO_LITTLE, "turns.per_minute": 1, "turns.burst": 1})

    assert [402] * 3 == [world.send(headers={"Prefer": "respond-async"}).status for _ in range(3)]


# --- ambiguous writes -------------------------------------------------------------------------------------------------


def test_a_reservation_whose_answer_was_lost_is_resolved_by_the_sweep_once() -> None:
    world = World(table=WatchedTable(MemoryTable(), after=on("transact", "RSV#", fail)))
    refused = world.send(key="k")
    held = world.spent()
    world.later(70)
    world.reconcile()
    after = world.spent()
    world.later(700)
    world.reconcile()

    assert (503, []) == (refused.status, world.models.calls)
    assert (EST, 0) == (held.committed_micro_usd, held.posted_micro_usd)
    assert (EST, EST) == (after.committed_micro_usd, after.posted_micro_usd)
    assert after == world.spent()


# --- what a customer sees ---------------------------------------------------------------------------------------------


def test_a_customer_sees_what_was_spent_and_what_is_left() -> None:
    world = World(env={"limits.customer_day_usd": "1"})
    world.send(task_id="moving")
    seen = world.get("/v1/customers/carla/spend").json

    assert ("0.000180", "0.000000", "1.000000", "0.999820") == (
        seen["posted_usd"],
        seen["pending_usd"],
        seen["limit_usd"],
        seen["remaining_usd"],
    )
    assert [("moving", "0.000180")] == [(t["task_id"], t["posted_usd"]) for t in seen["tasks"]]


def test_spending_is_seen_by_day() -> None:
    world = World()
    world.send()
    days = [world.get("/v1/customers/carla/spend", service(), day=f"2026-11-{d}").json["posted_usd"] for d in (17, 18)]

    assert ["0.000000", "0.000180"] == days


@pytest.mark.parametrize("day", ["yesterday", "0000-00-00", "2026-02-30", "9999-12-31", "2026-11-1"])
def test_what_is_no_day_is_a_request_that_is_not_valid(day: str) -> None:
    assert (400, "invalid-request") == (
        (refused := World().get("/v1/customers/carla/spend", day=day)).status,
        refused.code,
    )


def test_spending_is_the_customers_own_business() -> None:
    world = World()

    assert [403, 403] == [
        world.get("/v1/customers/carl/spend").status,
        world.get("/v1/customers/carla/spend", operator()).status,
    ]


# --- what providers admit ---------------------------------------------------------------------------------------------


def test_a_model_at_its_own_limit_is_skipped_like_an_open_breaker() -> None:
    world = World(env={"rates": {"openai:*": {"requests": 1}}})
    world.models.seconds = 0
    sent = [world.send() for _ in range(2)]
    third = sent[1].json

    assert ["openai:first", "anthropic:second"] == [s.json["model"] for s in sent]
    assert (200, ["first", "second"]) == (sent[1].status, world.models.names())
    assert "anthropic:second" == third["model"]


def test_a_turn_for_which_every_model_is_at_its_limit_goes_on_in_its_tiers() -> None:
    limits = {"openai:*": {"requests": 1}, "anthropic:*": {"requests": 1}}
    world = World(env={"rates": limits})
    world.models.seconds = 0
    sent = [world.send() for _ in range(3)]

    assert [200, 200, 202] == [s.status for s in sent]
    assert "no_model_available" == sent[2].json["reason"]
    assert 0 == world.spent().pending_micro_usd


def test_only_named_tasks_are_listed_and_not_without_end() -> None:
    world = World(paint(task_limit_usd="0.40"), env={"limits.customer_day_usd": "50"})
    alone = world.send(who=service(), customer_id="carla").json["turn_id"]
    for n in range(101):
        world.send(who=service(), customer_id="carla", task_id=f"task-{n}")
    seen = world.get("/v1/customers/carla/spend", service()).json

    assert (100, True) == (len(seen["tasks"]), seen["more_tasks"])
    assert alone not in {t["task_id"] for t in seen["tasks"]}
    assert "0.018360" == seen["posted_usd"]


def test_spending_is_shown_under_the_limits_of_an_agent_where_one_is_named() -> None:
    world = World(paint(task_limit_usd="0.05", customer_day_limit_usd="2.00"))
    world.send(task_id="moving")
    plain = world.get("/v1/customers/carla/spend").json
    named = world.get("/v1/customers/carla/spend", agent="paint").json

    assert ("5.000000", "2.000000") == (plain["limit_usd"], named["limit_usd"])
    assert ("0.500000", "0.050000") == (plain["tasks"][0]["limit_usd"], named["tasks"][0]["limit_usd"])
    assert 404 == world.get("/v1/customers/carla/spend", agent="nobody").status


def test_turns_that_are_refused_for_money_use_up_nothing_of_a_models_rate() -> None:
    world = World(env={"rates": {"openai:*": {"requests": 22}}, "limits.customer_day_usd": usd(EST)})
    refused = [world.send(who=service(), customer_id="poor").status for _ in range(12)]
    other = world.send(who=service(), customer_id="other").json["model"]

    assert ([200] + 11 * [402], "openai:first") == (refused, other)
