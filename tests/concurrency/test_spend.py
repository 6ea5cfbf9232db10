"""Money under concurrency: 200 turns of many processes at once, on a real network, in fair weather and foul."""

import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from threading import Barrier

import pytest
from turnkeeper.domain.spend import Counter as Counted
from turnkeeper.domain.spend import utc_day
from turnkeeper.stores.spend import SpendStore

from tests.concurrency.deployment import (
    CALL,
    PRICES,
    Deployment,
    amounts,
    day_key,
    month_key,
    spend_already,
    task_key,
    usd,
)
from tests.concurrency.watcher import Watcher
from tests.support.crowd import crowd
from tests.support.emulator import emulator, new_table
from tests.support.usual_guard import UsualGuard
from tests.support.weather import CLEAR, Weather
from tests.support.world import TENANT

pytestmark = pytest.mark.random

TURNS, ROOM = 200, 10
LIMITED = {"limits.customer_day_usd": usd(ROOM)}
STORM = Weather(conflicts=0.15, throttled=0.1, lost=0.15)
WEATHERS = {
    "clear": (TURNS, CLEAR),
    "storm": (TURNS, STORM),
    "conflicts": (40, Weather(conflicts=0.4)),
    "throttled": (40, Weather(throttled=0.3)),
    "answers lost": (40, Weather(lost=0.4)),
}


def sending(deployment: Deployment, task: str = "", customers: int = 1) -> Callable[[int], tuple[int, str]]:
    """Return what sends turn number n, each with a key of its own: (status, code of the problem)."""
    environment = deployment.environment()

    def send(n: int) -> tuple[int, str]:
        sent = environment.turn(f"key-{n}", f"carla{n % customers or ''}", task)
        return sent.status, sent.code

    return send


def send_all(deployment: Deployment, turns: int = 80, **more: object) -> Counter[tuple[int, str]]:
    return Counter(crowd(partial(sending, deployment, **more), turns))  # type: ignore[arg-type]


def test_the_usual_guard_admits_them_all() -> None:
    """Every turn reads before any has added its cost, and is admitted: 20 times the limit is billed."""
    guard = UsualGuard(10, Barrier(200).wait)
    with ThreadPoolExecutor(200) as threads:
        admitted = sum(threads.map(lambda _: guard.turn(), range(200)))

    assert (200, 200) == (admitted, guard.billed)


@pytest.mark.parametrize(("turns", "weather"), WEATHERS.values(), ids=WEATHERS)
def test_of_many_turns_at_once_exactly_the_10_that_fit_are_admitted(
    deployment: Deployment, turns: int, weather: Weather
) -> None:
    limited = deployment.but(env=LIMITED, weather=weather)
    table, day = deployment.table(), day_key()

    with Watcher(table, [day]) as watcher:
        statuses = send_all(limited, turns)

    assert {(200, ""): ROOM, (402, "limit-exceeded"): turns - ROOM} == statuses
    assert watcher.looks > 1
    assert watcher.most[day] <= ROOM * CALL
    assert (ROOM * CALL, ROOM * CALL) == amounts(table.get(day))
    assert ROOM * CALL == deployment.log.billed


@pytest.mark.parametrize("weather", [CLEAR, STORM], ids=["clear", "storm"])
def test_a_tenants_whole_day_is_used_and_never_passed(deployment: Deployment, weather: Weather) -> None:
    """Each shard has room for two calls; a turn that finds its shard full uses another one."""
    limited = deployment.but(env={"limits.tenant_day_usd": usd(20)}, weather=weather)
    statuses = send_all(limited, turns=50, customers=25)
    spend = SpendStore(deployment.table(), time.time)

    assert {(200, ""): 20, (402, "limit-exceeded"): 30} == statuses
    assert Counted(20 * CALL, 20 * CALL) == spend.of_tenant(TENANT, utc_day(time.time()))
    alerts = [a for a in deployment.log.lines("published") if a["dedup_key"].startswith(f"SPEND#{TENANT}#/")]
    assert 1 == len(alerts)


@pytest.mark.parametrize("weather", [CLEAR, STORM], ids=["clear", "storm"])
def test_a_stacks_whole_day_is_used_and_never_passed(deployment: Deployment, weather: Weather) -> None:
    """Beside it the tenant's day is kept in shards of its own, and every customer's month has room."""
    limits = {"stack_day_micro_usd": 20 * CALL, "customer_month_micro_usd": 10 * CALL}
    limited = deployment.but(env={"limits.tenant_day_usd": usd(30)}, limits=limits, weather=weather)
    statuses = send_all(limited, turns=50, customers=25)
    spend, day = SpendStore(deployment.table(), time.time), utc_day(time.time())
    months = [spend.of_month(TENANT, f"carla{n or ''}", day[:7]) for n in range(25)]

    assert {(200, ""): 20, (402, "limit-exceeded"): 30} == statuses
    assert Counted(20 * CALL, 20 * CALL) == spend.of_stack(day) == spend.of_tenant(TENANT, day)
    assert 20 * CALL == sum(m.posted_micro_usd for m in months) == sum(m.committed_micro_usd for m in months)
    assert 1 == len([a for a in deployment.log.lines("published") if a["dedup_key"] == f"SPEND#/alert/DAY#{day}"])


@pytest.mark.parametrize("weather", [CLEAR, STORM], ids=["clear", "storm"])
def test_a_month_is_held_to_its_limit_and_alerts_once(deployment: Deployment, weather: Weather) -> None:
    limited = deployment.but(limits={"customer_month_micro_usd": ROOM * CALL}, weather=weather)
    table, month = deployment.table(), month_key()

    with Watcher(table, [month]) as watcher:
        statuses = send_all(limited)

    assert {(200, ""): ROOM, (402, "limit-exceeded"): 80 - ROOM} == statuses
    assert watcher.most[month] <= ROOM * CALL
    assert (ROOM * CALL, ROOM * CALL) == amounts(table.get(month)) == amounts(table.get(day_key()))
    assert ["/".join(month)] == [alert["dedup_key"] for alert in deployment.log.lines("published")]


def test_a_task_is_held_to_its_limit_beside_the_day(deployment: Deployment) -> None:
    limited = deployment.but(env={"limits.task_usd": usd(ROOM)})
    table, task = deployment.table(), task_key("moving")

    with Watcher(table, [task]) as watcher:
        statuses = send_all(limited, task="moving")

    assert {(200, ""): ROOM, (402, "limit-exceeded"): 80 - ROOM} == statuses
    assert watcher.most[task] <= ROOM * CALL
    assert (ROOM * CALL, ROOM * CALL) == amounts(table.get(task)) == amounts(table.get(day_key()))


def test_first_ever_turns_are_held_to_the_limit_too(deployment: Deployment) -> None:
    statuses = send_all(deployment.but(env={"limits.customer_day_usd": usd(2)}), customers=20)

    assert {(200, ""): 40, (402, "limit-exceeded"): 40} == statuses
    assert 40 * CALL == deployment.log.billed


def test_a_dearer_fallback_is_held_to_the_limit(deployment: Deployment) -> None:
    prices = {**PRICES, "anthropic:second": {"input": "0", "output": "40"}}
    limited = deployment.but(env={"limits.customer_day_usd": usd(100)}, modes={"first": "error"}, prices=prices)
    table, day = deployment.table(), day_key()

    with Watcher(table, [day]) as watcher:
        statuses = send_all(limited)

    assert watcher.most[day] <= 100 * CALL
    assert (deployment.log.billed, deployment.log.billed) == amounts(table.get(day))
    assert deployment.log.billed == statuses[200, ""] * 10 * CALL <= 100 * CALL
    assert {200, 202, 402} >= {status for status, _ in statuses}


def test_a_free_model_that_fails_over_to_a_paid_one_is_held_to_the_limit(deployment: Deployment) -> None:
    prices = {**PRICES, "openai:first": {"input": "0", "output": "0"}}
    statuses = send_all(deployment.but(env=LIMITED, modes={"first": "error"}, prices=prices))

    assert ROOM == statuses[200, ""]
    assert ROOM * CALL == deployment.log.billed
    assert (ROOM * CALL, ROOM * CALL) == amounts(deployment.table().get(day_key()))


def test_what_a_provider_billed_without_answering_counts_in_full(deployment: Deployment) -> None:
    statuses = send_all(deployment.but(env=LIMITED, modes={"first": "timeout", "second": "timeout"}))

    assert 0 == statuses[200, ""]
    assert ROOM * CALL == deployment.log.billed
    assert (ROOM * CALL, ROOM * CALL) == amounts(deployment.table().get(day_key()))


def test_nine_tenths_of_a_budget_are_usable_though_calls_cost_a_tenth_of_their_worst_case(
    deployment: Deployment,
) -> None:
    limited = deployment.but(env=LIMITED, used=0.1)
    send_all(limited, turns=50)
    send = sending(limited)
    tried = next(n for n in range(1_000, 1_200) if send(n)[0] == 402)
    committed, posted = amounts(deployment.table().get(day_key()))

    assert tried < 1_200
    assert 0.9 * ROOM * CALL <= posted == committed == deployment.log.billed <= ROOM * CALL


def test_a_store_that_died_stops_all_calls(deployment: Deployment, tmp_path: Path) -> None:
    with emulator(tmp_path / "emulator") as (endpoint, process):
        mortal = deployment.but(cloud=new_table(endpoint), patience_s=0.3)
        assert {(200, ""): 8} == send_all(mortal, turns=8)
        process.kill()
        process.wait()
        statuses = send_all(mortal, turns=40)

    assert {(503, "store-unavailable"): 40} == statuses
    assert 8 * CALL == deployment.log.billed


@pytest.mark.parametrize("weather", [CLEAR, STORM], ids=["clear", "storm"])
def test_of_100_turns_that_cross_80_percent_at_once_one_alerts(deployment: Deployment, weather: Weather) -> None:
    spend_already(deployment.table(), 795 * CALL)
    statuses = send_all(deployment.but(env={"limits.customer_day_usd": usd(1_000)}, weather=weather), turns=100)
    alerts = deployment.log.lines("published")

    assert {(200, ""): 100} == statuses
    assert [("spend_alert", "/".join(day_key()))] == [(alert["about"], alert["dedup_key"]) for alert in alerts]
