"""Runs the tools that a model calls: validates arguments, retries reads, journals effects."""

import json
from dataclasses import replace

from pydantic import BaseModel

from turnkeeper.agent import PersonNeeded, Tool, ToolError, ToolResult
from turnkeeper.domain.arguments import canonical, read_arguments
from turnkeeper.domain.chat import ToolCall
from turnkeeper.domain.effect import Course, Effect, EffectState, course_of
from turnkeeper.domain.failures import CONSEQUENCES, Failure
from turnkeeper.domain.ids import digest
from turnkeeper.domain.reasons import Reason
from turnkeeper.domain.telemetry import Action
from turnkeeper.domain.text import line
from turnkeeper.errors import DependencyError, StoreUnavailable, TurnLost
from turnkeeper.outside import Outside
from turnkeeper.ports import Refused
from turnkeeper.runtime.guard import Guard
from turnkeeper.runtime.owner import Owner
from turnkeeper.runtime.run import Run
from turnkeeper.runtime.tool_calls import MOST_CHARACTERS, NeedsPerson, ToolCaller, ToolUnavailable
from turnkeeper.stores.bundle import Stores

_TOLD = {Failure.GARBAGE, Failure.TIMEOUT, Failure.THROTTLED_HERE}
"""Failures that a model is told of where nothing was changed: it can ask for less, or go on without the result."""


class ToolRunner:
    """Runs tool calls for runs."""

    def __init__(self, stores: Stores, outside: Outside, guard: Guard, owner: Owner) -> None:
        self._journal, self._turns = stores.journal, stores.turns
        self._clock, self._telemetry = outside.clock, outside.telemetry
        self._caller = ToolCaller(stores.tool_rates, outside, guard, owner)

    def run(self, run: Run, call: ToolCall) -> tuple[str, ToolResult | None]:
        """Run one call. Returns JSON text for the model, and the result; the result is None if the text is an error.

        Raises NeedsPerson if the outcome of an effect is unknown or an earlier effect conflicts with it,
        ToolUnavailable if a dependency failed in a way that no model can mend or no time is left, and TurnLost.
        """
        tool = run.agent.tool(call.name)
        if tool is None or not run.may_use(tool.name):
            why = "is stopped: answer without it" if tool else "does not exist"
            return _error(f"the tool {call.name!r} {why}"), None
        try:
            arguments = read_arguments(call.arguments or "{}", tool.arguments)
            if isinstance(arguments, list):
                return _error("; ".join(arguments)), None
            text = canonical(arguments)
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
            self._log(run, tool, began, Reason.PERSON_NEEDED)
            raise NeedsPerson(Reason.PERSON_NEEDED, f"{tool.name}({text}): {need}") from need
        except DependencyError as error:
            self._log(run, tool, began, error.failure.value)
            if error.failure in _TOLD:  # it changed nothing: an effect of unknown outcome is a person's by now
                return _error(error.detail or error.failure.value), None
            raise ToolUnavailable(f"{tool.name}: {error.failure.value}") from error
        self._log(run, tool, began, None)
        return result, ToolResult(tool.name, arguments.model_dump(mode="json"), json.loads(result))

    def _read(self, run: Run, tool: Tool, arguments: BaseModel, text: str) -> str:
        """Call a tool that changes nothing; if its service fails, try again as often as the tool allows."""
        for left in range(tool.retries, -1, -1):
            try:
                return self._caller.make(run, self._caller.prepare(run, tool, arguments, text))
            except DependencyError as error:
                if not (left and CONSEQUENCES[error.failure].retry and self._caller.has_time(run)):
                    raise
        raise AssertionError

    # --- effects ------------------------------------------------------------------------------------------------------

    def _effect(self, run: Run, tool: Tool, arguments: BaseModel, text: str) -> str:
        wanted = Effect(tool.name, digest(tool.name, text), text, EffectState.STARTED, run.turn.epoch)
        course, known = course_of(wanted, run.effects, honours_keys=tool.honours_keys)
        if course is Course.KNOWN and known:
            return known.result
        if course is Course.UNKNOWN_OUTCOME:
            raise NeedsPerson(Reason.OUTCOME_UNKNOWN, f"{tool.name}({text}) was begun, and its outcome is not known")
        if course is Course.CONFLICT:
            raise NeedsPerson(Reason.CONFLICTING_EFFECT, f"{tool.name}({text}) differs from what was done before")
        try:
            self._journal.begin(self._turns.begins_effect(run.turn), run.turn, wanted)
        except Refused as refusal:
            raise TurnLost(run.turn.turn_id) from refusal
        run.effects.append(wanted)
        return self._perform(run, tool, arguments, wanted, begun_before=course is Course.REPEAT)

    def _perform(self, run: Run, tool: Tool, arguments: BaseModel, effect: Effect, *, begun_before: bool) -> str:
        """Call a tool until its effect is known; `begun_before` if a run that died called it with the same key.

        If an earlier call may have had its effect, a refusal of this one proves that it had none only if two things
        hold. The service itself must have refused: as it honours keys, it would have answered with what it did. And
        the earlier call must be over, which is not known after a timeout.
        """
        may_have_happened, timed_out = begun_before, False
        for last in (False, True):
            call = self._caller.prepare(run, tool, arguments, effect.arguments)
            try:
                result = self._caller.make(run, call)
            except (ToolError, PersonNeeded, ToolUnavailable) as error:
                refused = isinstance(error, ToolError) and call.http.changed and not timed_out
                if may_have_happened and not refused:  # the error is about this call, and not about the earlier one
                    detail = f"{call}: {error}; an earlier call of it may have happened"
                    raise NeedsPerson(Reason.OUTCOME_UNKNOWN, detail) from error
                self._settle(run, replace(effect, state=EffectState.NOT_DONE))
                raise
            except DependencyError as error:
                if not error.sent and not may_have_happened:
                    self._settle(run, replace(effect, state=EffectState.NOT_DONE))
                    raise
                may_have_happened = timed_out = True
                if last or not tool.honours_keys:
                    detail = f"{call}: {error.failure.value}; it may have happened"
                    raise NeedsPerson(Reason.OUTCOME_UNKNOWN, detail) from error
            else:
                self._settle(run, replace(effect, state=EffectState.DONE, result=result))
                return result
        raise AssertionError

    def _settle(self, run: Run, effect: Effect) -> None:
        others = [e for e in run.effects if e.arguments_digest != effect.arguments_digest]
        run.effects = [*others, effect]
        try:
            if effect.is_done:
                self._journal.done(run.turn, effect, effect.result)
            else:
                self._journal.not_done(run.turn, effect)
        except StoreUnavailable:
            # This run knows the effect, and the journal does not. If the run dies, the next one repeats the call with
            # its key, or a person decides.
            self._telemetry.warning("effect not journalled", **run.about, tool=effect.tool)

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
