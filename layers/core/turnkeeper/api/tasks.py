"""The handlers of the state machine's tasks and of the schedule: event in, one use case, outcome out.

An event of the state machine is `{"turn_id", "n", "retry_count", "task_token"?}`. Raising is for faults of our own.
"""

from collections.abc import Callable
from typing import Any

from turnkeeper.bootstrap import Services, services
from turnkeeper.domain.turns import Tier
from turnkeeper.ports import Json

Task = Callable[[Json, Any], Json]
_MARGIN_S = 5.0


def _task(work: Callable[[Services, Json, Any], Json]) -> Task:
    def handler(event: Json, context: Any) -> Json:
        made = services()
        try:
            return work(made, event, context)
        finally:
            made.telemetry.flush()

    return handler


def _attempt(tier: Tier) -> Task:
    def work(made: Services, event: Json, context: Any) -> Json:
        outcome = made.tiers.attempt(event["turn_id"], event["n"], tier, _remaining(context))
        return {"outcome": outcome.value}

    return _task(work)


def _route(made: Services, event: Json, _: Any) -> Json:
    return {"next": made.tiers.route(event["turn_id"], event["n"])}


def _hand_off(made: Services, event: Json, _: Any) -> Json:
    made.tiers.hand_off(event["turn_id"], event["n"], event["task_token"], int(event.get("retry_count", 0)))
    return {}


def _conclude(made: Services, event: Json, _: Any) -> Json:
    return {"status": made.tiers.conclude(event["turn_id"], event["n"]).value}


def _reconcile(made: Services, _: Json, context: Any) -> Json:
    tally = made.reconciler.run(made.clock() + _remaining(context) - _MARGIN_S)
    return {"looked_at": tally.looked_at, "failed": tally.failed}


def _remaining(context: Any) -> float:
    return float(context.get_remaining_time_in_millis()) / 1000


route = _task(_route)
first_attempt = _attempt(Tier.FIRST_ATTEMPT)
retry_with_correction = _attempt(Tier.CORRECTED_RETRY)
alternative_path = _attempt(Tier.ALTERNATIVE_PATH)
hand_off_to_human = _task(_hand_off)
conclude = _task(_conclude)
reconcile = _task(_reconcile)
