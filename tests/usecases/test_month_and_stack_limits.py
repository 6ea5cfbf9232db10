"""Two limits that are off unless they are set: of a customer's month, and of the whole stack's day."""

import json
from typing import Any

import pytest
from turnkeeper.adapters.memory import MemoryTable
from turnkeeper.domain.chat import Usage
from turnkeeper.domain.spend import Counter, Override, utc_day
from turnkeeper.stores.limits import Whose

from tests.support.tables import Killed, WatchedTable, kill, on
from tests.support.world import TENANT, World, answer, customer, operator, paint, service
from tests.usecases.test_limits import EST, PREFER, usd

MONTH, NEXT_MONTH = "2026-11", "2026-12"
TO_DECEMBER_S = 13 * 86_400
LAST_SECOND_OF_NOVEMBER = 1_796_083_199.0


def deployed(**limits: int) -> World:
    """Give a deployment in which every call costs its worst case."""
    world = World(paint(), env={"limits.task_usd": "5"})
    world.models.script["first"] = [lambda _: answer(usage=Usage(EST, 0))]
    world.limit(**{f"{name}_micro_usd": amount for name, amount in limits.items()})
    return world


def month(world: World, name: str = MONTH) -> tuple[int, int]:
    counter = world.services.stores.spend.of_month(TENANT, "carla", name)
    return counter.committed_micro_usd, counter.posted_micro_usd


def stack(world: World) -> tuple[int, int]:
    counter = world.services.stores.spend.of_stack("2026-11-18")
    return counter.committed_micro_usd, counter.posted_micro_usd


# --- refusals ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("prefer", PREFER.values(), ids=PREFER)
def test_a_turn_that_would_pass_the_customers_month_is_402_until_the_next_one(prefer: dict[str, str]) -> None:
    world = deployed(customer_month=2 * EST + 7)
    sent = [world.send().status, world.send().status]
    world.later(86_400)
    refused = world.send(headers=prefer)
    others = world.send(who=customer("carl")).status
    world.later(TO_DECEMBER_S)

    assert ([200, 200], 200) == (sent, others)
    assert (402, "limit-exceeded", "customer_month") == (refused.status, refused.code, refused.json["limit"])
    assert ("0.000007", "2026-12-01T00:00:00Z") == (refused.json["remaining_usd"], refused.json["resets_at"])
    assert (202 if prefer else 200) == world.send(headers=prefer).status


@pytest.mark.parametrize("prefer", PREFER.values(), ids=PREFER)
def test_all_tenants_together_never_pass_the_stacks_day(prefer: dict[str, str]) -> None:
    world = deployed(stack_day=10 * EST)
    tenants = [f"tenant-{n % 3}" for n in range(10)]
    sent = [world.send(who=customer(f"c{n}", tenant)).status for n, tenant in enumerate(tenants)]
    refused = world.send(who=customer("cora", "tenant-9"), headers=prefer)
    world.later(86_400)

    assert [200] * 10 == sent
    assert (402, "stack_day") == (refused.status, refused.json["limit"])
    assert ("0.000000", "2026-11-19T00:00:00Z") == (refused.json["remaining_usd"], refused.json["resets_at"])
    assert (202 if prefer else 200) == world.send(who=customer("cora", "tenant-9"), headers=prefer).status


def test_a_call_that_never_fits_the_stacks_day_learns_nothing_of_what_others_spent() -> None:
    """Such a call is refused at any time and for nothing, so what is left would be a meter of all tenants' spending."""
    world = deployed(stack_day=10 * EST)
    before = world.send("long " * 500, who=customer("spy", "tenant-9")).json
    world.send()
    after = world.send("long " * 500, who=customer("spy", "tenant-9")).json

    assert ("stack_day", "0.000000") == (before["limit"], before["remaining_usd"])
    assert before == after


FULL = {"customer_day": EST, "task": EST, "customer_month": EST, "tenant_day": 10 * EST, "stack_day": 10 * EST}


@pytest.mark.parametrize("first", range(len(FULL)), ids=list(FULL))
def test_of_several_full_limits_the_customers_is_told_then_the_tenants_then_the_stacks(first: int) -> None:
    names = list(FULL)[first:]
    world = deployed(**{name: FULL[name] for name in names})
    fill = [world.send(task_id="moving").status]
    while fill[-1] == 200:
        fill.append(world.send(who=service(), customer_id=f"c{len(fill)}").status)

    refused = world.send(task_id="moving")

    assert (402, names[0]) == (refused.status, refused.json["limit"])


@pytest.mark.parametrize("prefer", PREFER.values(), ids=PREFER)
def test_a_call_that_would_not_fit_an_unused_limit_is_told_that_one_first(prefer: dict[str, str]) -> None:
    world = deployed(customer_day=EST)
    world.send()
    world.limit(stack_day_micro_usd=10 * EST - 10)

    assert "stack_day" == world.send(headers=prefer).json["limit"]


def test_a_turn_in_its_tiers_that_fits_no_stack_any_more_goes_to_a_person() -> None:
    world = deployed(stack_day=10 * EST)
    turn = world.send(headers={"Prefer": "respond-async"}).json["turn_id"]
    while world.send(who=customer("carl")).status == 200:
        pass
    called = len(world.models.calls)

    assert ("waiting", called) == (world.play(turn), len(world.models.calls))
    assert "awaiting_human" == world.get(f"/v1/turns/{turn}").json["status"]


# --- an owner's limits ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("whose", "name"), [(Whose.CUSTOMER, "carla"), (Whose.AGENT, "paint")])
def test_an_owner_may_limit_a_month_where_the_deployment_does_not(whose: Whose, name: str) -> None:
    world = deployed()
    world.services.stores.limits.change(TENANT, whose, name, Override(customer_month_micro_usd=EST))

    assert [200, 402] == [world.send().status, world.send().status]
    assert (200 if whose is Whose.CUSTOMER else 402) == [world.send(who=customer("carl")).status for _ in range(2)][1]


# --- the end of a month -----------------------------------------------------------------------------------------------


def test_a_call_over_the_end_of_a_month_is_settled_in_the_month_that_reserved_it() -> None:
    world = deployed(customer_month=10 * EST)
    world.clock.now = LAST_SECOND_OF_NOVEMBER
    world.models.seconds = 3
    world.send()

    assert ("2026-12-01", (EST, EST), (0, 0)) == (utc_day(world.clock.now), month(world), month(world, NEXT_MONTH))


# --- a limit is switched on or off between a reservation and its end --------------------------------------------------


def left_by_a_death(**limits: int) -> World:
    """Give a deployment whose run died with its call answered and not settled, with the reservation pending."""
    table = WatchedTable(MemoryTable())
    world = World(table=table)
    world.limit(**{f"{name}_micro_usd": amount for name, amount in limits.items()})
    table.before = on("transact", "CONV#", kill)
    with pytest.raises(Killed):
        world.send()
    return world


def test_what_was_reserved_under_a_limit_is_swept_under_it_though_it_was_switched_off() -> None:
    world = left_by_a_death(customer_month=10 * EST, tenant_day=100 * EST, stack_day=100 * EST)
    held = month(world), stack(world)
    world.limit(customer_month_micro_usd=None, tenant_day_micro_usd=None, stack_day_micro_usd=None)
    world.later(70)
    world.reconcile()

    assert ((EST, 0), (EST, 0)) == held
    assert ((EST, EST), (EST, EST)) == (month(world), stack(world))
    assert Counter(EST, EST) == world.services.stores.spend.of_tenant(TENANT, "2026-11-18")


def test_what_was_reserved_without_a_limit_does_not_count_when_it_is_switched_on() -> None:
    world = left_by_a_death()
    world.limit(customer_month_micro_usd=10 * EST, tenant_day_micro_usd=100 * EST, stack_day_micro_usd=100 * EST)
    world.later(70)
    world.reconcile()

    assert ((0, 0), (0, 0), EST) == (month(world), stack(world), world.spent().posted_micro_usd)
    assert Counter() == world.services.stores.spend.of_tenant(TENANT, "2026-11-18")


# --- alerts -----------------------------------------------------------------------------------------------------------


def alerts(world: World) -> list[dict[str, Any]]:
    return [json.loads(message.data) for topic, message in world.topics.published if topic == "owner"]


def test_the_owner_is_told_once_in_a_month_that_a_customer_used_80_percent_of_it() -> None:
    world = deployed(customer_month=5 * EST)
    for _ in range(7):
        world.send()
        world.later(86_400)
    in_november = alerts(world)
    world.later(TO_DECEMBER_S)
    for _ in range(6):
        world.send()

    assert [("customer_month", MONTH, TENANT, "carla")] == [
        (a["limit"], a["of"], a["tenant"], a["customer_id"]) for a in in_november
    ]
    assert usd(5 * EST) == in_november[0]["limit_usd"]
    assert [MONTH, NEXT_MONTH] == [a["of"] for a in alerts(world)]


def test_the_owner_is_told_once_in_a_day_that_the_stack_used_80_percent_of_it() -> None:
    world = deployed(stack_day=20 * EST)
    for n in range(25):
        world.send(who=customer(f"c{n}", f"tenant-{n % 4}"))
    (alert,) = alerts(world)

    assert ("stack_day", "2026-11-18", "", "") == (alert["limit"], alert["of"], alert["tenant"], alert["customer_id"])
    assert (usd(17 * EST), usd(20 * EST)) == (alert["committed_usd"], alert["limit_usd"])
    (told,) = [message.text for topic, message in world.topics.published if topic == "owner"]
    assert "tenant  " not in told


@pytest.mark.parametrize("limit", ["customer_month", "stack_day"])
def test_an_alert_that_could_not_be_published_is_repeated_until_it_is(limit: str) -> None:
    world = deployed(**{limit: 10 * EST})
    world.topics.down = True
    for _ in range(9):
        assert 200 == world.send().status
    for down in (True, False, False):
        world.topics.down = down
        world.later(60)
        world.reconcile()

    assert [(limit, usd(9 * EST), usd(10 * EST))] == [
        (a["limit"], a["committed_usd"], a["limit_usd"]) for a in alerts(world)
    ]


# --- what a customer sees ---------------------------------------------------------------------------------------------


def test_a_customer_sees_the_month_where_it_has_a_limit_and_never_the_stacks_day() -> None:
    world = deployed(customer_month=10 * EST, stack_day=1_000 * EST)
    world.send()
    seen = world.get("/v1/customers/carla/spend").json
    world.limit(customer_month_micro_usd=None)

    assert {
        "month": MONTH,
        "posted_usd": usd(EST),
        "pending_usd": "0.000000",
        "limit_usd": usd(10 * EST),
        "remaining_usd": usd(9 * EST),
        "resets_at": "2026-12-01T00:00:00Z",
    } == seen["month"]
    assert usd(1_000 * EST) not in str(seen)
    assert "month" not in world.get("/v1/customers/carla/spend").json


def test_the_month_that_is_seen_is_that_of_the_day_under_the_customers_own_limit() -> None:
    world = deployed(customer_month=10 * EST)
    world.services.stores.limits.change(TENANT, Whose.CUSTOMER, "carla", Override(customer_month_micro_usd=2 * EST))
    world.send()
    november, october = (
        world.get("/v1/customers/carla/spend", service(), day=day).json["month"] for day in ("2026-11-01", "2026-10-31")
    )

    assert (MONTH, usd(EST), usd(2 * EST)) == (november["month"], november["posted_usd"], november["limit_usd"])
    assert ("2026-10", "0.000000") == (october["month"], october["posted_usd"])


def test_a_month_without_a_next_one_is_a_request_that_is_not_valid() -> None:
    assert 400 == deployed(customer_month=EST).get("/v1/customers/carla/spend", day="9999-12-01").status


def test_an_operator_sees_the_customers_month_beside_an_escalation() -> None:
    world = deployed(customer_month=50 * EST)
    turn = world.awaiting()

    assert MONTH == world.get(f"/v1/escalations/{turn}", operator()).json["spend"]["month"]["month"]
