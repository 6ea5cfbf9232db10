"""The handlers of the state machine's tasks and of the schedule: event in, one use case, outcome out.

An event of the state machine is `{"turn_id", "n", "retry_count", "task_token"?}`. Raising is for faults of our own.
"""

from collections.abc import Callable
from typing import Any

from turnkeeper.domain.tier import Tier
from turnkeeper.ports import Json
from turnkeeper.services import Services

Make = Callable[[], Services]
Task = Callable[[Json, Any], Json]
_MARGIN_S = 5.0


def attempt(services: Make, tier: Tier) -> Task:
    """Return the Task of one tier: an attempt, and its outcome."""

    def work(made: Services, event: Json, context: Any) -> Json:
        outcome = made.tiers.attempt(event["turn_id"], event["n"], tier, _remaining(context))
        return {"outcome": outcome.value}

    return _task(services, work)


def route(services: Make) -> Task:
    """Return the Task that says which state comes first."""

    def work(made: Services, event: Json, _: Any) -> Json:
        return {"next": made.tiers.route(event["turn_id"], event["n"])}

    return _task(services, work)


def hand_off(services: Make) -> Task:
    """Return the Task that puts a turn before people, and remembers the token with which they will end it."""

    def work(made: Services, event: Json, _: Any) -> Json:
        made.tiers.hand_off(event["turn_id"], event["n"], event["task_token"], int(event.get("retry_count", 0)))
        return {}

    return _task(services, work)


def conclude(services: Make) -> Task:
    """Return the Task that says how a turn ended."""

    def work(made: Services, event: Json, _: Any) -> Json:
        return {"status": made.tiers.conclude(event["turn_id"], event["n"]).value}

    return _task(services, work)


def reconcile(services: Make) -> Task:
    """Return the handler of the schedule: one pass of the reconciler."""

    def work(made: Services, _: Json, context: Any) -> Json:
        tally = made.reconciler.run(made.clock() + _remaining(context) - _MARGIN_S)
        return {"looked_at": tally.looked_at, "failed": tally.failed}

    return _task(services, work)


def _task(services: Make, work: Callable[[Services, Json, Any], Json]) -> Task:
    def handler(event: Json, context: Any) -> Json:
        made = services()
        try:
            return work(made, event, context)
        finally:
            made.telemetry.flush()

    return handler


def _remaining(context: Any) -> float:
    return float(context.get_remaining_time_in_millis()) / 1000
