"""What local services share for tests: rules that make calls fail, the list of calls, the paths for both."""

import threading
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import Any

from infra.local.http_service import Delivery, Request, Response

DELIVERIES = {
    "hang": Delivery.HANG,
    "drip": Delivery.DRIP,
    "reset": Delivery.RESET,
    "slow": Delivery.WHOLE,
}
"""Modes in which the work is done, but the answer is late, comes in pieces, or is lost."""

BODIES = {"garbage": b"<html><body>upstream connect error</body></html>", "empty": b""}
"""Modes in which the work is done, but the body of the answer is replaced by this."""

STATUSES = {
    "error": 500,
    "unavailable": 503,
    "rate_limit": 429,
    "no_credit": 402,
    "bad_key": 401,
    "bad_request": 400,
}
"""Modes in which nothing is done, and the answer has this status."""

RETRY_AFTER_S = 1
_SLOW_S = 3.0
_LONGEST_S = 120.0


class FaultError(ValueError):
    """A rule is not valid; the message says what to send instead."""


@dataclass(frozen=True, slots=True)
class Rule:
    """Plays `mode` for each name that matches the glob `model`, `times` times (None: always)."""

    model: str
    mode: str
    times: int | None = None
    seconds: float = _SLOW_S


class Faults:
    """The rules in force: the first that matches wins."""

    def __init__(self, modes: Collection[str]) -> None:
        self._modes = frozenset(modes)
        self._rules: list[Rule] = []
        self._lock = threading.Lock()

    def put(self, data: Any) -> None:
        """Replace the rules; raises FaultError that says what is wrong."""
        if not isinstance(data, list):
            raise FaultError('send a JSON list of rules such as {"model": "gpt-*", "mode": "error", "times": 1}')
        rules = [self._rule(entry) for entry in data]
        with self._lock:
            self._rules = rules

    def rules(self) -> list[dict[str, Any]]:
        """Return the rules that still apply, as JSON data."""
        with self._lock:
            return [{"model": r.model, "mode": r.mode, "times": r.times, "seconds": r.seconds} for r in self._rules]

    def take(self, name: str, *, skip: Collection[str] = ()) -> Rule | None:
        """Return the rule to play for a name, and count it."""
        with self._lock:
            for at, rule in enumerate(self._rules):
                if rule.mode not in skip and fnmatchcase(name, rule.model):
                    if rule.times is not None:
                        left = replace(rule, times=rule.times - 1)
                        self._rules[at : at + 1] = [left] if left.times else []
                    return rule
        return None

    def _rule(self, entry: Any) -> Rule:
        if not isinstance(entry, dict) or not {"model", "mode"} <= entry.keys() <= {
            "model",
            "mode",
            "times",
            "seconds",
        }:
            raise FaultError(f"a rule has model and mode, and may have times and seconds; this has not: {entry!r}")
        model, mode, times = entry["model"], entry["mode"], entry.get("times")
        seconds = entry.get("seconds", _SLOW_S)
        if not isinstance(model, str):
            raise FaultError(f"model is a glob such as gpt-*; this is not: {model!r}")
        if not isinstance(mode, str) or mode not in self._modes:
            raise FaultError(f"mode is one of {', '.join(sorted(self._modes))}; this is not: {mode!r}")
        if times is not None and (type(times) is not int or times < 1):
            raise FaultError(f"times is a number from 1, or null for ever; this is not: {times!r}")
        if type(seconds) not in (int, float) or not 0 <= seconds <= _LONGEST_S:
            raise FaultError(f"seconds is a number from 0 to {_LONGEST_S:.0f}; this is not: {seconds!r}")
        return Rule(model, mode, times, float(seconds))


class Calls:
    """Every call that was received, in order."""

    def __init__(self) -> None:
        self._calls: list[Mapping[str, Any]] = []
        self._lock = threading.Lock()

    def add(self, model: str, mode: str, **more: Any) -> None:
        """Remember a call, and the mode that it was answered in: "ok" where no rule wanted another."""
        call = {"model": model, "mode": mode, **more, "at": time.time()}
        with self._lock:
            self._calls.append(call)

    def list(self) -> list[Mapping[str, Any]]:
        """Return them all."""
        with self._lock:
            return [*self._calls]

    def clear(self) -> None:
        """Forget them all."""
        with self._lock:
            self._calls.clear()


def control(request: Request, faults: Faults, calls: Calls) -> Response | None:
    """Answer what concerns faults and calls; None for any other path."""
    match request.method, request.path:
        case "PUT", "/_faults":
            try:
                faults.put(request.json())
            except ValueError as error:
                return Response.of_json(400, {"error": str(error)})
        case "DELETE", "/_faults":
            faults.put([])
        case "DELETE", "/_calls":
            calls.clear()
        case "GET", "/_faults" | "/_calls":
            pass
        case _:
            return None
    return Response.of_json(200, faults.rules() if request.path == "/_faults" else calls.list())


def delivered(response: Response, rule: Rule | None) -> Response:
    """Return an answer as a rule of DELIVERIES or BODIES wants it delivered."""
    if rule is None:
        return response
    if rule.mode in BODIES:
        return replace(response, body=BODIES[rule.mode], headers={"Content-Type": "text/html"})
    if rule.mode in DELIVERIES:
        return response.by(DELIVERIES[rule.mode], after_s=rule.seconds if rule.mode == "slow" else 0.0)
    return response
