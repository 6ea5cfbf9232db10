"""Runs the tools that a model calls: arguments validated, reads tried again, effects journalled."""

import json

from pydantic import BaseModel, ValidationError

from turnkeeper.agent import PersonNeeded, Tool, ToolError, ToolResult
from turnkeeper.domain.answers import error_lines
from turnkeeper.domain.arguments import canonical
from turnkeeper.domain.chat import ToolCall
from turnkeeper.domain.failures import CONSEQUENCES
from turnkeeper.domain.telemetry import Action
from turnkeeper.domain.text import line
from turnkeeper.domain.turns import digest
from turnkeeper.errors import DependencyError, StoreUnavailable, TurnLost
from turnkeeper.ports import Clock, Refused, Telemetry, ToolTransport
from turnkeeper.runtime.guard import Guard
from turnkeeper.runtime.run import Run
from turnkeeper.runtime.tool_calls import MOST_CHARACTERS, Caller, NeedsPerson, ToolUnavailable
from turnkeeper.stores.journal import Journal, Step
from turnkeeper.stores.turns import TurnStore


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
        self._journal, self._turns, self._clock, self._telemetry = journal, turns, clock, telemetry
        self._caller = Caller(guard, transport, clock, telemetry)

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
            raise self._caller.fault(run, tool, error) from error
        if len(text) > MOST_CHARACTERS:
            return _error("the arguments are too large: send less"), None
        began = self._clock()
        if not self._caller.has_time(run):
            raise ToolUnavailable(f"{tool.name}: no time is left of the run")
        try:
            result = (self._effect if tool.side_effect else self._read)(run, tool, arguments, text)
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
                return self._caller.make(run, self._caller.prepare(run, tool, arguments, text))
            except DependencyError as error:
                if not (left and CONSEQUENCES[error.failure].retry and self._caller.has_time(run)):
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
            self._journal.begin(self._turns.begins_effect(run.turn), run.turn, mine)
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
            call = self._caller.prepare(run, tool, arguments, step.arguments)
            try:
                result = self._caller.make(run, call)
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
                    detail = f"{call}: {error.failure.value}; it may have happened"
                    raise NeedsPerson("outcome_unknown", detail) from error
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

    def _log(self, run: Run, tool: Tool, began: float, error: str | None) -> None:
        self._telemetry.action(
            Action.TOOL_CALL,
            **run.about,
            tool=tool.name,
            success=error is None,
            duration_ms=round((self._clock() - began) * 1000),
            error_type=error,
        )


def _error(message: str) -> str:
    return json.dumps({"error": line(message)}, ensure_ascii=False)
