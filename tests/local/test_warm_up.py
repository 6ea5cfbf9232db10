"""`make up` calls each function once in a way that changes nothing, and fails where one cannot answer."""

import json
from typing import Any

import pytest
from turnkeeper.adapters.memory import MemoryTable
from turnkeeper.api import tasks
from turnkeeper.api.deliveries import deliver_callbacks
from turnkeeper.domain.tier import FUNCTIONS as TIERS
from turnkeeper.domain.tier import Tier
from turnkeeper.errors import NotConcluded

from infra.local.warm_up import EVENTS, REFUSALS, ROUTES, fault_in_log, fault_of_answer, fault_of_invocation
from tests.support.world import Context, World
from tests.template.source import FUNCTIONS, api_events

HANDLERS = {
    "Route": tasks.route,
    "HandOffToHuman": tasks.hand_off,
    "Conclude": tasks.conclude,
    "Reconcile": tasks.reconcile,
    "DeliverCallbacks": deliver_callbacks,
}


def test_every_function_of_the_template_is_called() -> None:
    assert [name.removesuffix("Function") for name in FUNCTIONS] == sorted([*ROUTES, *EVENTS])


def test_every_function_of_the_api_is_called_by_its_own_route() -> None:
    own = {(name.removesuffix("Function"), event["Path"]) for name, event in api_events() if event["Method"] == "GET"}
    called = {(name, path.replace("/none", "/{turn_id}")) for name, (path, _) in ROUTES.items()}

    assert called <= own


@pytest.mark.parametrize("function", EVENTS)
def test_an_event_changes_nothing_and_is_answered(function: str) -> None:
    world = World()
    tier = {"".join(p.capitalize() for p in TIERS[t].split("_")): t for t in Tier if t in TIERS}.get(function)
    make: Any = HANDLERS[function] if function in HANDLERS else lambda made: tasks.attempt(made, tier or Tier.HUMAN)
    handler = make(lambda: world.services)

    if function in REFUSALS:
        with pytest.raises(NotConcluded) as caught:
            handler(EVENTS[function], Context())
        payload = json.dumps({"errorType": "Runtime.HandlerError", "errorMessage": str(caught.value)})
        assert "" == fault_of_invocation(function, "Unhandled", payload)
    else:
        assert "failed" not in str(handler(EVENTS[function], Context())).replace("'failed': 0", "")
    assert isinstance(world.table, MemoryTable)
    assert ({}, [], []) == (world.table._items, world.models.calls, world.topics.published)


@pytest.mark.parametrize(
    ("payload", "told"),
    [
        (
            '{"errorMessage": "No module named \'requests\'", "errorType": "Runtime.ImportModuleError"}',
            "Runtime.ImportModuleError: No module named 'requests'",
        ),
        ('{"errorMessage": "two\\nlines"}', "two lines"),
        ("null", "Unhandled"),
        ("no JSON", "Unhandled"),
    ],
)
def test_an_invocation_that_failed_is_told_in_one_line(payload: str, told: str) -> None:
    assert told == fault_of_invocation("Route", "Unhandled", payload)


def test_an_invocation_that_was_answered_is_no_fault() -> None:
    assert "" == fault_of_invocation("Route", "", '{"next": "Conclude"}')


def test_another_fault_than_the_refusal_of_a_function_is_a_fault() -> None:
    assert "TABLE_NAME" in fault_of_invocation("Conclude", "Unhandled", '{"errorMessage": "TABLE_NAME is missing"}')
    assert "none-1" == fault_of_invocation("Route", "Unhandled", '{"errorMessage": "none-1"}')


@pytest.mark.parametrize("status", [200, 202, 401, 404])
def test_what_the_api_refuses_is_answered(status: int) -> None:
    assert "" == fault_of_answer(status, "")


RUNTIME = {"errorMessage": "No module named 'requests'", "errorType": "Runtime.ImportModuleError"}
PROBLEM = {"title": "A fault of ours", "status": 500, "detail": "the fault was logged"}


@pytest.mark.parametrize(
    ("status", "body", "told"),
    [
        (
            502,
            json.dumps({"message": json.dumps(RUNTIME)}),
            "502 Runtime.ImportModuleError: No module named 'requests'",
        ),
        (502, '{"message": "Internal server error"}', "502 Internal server error"),
        (500, json.dumps(PROBLEM), "500 A fault of ours: the fault was logged"),
        (503, "", "503"),
        (0, "timed out", "timed out"),
    ],
)
def test_an_answer_that_is_none_is_told_in_one_line(status: int, body: str, told: str) -> None:
    assert told == fault_of_answer(status, body)


def test_the_last_error_of_a_log_is_told_by_the_last_line_of_its_traceback() -> None:
    lines = [
        "START RequestId: 1",
        json.dumps({"level": "ERROR", "message": "an older one"}),
        json.dumps(
            {"level": "ERROR", "message": "failed", "exception": "Traceback:\n  File x\nKeyError: 'TABLE_NAME'\n"}
        ),
        json.dumps({"level": "INFO", "message": "agent_action"}),
    ]

    assert "KeyError: 'TABLE_NAME'" == fault_in_log(lines)
    assert "an older one" == fault_in_log(lines[:2])
    assert "" == fault_in_log(["START RequestId: 1", "3"])
