"""What a stage changes while it runs: settings hold for the next turn, and what is stopped is refused."""

import itertools
import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from turnkeeper import Endpoint, Model, ToolContext, tool
from turnkeeper.adapters.memory import MemoryTable
from turnkeeper.domain.chat import ModelReply, ModelRequest
from turnkeeper.domain.stage import FORMAT, IN_FORCE_S, MAX_AGE_S, Stage, Stoppable, Target
from turnkeeper.ports import Put
from turnkeeper.stores.stage import StageStore

from tests.support.tables import Killed, WatchedTable, down
from tests.support.world import PRICES, TENANT, World, answer, operator, paint, service, tool_call

EVERYTHING = Target(Stoppable.EVERYTHING)
TOO_LITTLE = {"limits": {"task_usd": "0.000001"}}


def apply(world: World, settings: Mapping[str, Any] | str, format_: int = FORMAT) -> None:
    """Put settings in force, as the command line does."""
    store = StageStore(world.table)
    text = settings if isinstance(settings, str) else json.dumps(settings)
    found = store.current()
    wanted = found.with_settings(text, [], by="olga", at=world.clock.now)
    store.replace(found, replace(wanted, format=format_))


def warnings(world: World) -> list[str]:
    return [message for message, _ in world.telemetry.warnings]


# --- settings ---------------------------------------------------------------------------------------------------------


def test_a_limit_that_is_lowered_holds_for_the_next_turn_of_every_environment_within_half_a_minute() -> None:
    world = World()
    assert 200 == world.send().status
    apply(world, TOO_LITTLE)
    world.later(MAX_AGE_S)

    assert (402, "task") == ((sent := world.send()).status, sent.json["limit"])


def test_a_new_environment_reads_the_stage_with_its_first_turn() -> None:
    world = World()
    apply(world, TOO_LITTLE)
    world.restart()

    assert 402 == world.send().status


def test_settings_are_read_beside_the_turns_other_items_and_at_most_every_half_minute() -> None:
    read: list[float] = []
    table = WatchedTable(MemoryTable(), lambda name, keys: read.append(world.clock.now) if _is_stage(keys) else None)
    world = World(table=table)
    for _ in range(40):
        table.calls.clear()
        world.send()
        world.later(1.5)
        assert {"batch_get": 1, "write": 1, "transact": 2} == {name: table.calls.count(name) for name in table.calls}

    assert 3 == len(read)
    assert all(later - earlier >= MAX_AGE_S for earlier, later in itertools.pairwise(read))


def _is_stage(keys: Any) -> bool:
    return ("STAGE", "CURRENT") in keys


@pytest.mark.parametrize(
    ("settings", "format_", "why"),
    [
        ("nonsense", FORMAT, "Invalid JSON"),
        ('{"limits": {"task_euro": "1"}}', FORMAT, "limits.task_euro: there is no such setting"),
        ("{}", FORMAT + 1, "its format 2 is newer than the code"),
    ],
)
@pytest.mark.parametrize("cold", [False, True])
def test_settings_that_cannot_be_read_leave_the_last_good_ones_and_the_owner_is_told(
    settings: str, format_: int, why: str, cold: bool
) -> None:
    world = World()
    apply(world, TOO_LITTLE)
    world.later(MAX_AGE_S)
    world.send()
    apply(world, settings, format_)
    if cold:  # an environment that has read no stage before
        world.restart()._known_stage.read_at = None
    for _ in range(2):
        world.later(MAX_AGE_S)
        assert 402 == world.send().status
    (warned,) = warnings(world)

    assert "version 2 of the stage cannot be read, an older one holds: " in warned
    assert why in warned
    assert ["OwnerWarning"] == [name for name, _, _ in world.telemetry.counts if name == "OwnerWarning"]


@pytest.mark.parametrize(
    "broken", [{"stops": None}, {"stops": [{}]}, {"changes": None}, {"at": None}, {"format": "x"}, {"version": None}]
)
@pytest.mark.parametrize("cold", [False, True])
def test_an_item_that_cannot_be_read_leaves_settings_and_stops_and_the_owner_is_told(
    broken: dict[str, object], cold: bool
) -> None:
    world = World(paint(), paint(name="sing"))
    apply(world, TOO_LITTLE)
    world.stop(Target(Stoppable.AGENT, "sing"))
    world.later(MAX_AGE_S)
    world.send()
    kept = world.table.get(("STAGE", "CURRENT"))
    world.table.transact([Put(("STAGE", "CURRENT"), {**(kept or {}), **broken})])
    if cold:
        world.restart()._known_stage.read_at = None
    world.later(MAX_AGE_S)

    assert (402, 503) == (world.send().status, world.send(agent="sing").status)
    assert 1 == len(warnings(world))


def test_a_cold_environment_finds_the_last_good_settings_behind_any_number_of_stops() -> None:
    world = World()
    apply(world, TOO_LITTLE)
    apply(world, "{}", FORMAT + 1)
    for n in range(25):
        world.stop(Target(Stoppable.CUSTOMER, f"customer-{n}", TENANT))
    world.restart()._known_stage.read_at = None

    assert 402 == world.send().status


def test_what_is_stopped_holds_even_if_the_settings_cannot_be_read() -> None:
    world = World()
    apply(world, "nonsense", FORMAT + 1)
    world.stop(EVERYTHING)
    world.restart()

    assert 503 == world.send().status


def test_a_stage_that_cannot_be_read_for_a_while_stays_as_it_was() -> None:
    table = WatchedTable(MemoryTable())
    world = World(table=table)
    apply(world, {"limits": {"customer_day_usd": "7"}})
    world.restart()
    assert "7.000000" == world.get("/v1/customers/carla/spend").json["limit_usd"]
    world.later(MAX_AGE_S)
    table.before = down

    assert 7_000_000 == world.services.stage.get().settings.limits.customer_day_micro_usd


def test_a_customer_sees_the_limits_of_the_stage() -> None:
    world = World()
    apply(world, {"limits": {"customer_day_usd": "7"}})
    world.later(MAX_AGE_S)

    assert "7.000000" == world.get("/v1/customers/carla/spend").json["limit_usd"]


def test_a_stages_own_price_goes_before_the_public_one() -> None:
    world = World()
    apply(world, {"prices": {"openai:first": {"input": "1000000", "output": "1000000"}}})
    world.restart()

    assert 402 == world.send().status


def test_a_price_that_only_the_stage_knows_is_enough() -> None:
    world = World(prices={})
    world.telemetry.expected = Exception
    assert 500 == world.send().status
    free = {"input": "0.1", "output": "0.1"}
    apply(world, {"prices": dict.fromkeys(("openai:first", "anthropic:second", "openai:third"), free)})
    world.later(MAX_AGE_S)

    assert 200 == world.send().status


def test_the_models_that_the_stage_names_first_are_asked_first() -> None:
    world = World()
    apply(world, {"agents": {"paint": {"first": ["anthropic:second"]}}})
    world.restart()
    world.send()

    assert ["second"] == world.models.names()


@pytest.mark.parametrize(
    ("settings", "wanted"),
    [
        ({}, ("https://groq.example/v1", "groq-key")),
        ({"url": "https://gateway.example/v1"}, ("https://gateway.example/v1", "groq-key")),
        ({"secret": "ssm:/team/groq"}, ("https://groq.example/v1", "ssm:/team/groq")),
    ],
)
def test_a_model_is_asked_at_its_endpoint_as_the_stage_has_it(
    settings: dict[str, str], wanted: tuple[str, str]
) -> None:
    groq = Endpoint("groq", wire="openai", url="https://groq.example/v1", secret="groq-key")
    price = {"input": "0.1", "output": "0.1"}
    world = World(paint(chain=[Model("groq:first", endpoint=groq)]), prices={**PRICES, "groq:first": price})
    apply(world, {"endpoints": {"groq": settings}})
    world.restart()

    assert 200 == world.send().status
    assert [wanted] == [(endpoint.url, endpoint.key_secret) for endpoint in world.models.asked_at]


def test_a_callback_is_refused_where_the_stage_does_not_allow_its_host_and_the_key_stays_free() -> None:
    world = World()
    refused = world.send(key="k", callback_url="https://hooks.example.com/x")
    apply(world, {"hosts": {"callbacks": {TENANT: ["hooks.example.com"]}}})
    world.later(MAX_AGE_S)

    assert (400, "callback_url: the host") == (refused.status, refused.json["detail"][:22])
    assert 200 == world.send(key="k", callback_url="https://hooks.example.com/x").status


# --- what is stopped --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "target",
    [
        EVERYTHING,
        Target(Stoppable.TENANT, TENANT),
        Target(Stoppable.AGENT, "paint"),
        Target(Stoppable.CUSTOMER, "carla", TENANT),
    ],
)
@pytest.mark.parametrize("prefer", [{}, {"Prefer": "respond-async"}])
def test_a_stopped_turn_is_refused_before_it_costs_anything_and_its_key_stays_free(
    target: Target, prefer: dict[str, str]
) -> None:
    world = World()
    world.stop(target)
    world.restart()
    refused = world.send(key="k", headers=prefer)

    assert (503, "urn:turnkeeper:error:stopped", "60") == (
        refused.status,
        refused.json["type"],
        refused.headers["retry-after"],
    )
    assert [] == world.models.names()
    assert 0 == world.spent().committed_micro_usd
    world.resume(target)
    world.later(MAX_AGE_S)
    assert 200 == world.send(key="k").status


def test_what_is_stopped_refuses_within_a_minute() -> None:
    world = World()
    world.send()
    world.stop(EVERYTHING)
    world.later(IN_FORCE_S)

    assert 503 == world.send().status


def test_other_agents_customers_and_tenants_go_on() -> None:
    world = World(paint(), paint(name="sing"))
    world.stop(Target(Stoppable.AGENT, "sing"))
    world.stop(Target(Stoppable.CUSTOMER, "otto", TENANT))
    world.stop(Target(Stoppable.TENANT, "tenant-b"))
    world.restart()
    of_otto = world.send(who=service(), customer_id="otto").status

    assert (200, 503, 503) == (world.send().status, world.send(agent="sing").status, of_otto)


def test_a_turn_in_flight_ends_although_its_agent_is_stopped_meanwhile() -> None:
    world = World()

    def stop(_: ModelRequest) -> ModelReply:
        world.stop(EVERYTHING)
        world.later(MAX_AGE_S + 1)
        return answer()

    world.models.script["first"] = [stop]
    world.models.seconds = 0

    assert (200, 503) == (world.send().status, world.send().status)


def test_what_runs_in_the_tiers_is_finished_and_what_waits_is_answered() -> None:
    world = World()
    world.fail_all()
    turn = world.send().json["turn_id"]
    world.stop(EVERYTHING)
    world.restart()
    world.play(turn)
    claim = world.post(f"/v1/escalations/{turn}/claim", {}, operator()).json
    body = {"version": claim["version"], "reply": "Blue.", "output": {"colour": "blue"}}

    assert 200 == world.post(f"/v1/escalations/{turn}/answer", body, operator()).status
    assert ("completed", "human") == ((ended := world.get(f"/v1/turns/{turn}").json)["status"], ended["tier"])


def test_a_replay_of_an_ended_turn_is_answered_although_everything_is_stopped() -> None:
    world = World()
    first = world.send(key="k")
    world.stop(EVERYTHING)
    world.later(MAX_AGE_S)

    assert (200, first.text) == ((again := world.send(key="k")).status, again.text)


def test_a_stopped_model_is_never_called() -> None:
    world = World()
    world.stop(Target(Stoppable.MODEL, "openai:first"))
    world.restart()

    assert ("anthropic:second", ["second"]) == (world.send().json["model"], world.models.names())


@pytest.mark.parametrize("prefer", [{}, {"Prefer": "respond-async"}])
def test_a_turn_all_of_whose_models_are_stopped_goes_to_a_person(prefer: dict[str, str]) -> None:
    world = World()
    for model in ("openai:first", "anthropic:second", "openai:third"):
        world.stop(Target(Stoppable.MODEL, model))
    world.restart()
    sent = world.send(headers=prefer)
    world.play(sent.json["turn_id"])

    assert (202, []) == (sent.status, world.models.names())
    assert "awaiting_human" == world.get(f"/v1/turns/{sent.json['turn_id']}").json["status"]


def test_a_stopped_tool_is_not_offered_and_a_call_of_it_is_answered_with_why() -> None:
    world = World(paint(tools=[mix, look]))
    world.models.script["first"] = [tool_call("mix"), answer()]
    world.stop(Target(Stoppable.TOOL, "mix"))
    world.restart()
    sent = world.send()
    requests = [request for _, request in world.models.calls]

    assert (200, [["look"], ["look"]]) == (sent.status, [[t.name for t in r.tools] for r in requests])
    assert {"error": "the tool 'mix' is stopped: answer without it"} == json.loads(requests[1].messages[-1].text)
    assert [] == MIXED


MIXED: list[str] = []


@tool(side_effect=True, honours_keys=True)
def mix(context: ToolContext) -> str:
    """Mix the colour."""
    MIXED.append(context.idempotency_key)
    if len(MIXED) == 1:
        raise Killed
    return "mixed"


@tool
def look(context: ToolContext) -> str:
    """Look at the colour."""
    return "red"


def test_an_effect_that_was_begun_is_finished_although_its_tool_is_stopped() -> None:
    MIXED.clear()
    world = World(paint(tools=[mix]))
    world.models.script["first"] = [tool_call("mix"), tool_call("mix"), answer()]
    with pytest.raises(Killed):
        world.send(key="k")
    world.stop(Target(Stoppable.TOOL, "mix"))
    world.restart()
    world.later(60)

    assert 200 == world.send(key="k").status
    assert (2, 1) == (len(MIXED), len(set(MIXED)))


def test_before_a_callback_is_sent_its_environment_knows_which_hosts_may_be_private() -> None:
    hosts = {"private": ["receiver.internal"], "callbacks": {TENANT: ["receiver.internal"]}}
    world = World(env={"hosts": hosts})
    turn = world.awaiting(callback_url="https://receiver.internal/x")
    version = world.claim(turn)
    world.post(f"/v1/escalations/{turn}/answer", {"version": version, "reply": "Red."}, operator())
    apply(world, {"hosts": hosts})
    known = world.restart()._known_stage
    known.stage, known.read_at = Stage(), None
    world.deliver()

    assert ("receiver.internal",) == known.stage.settings.private_hosts
    assert 1 == len(world.receivers.sent)


def test_health_tells_an_operator_what_is_stopped_but_not_for_other_tenants() -> None:
    world = World()
    for target in (
        Target(Stoppable.AGENT, "paint"),
        Target(Stoppable.CUSTOMER, "carla", TENANT),
        Target(Stoppable.TENANT, "tenant-b"),
        Target(Stoppable.CUSTOMER, "carl", "tenant-b"),
    ):
        world.stop(target)
    world.later(MAX_AGE_S)
    stopped = world.get("/v1/health", operator()).json["stopped"]

    assert [("agent", "paint"), ("customer", "carla")] == [(stop["what"], stop["name"]) for stop in stopped]
    assert stopped[0]["since"].startswith("2026-11-")
