"""Makes one call of a tool, behind its service's breaker and within its timeout, and knows if it changed anything."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any

from pydantic import BaseModel

from turnkeeper.agent import Dependency, PersonNeeded, Tool, ToolContext, ToolError
from turnkeeper.domain.failures import CONSEQUENCES
from turnkeeper.domain.finite import finite
from turnkeeper.domain.ids import digest
from turnkeeper.domain.reasons import Reason
from turnkeeper.domain.text import storable
from turnkeeper.errors import DependencyError
from turnkeeper.outside import Outside
from turnkeeper.ports import CallHttp
from turnkeeper.runtime.guard import Guard, Permit
from turnkeeper.runtime.owner import Owner
from turnkeeper.runtime.run import Run
from turnkeeper.stores.rates import ToolRates

_SETTLE_MARGIN_S = 1.0
"""Seconds of the run that no call may use, because its end has to be written."""

_SHORTEST_CALL_S = 0.5
"""With fewer seconds left, no call is begun: an effect's outcome would stay unknown."""

MOST_CHARACTERS = 50_000
"""The most characters of a call's arguments, and of its result: more would cost too much as a model's input."""


class NeedsPerson(Exception):  # noqa: N818 - it is a decision, not a fault
    """Only a person may decide what happens next; `detail` is for that person."""

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason, self.detail = reason, detail


class ToolUnavailable(Exception):  # noqa: N818
    """A tool failed before it changed anything: this attempt cannot be finished, and another one may be made."""


@dataclass(frozen=True, slots=True)
class PreparedCall:
    """One call of a tool, ready to be made; `text` is the arguments in canonical form, `key` the idempotency key."""

    tool: Tool
    arguments: BaseModel
    text: str
    key: str
    timeout_s: float
    http: CallHttp

    def __str__(self) -> str:
        """The call as a person reads it."""
        return f"{self.tool.name}({self.text})"

    @property
    def changed_nothing(self) -> bool:
        """Whether the call surely changed nothing so far: a tool with a dependency changes things only by HTTP."""
        return not self.tool.side_effect or (self.tool.dependency is not None and not self.http.changed)


class ToolCaller:
    """Makes calls of tools."""

    def __init__(self, rates: ToolRates, outside: Outside, guard: Guard, owner: Owner) -> None:
        self._transport, self._clock, self._telemetry = outside.tools, outside.clock, outside.telemetry
        self._rates, self._guard, self._owner = rates, guard, owner

    def has_time(self, run: Run) -> bool:
        """Whether enough of the run is left to begin a call now."""
        return run.deadline - self._clock() >= _SETTLE_MARGIN_S + _SHORTEST_CALL_S

    def prepare(self, run: Run, tool: Tool, arguments: BaseModel, text: str) -> PreparedCall:
        """Prepare a call; `text` is its arguments in canonical form."""
        timeout = min(tool.timeout_s, run.deadline - self._clock() - _SETTLE_MARGIN_S)
        key = digest(run.turn.turn_id, tool.name, digest(tool.name, text) if tool.side_effect else text)
        admits = partial(self._admits, tool.dependency)
        http = self._transport.http(tool.dependency, timeout_s=timeout, idempotency_key=key, admits=admits)
        return PreparedCall(tool, arguments, text, key, timeout, http)

    def make(self, run: Run, call: PreparedCall) -> str:
        """Make a call, and return its result as JSON text.

        Raises DependencyError, and what the tool raises on purpose (ToolError, PersonNeeded). If the tool's own code
        fails, raises ToolUnavailable if nothing was changed, and NeedsPerson otherwise.
        """
        tool = call.tool
        permit = self._guard.enter(f"tool:{tool.dependency.name}", call.timeout_s) if tool.dependency else None
        context = ToolContext(
            tenant=run.turn.tenant,
            customer_id=run.turn.customer,
            turn_id=run.turn.turn_id,
            idempotency_key=call.key,
            http=call.http,
            now=datetime.fromtimestamp(self._clock(), UTC),
        )
        try:
            result: str = self._transport.within(
                call.timeout_s, lambda: _result(tool, tool.run(context, call.arguments))
            )
        except DependencyError as error:
            if permit:
                self._guard.failed(permit, error.failure, error.retry_after_s)
            if CONSEQUENCES[error.failure].alert_owner:
                self._owner.warn(f"{tool.name}: {error}", run.about)
            raise
        except (ToolError, PersonNeeded):
            self._report(permit, call)
            raise
        except Exception as error:
            self._report(permit, call)
            fault = self.fault(run, tool, error)
            if call.changed_nothing:
                raise fault from error
            raise NeedsPerson(Reason.OUTCOME_UNKNOWN, str(fault)) from error
        self._report(permit, call)
        return result

    def _admits(self, dependency: Dependency | None) -> bool:
        """Count a request to a dependency, if it has a limit of its own."""
        if dependency is None or dependency.per_minute is None:
            return True
        return self._rates.admits(dependency.name, dependency.per_minute)

    def fault(self, run: Run, tool: Tool, error: Exception) -> ToolUnavailable:
        """Log that a tool's own code raised `error`, without its text, which may quote the customer."""
        self._telemetry.warning("a tool raised", **run.about, tool=tool.name, error=type(error).__name__)
        return ToolUnavailable(f"{tool.name} raised {type(error).__name__}")

    def _report(self, permit: Permit | None, call: PreparedCall) -> None:
        """Report to the breaker; a call that the service did not answer says nothing about the service."""
        if permit:
            self._guard.answered(permit) if call.http.answered else self._guard.release(permit)


def _result(tool: Tool, result: Any) -> str:
    """Write a result as JSON text. NaN becomes null: what was done must stay known, whatever its result holds."""
    text = storable(json.dumps(finite(result), ensure_ascii=False, allow_nan=False, separators=(",", ":")))
    if len(text) <= MOST_CHARACTERS:
        return text
    if tool.side_effect:
        return json.dumps({"done": True, "result_begins": text[:MOST_CHARACTERS]}, ensure_ascii=False)
    raise ToolError("the result is too large: ask for less")
