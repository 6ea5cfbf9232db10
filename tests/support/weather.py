"""Bad weather between a client and DynamoDB: conflicts, throttling and lost answers, each in a share of the calls."""

from dataclasses import dataclass
from random import Random
from types import SimpleNamespace
from typing import Any

from botocore.exceptions import ReadTimeoutError

_WRITES = {"TransactWriteItems", "PutItem", "UpdateItem", "DeleteItem"}


@dataclass(frozen=True, slots=True)
class Weather:
    """Shares (0 to 1) of the calls: transactions in conflict, calls throttled, writes done whose answer is lost."""

    conflicts: float = 0.0
    throttled: float = 0.0
    lost: float = 0.0
    seed: int = 0

    def over(self, client: Any) -> None:
        """Put a client into this weather."""
        if self in (CLEAR, Weather(seed=self.seed)):
            return
        random = Random(self.seed)

        def before(model: Any, params: Any, context: Any, **_: Any) -> Any:
            luck = random.random()
            if model.name == "TransactWriteItems" and luck < self.conflicts:
                operations = params["body"].count(
                    b'"TableName"' if isinstance(params["body"], bytes) else '"TableName"'
                )
                return _answer(
                    "TransactionCanceledException",
                    CancellationReasons=[{"Code": "TransactionConflict"}] + [{"Code": "None"}] * (operations - 1),
                )
            if luck < self.conflicts + self.throttled:
                return _answer("ThrottlingException")
            context["lost"] = model.name in _WRITES and random.random() < self.lost
            return None

        def after(context: Any, **_: Any) -> None:
            if context.get("lost"):
                raise ReadTimeoutError(endpoint_url="https://dynamodb")

        client.meta.events.register("before-call.dynamodb", before)
        client.meta.events.register("after-call.dynamodb", after)


CLEAR = Weather()


def _answer(code: str, **more: Any) -> tuple[Any, dict[str, Any]]:
    error = {"Error": {"Code": code, "Message": "played"}, "ResponseMetadata": {"HTTPStatusCode": 400}}
    return SimpleNamespace(status_code=400), {**error, **more}
