"""Faults of the network and of DynamoDB, played on a real client, and a time that only sleeping moves."""

import json
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

from botocore.exceptions import ReadTimeoutError
from turnkeeper.ports import Json


@dataclass(frozen=True, slots=True)
class Fault:
    """What becomes of one call: `happens` gives the answer it gets, or raises; instead of the call, or after it."""

    happens: Callable[[], Json]
    carried_out: bool = False
    meanwhile: Callable[[], object] = lambda: None


@dataclass
class Faults:
    """The faults of the next calls (None: goes well), those of all further ones, and the calls as they were sent."""

    plan: deque[Fault | None] = field(default_factory=deque)
    always: Fault | None = None
    calls: list[Json] = field(default_factory=list)
    _now: Fault | None = None

    def on_call(self, params: Json, **_: Any) -> tuple[Any, Json] | None:
        """Answer in DynamoDB's place, or let the call through."""
        self.calls.append(json.loads(params["body"]))
        self._now = self.plan.popleft() if self.plan else self.always
        if self._now is None or self._now.carried_out:
            return None
        answer = self._now.happens()
        return SimpleNamespace(status_code=answer["ResponseMetadata"]["HTTPStatusCode"]), answer

    def on_answer(self, **_: Any) -> None:
        """Lose an answer, or let it through."""
        fault, self._now = self._now, None
        if fault is not None and fault.carried_out:
            plan, self.plan = self.plan, deque()
            fault.meanwhile()
            self.plan = plan
            fault.happens()


class Time:
    """A clock that starts at 0 and is moved by sleeping."""

    def __init__(self) -> None:
        self.slept: list[float] = []

    def clock(self) -> float:
        """Tell the time."""
        return sum(self.slept)

    def sleep(self, seconds: float) -> None:
        """Move the time."""
        self.slept.append(seconds)


def raising(error: Exception) -> Fault:
    """Fail the call before it reaches DynamoDB."""

    def happens() -> Json:
        raise error

    return Fault(happens)


def lost(meanwhile: Callable[[], object] = lambda: None) -> Fault:
    """Carry the call out and lose the answer; `meanwhile` somebody else may write."""
    return Fault(
        raising(ReadTimeoutError(endpoint_url="https://dynamodb")).happens, carried_out=True, meanwhile=meanwhile
    )


def answering(code: str, status: int = 400, *, reasons: tuple[str, ...] = ()) -> Fault:
    """Answer with an error; `reasons` are those of a cancelled transaction."""
    answer: Json = {"Error": {"Code": code, "Message": "played"}, "ResponseMetadata": {"HTTPStatusCode": status}}
    if reasons:
        answer["CancellationReasons"] = [{"Code": reason} for reason in reasons]
    return Fault(lambda: answer)


def cancelled(*reasons: str) -> Fault:
    """Cancel a transaction, with a reason for each operation."""
    return answering("TransactionCanceledException", reasons=reasons)
