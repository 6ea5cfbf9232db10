"""Runs the tools that a model calls: arguments validated, effects journalled, each dependency behind its breaker."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol

from pydantic import BaseModel, ValidationError

from turnkeeper.agent import Dependency, PersonNeeded, Tool, ToolContext, ToolError, ToolHttp, ToolResult
from turnkeeper.domain.answers import error_lines
from turnkeeper.domain.arguments import canonical
from turnkeeper.domain.failures import CONSEQUENCES
from turnkeeper.domain.text import line, storable
from turnkeeper.domain.turns import digest
from turnkeeper.errors import DependencyError, StoreUnavailable, TurnLost
from turnkeeper.ports import Clock, Refused, ToolCall
from turnkeeper.runtime.guard import Guard, Permit
from turnkeeper.runtime.run import Run
from turnkeeper.runtime.telemetry import Telemetry
from turnkeeper.stores.journal import Journal, Step
from turnkeeper.stores.turns import TurnStore

_SETTLE_MARGIN = 1.0
_SHORTEST_CALL = 0.5
"""Seconds: an effect with less than this left would only be begun to end in an unknown outcome."""

_MOST_CHARACTERS = 50_000
"""Of a call's arguments, and of its result: more is too dear for a model, and both fit into one item of the journal."""


class NeedsPerson(Exception):  # noqa: N818 - it is a decision, not a fault
    """Only a person may go on; `reason` is a stable code, `detail` is for that person."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason, self.detail = reason, detail


class ToolUnavailable(Exception):  # noqa: N818
    """A tool failed before it changed anything, so this attempt cannot be finished."""


class CallHttp(ToolHttp, Protocol):
    """The HTTP of one tool call, which knows whether it may have changed something."""

    @property
    def posted(self) -> bool:
        """Whether a POST of this call may have reached the service."""


class ToolTransport(Protocol):
    """Makes the HTTP client of one tool call, and bounds its time."""

    def http(self, dependency: Dependency | None, *, timeout_s: float, idempotency_key: str) -> CallHttp:
        """Return a client for the dependency's own host only."""

    def within(self, seconds: float, call: Callable[[], Any]) -> Any:
        """Run a call, or raise DependencyError(TIMEOUT) after `seconds`, whatever it waits for."""


@dataclass(frozen=True, slots=True)
class _Call:
    """One call of a tool: its validated arguments, the same as canonical text, and what it may use."""

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
        """Whether it surely changed nothing so far: all that a tool with a dependency changes, it changes by POST."""
        return not self.tool.side_effect or (self.tool.dependency is not None and not self.http.posted)


class ToolRunner:
    """Runs tool calls for runs."""

    def __init__(
        self,
        *,
        journal: Journal,
        turns: TurnStore,
        guard: Guard,
        transport: ToolTransport,
        clock: Clock,
        telemetry: Telemetry,
    ) -> None:
        self._journal, self._turns, self._guard, self._transport = journal, turns, guard, transport
        self._clock, self._telemetry = clock, telemetry

    def run(self, run: Run, call: ToolCall) -> tuple[str, ToolResult | None]:
        """Run one call: (JSON text for the model, the result where there is one).

        Raises NeedsPerson where an effect's outcome is unknown or would contradict an earlier one, ToolUnavailable
        where a dependency failed.
        """
        tool = run.agent.tool(call.name)
        if tool is None:
            return _error(f"there is no tool {call.name!r}"), None
        try:
            arguments = tool.arguments.model_validate_json(call.arguments or "{}")
            text = canonical(arguments)
        except ValidationError as error:
            return _error("; ".join(error_lines(error))), None
        except Exception as error:
            raise self._fault(run, tool, error) from error
        if len(text) > _MOST_CHARACTERS:
            return _error("the arguments are too large: send less"), None
        began = self._clock()
        if not self._has_time(run):
            raise ToolUnavailable(f"{tool.name}: no time is left of the run")
        try:
            result = (
                self._effect(run, tool, arguments, text) if tool.side_effect else self._read(run, tool, arguments, text)
            )
        except ToolError as error:
            self._log(run, tool, began, "tool_error")
            return _error(str(error)), None
        except PersonNeeded as need:
            self._log(run, tool, began, "person_needed")
            raise NeedsPerson("person_needed", f"{tool.name}({text}): {need}") from need
        except DependencyError as error:
            self._log(run, tool, began, error.failure.value)
            raise ToolUnavailable(f"{tool.name}: {error.failure.value}") from error
        self._log(run, tool, began, None)
        return result, ToolResult(tool.name, arguments.model_dump(mode="json"), json.loads(result))

    def _read(self, run: Run, tool: Tool, arguments: BaseModel, text: str) -> str:
        """Call a tool that changes nothing: again where its service broke, as often as the tool allows."""
        for left in range(tool.retries, -1, -1):
            try:
                return self._make(run, self._call(run, tool, arguments, text))
            except DependencyError as error:
                if not (left and CONSEQUENCES[error.failure].retry and self._has_time(run)):
                    raise
        raise AssertionError

    # --- effects ------------------------------------------------------------------------------------------------------

    def _effect(self, run: Run, tool: Tool, arguments: BaseModel, text: str) -> str:
        mine = Step(tool.name, digest(tool.name, text), text, "STARTED", run.turn.epoch)
        known = next((s for s in run.steps if (s.tool, s.digest) == (mine.tool, mine.digest)), None)
        if known and known.st == "DONE":
            return known.result
        if known and known.st == "STARTED" and not tool.honours_keys:
            raise NeedsPerson("outcome_unknown", f"{tool.name}({text}) was begun, and its outcome is not known")
        if any(s.epoch != run.turn.epoch and s.digest != mine.digest and s.st != "NOT_DONE" for s in run.steps):
            raise NeedsPerson("conflicting_effect", f"{tool.name}({text}) differs from what was done before")
        try:
            self._journal.begin(self._turns.owned(run.turn), run.turn, mine)
        except Refused as refusal:
            raise TurnLost(run.turn.turn_id) from refusal
        run.steps.append(mine)
        return self._perform(run, tool, arguments, mine, begun_before=known is not None and known.st == "STARTED")

    def _perform(self, run: Run, tool: Tool, arguments: BaseModel, step: Step, *, begun_before: bool) -> str:
        """Call a tool until its effect is known; `begun_before` by a run that died, under the same key.

        A refusal tells of the call before it only where that is over, and where the service itself refused: one that
        honours keys would have answered with what it did. After a timeout the call before may be going on still.
        """
        may_have_happened, timed_out = begun_before, False
        for last in (False, True):
            call = self._call(run, tool, arguments, step.arguments)
            try:
                result = self._make(run, call)
            except (ToolError, PersonNeeded, ToolUnavailable) as error:
                refused = isinstance(error, ToolError) and call.http.posted and not timed_out
                if may_have_happened and not refused:  # it speaks for this call, and not for the one before
                    detail = f"{call}: {error}; an earlier call of it may have happened"
                    raise NeedsPerson("outcome_unknown", detail) from error
                self._settle(run, step, "NOT_DONE", "")
                raise
            except DependencyError as error:
                if not error.sent and not may_have_happened:
                    self._settle(run, step, "NOT_DONE", "")
                    raise
                may_have_happened = timed_out = True
                if last or not tool.honours_keys:
                    raise NeedsPerson(
                        "outcome_unknown", f"{call}: {error.failure.value}; it may have happened"
                    ) from error
            else:
                self._settle(run, step, "DONE", result)
                return result
        raise AssertionError

    def _settle(self, run: Run, step: Step, st: str, result: str) -> None:
        run.steps = [s for s in run.steps if s.digest != step.digest]
        run.steps.append(Step(step.tool, step.digest, step.arguments, st, step.epoch, result))
        try:
            self._journal.end(run.turn, step, result) if st == "DONE" else self._journal.forget(run.turn, step)
        except StoreUnavailable:
            # The effect is known here and not in the journal: should this run die, a key or a person resolves it.
            self._telemetry.warning("effect not journalled", **run.about, tool=step.tool)

    # --- one call -----------------------------------------------------------------------------------------------------

    def _call(self, run: Run, tool: Tool, arguments: BaseModel, text: str) -> _Call:
        timeout = min(tool.timeout_s, run.deadline - self._clock() - _SETTLE_MARGIN)
        key = digest(run.turn.turn_id, tool.name, digest(tool.name, text) if tool.side_effect else text)
        http = self._transport.http(tool.dependency, timeout_s=timeout, idempotency_key=key)
        return _Call(tool, arguments, text, key, timeout, http)

    def _make(self, run: Run, call: _Call) -> str:
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
            self._left(permit, error)
            raise
        except (ToolError, PersonNeeded):
            self._left(permit, None)
            raise
        except Exception as error:
            self._left(permit, None)
            fault = self._fault(run, tool, error)
            if call.changed_nothing:
                raise fault from error
            raise NeedsPerson("outcome_unknown", str(fault)) from error
        self._left(permit, None)
        return str(result)

    def _fault(self, run: Run, tool: Tool, error: Exception) -> ToolUnavailable:
        """Report what a tool's own code raised; its text stays out, for it may repeat what a customer wrote."""
        self._telemetry.warning("a tool raised", **run.about, tool=tool.name, error=type(error).__name__)
        return ToolUnavailable(f"{tool.name} raised {type(error).__name__}")

    def _has_time(self, run: Run) -> bool:
        return run.deadline - self._clock() >= _SETTLE_MARGIN + _SHORTEST_CALL

    def _left(self, permit: Permit | None, error: DependencyError | None) -> None:
        if permit:
            self._guard.failed(permit, error.failure) if error else self._guard.answered(permit)

    def _log(self, run: Run, tool: Tool, began: float, error: str | None) -> None:
        self._telemetry.action(
            "tool_call",
            **run.about,
            tool=tool.name,
            success=error is None,
            duration_ms=round((self._clock() - began) * 1000),
            error_type=error,
        )


def _result(tool: Tool, result: Any) -> str:
    text = storable(json.dumps(result, ensure_ascii=False, separators=(",", ":")))
    if len(text) <= _MOST_CHARACTERS:
        return text
    if tool.side_effect:
        return json.dumps({"done": True, "result_begins": text[:_MOST_CHARACTERS]}, ensure_ascii=False)
    raise ToolError("the result is too large: ask for less")


def _error(message: str) -> str:
    return json.dumps({"error": line(message)}, ensure_ascii=False)
