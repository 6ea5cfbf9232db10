"""Sends a turn's outcome, signed, to the URL that the turn named, until it is delivered or given up."""

from datetime import UTC, datetime
from urllib.parse import urlsplit

from turnkeeper.domain.callbacks import Callback, CallbackState, next_try
from turnkeeper.domain.telemetry import Action, Metric
from turnkeeper.domain.turn import Turn
from turnkeeper.errors import DependencyError
from turnkeeper.outside import Outside
from turnkeeper.ports import Op
from turnkeeper.runtime.current_stage import CurrentStage
from turnkeeper.runtime.guard import Guard
from turnkeeper.runtime.views import json_text
from turnkeeper.stores.bundle import Stores

_TIMEOUT_S = 10.0
_MARGIN_S = 20.0
_GONE = 410


class Callbacks:
    """The outbox, its queue, and the delivery of one message."""

    def __init__(self, stores: Stores, outside: Outside, guard: Guard, stage: CurrentStage) -> None:
        self._stage = stage
        self._store, self._turns, self._guard = stores.callbacks, stores.turns, guard
        self._queue, self._dead_letters, self._sender = outside.queue, outside.dead_letters, outside.callbacks
        self._clock, self._telemetry = outside.clock, outside.telemetry

    def ops(self, turn: Turn) -> list[Op]:
        """Return the writes that go with the end of a turn whose client did not get the outcome at once."""
        return self._store.new_ops(turn)

    def announce(self, turn: Turn) -> None:
        """Queue the message of a turn that has just ended; if that fails, the reconciler does it."""
        if turn.callback_url:
            self._enqueue(turn.turn_id)

    def remind(self, turn_id: str) -> None:
        """Queue a message that is overdue."""
        seen = self._store.get(turn_id)
        if (
            seen
            and seen.state is CallbackState.DUE
            and self._store.look_again(seen, self._clock() + _TIMEOUT_S + _MARGIN_S)
        ):
            self._enqueue(turn_id)

    def deliver(self, turn_id: str) -> None:
        """Send one message, unless the receiver has it. If that fails, it is due again, or becomes a dead letter."""
        self._stage.get()  # the sender looks up there which hosts may be private
        seen, turn = self._store.get(turn_id), self._turns.get(turn_id)
        if seen is None or turn is None or seen.state is CallbackState.DELIVERED:
            return
        mine = self._store.begin(seen, self._clock() + _TIMEOUT_S + _MARGIN_S)
        if mine is None:
            return
        began = self._clock()
        error = self._send(mine, turn)
        self._telemetry.action(
            Action.CALLBACK,
            turn_id=turn_id,
            tenant=turn.tenant,
            agent=turn.agent,
            success=error is None,
            duration_ms=round((self._clock() - began) * 1000),
            error_type=error,
        )
        if error is None:
            self._store.end(mine, CallbackState.DELIVERED)
            self._telemetry.count(Metric.CallbacksDelivered)
        else:
            self._again(mine, error)

    def _send(self, mine: Callback, turn: Turn) -> str | None:
        """Return None if the receiver took the message, or else a code for why it did not."""
        dependency = f"callback:{urlsplit(mine.url).hostname}"
        self._guard.refresh(dependency)
        try:
            permit = self._guard.enter(dependency, _TIMEOUT_S)
        except DependencyError as error:
            return error.failure.value
        try:
            status = self._sender.send(
                mine.url,
                tenant=turn.tenant,
                message_id=turn.turn_id,
                timestamp=int(self._clock()),
                body=_body(mine, turn),
                timeout_s=_TIMEOUT_S,
            )
        except DependencyError as error:
            self._guard.failed(permit, error.failure)
            return error.failure.value
        self._guard.answered(permit)
        return None if status // 100 == 2 else str(status)  # noqa: PLR2004 - any success

    def _again(self, mine: Callback, error: str) -> None:
        delay = None if error == str(_GONE) else next_try(mine.tries)
        if delay is not None:
            self._store.look_again(mine, self._clock() + delay)
            return
        try:
            self._dead_letters.send({"turn_id": mine.turn_id})
        except DependencyError:
            return  # it stays due, and is given up the next time
        self._store.end(mine, CallbackState.GIVEN_UP)
        self._telemetry.count(Metric.CallbacksGivenUp)
        self._telemetry.warning("callback given up", turn_id=mine.turn_id, error=error)

    def _enqueue(self, turn_id: str) -> None:
        try:
            self._queue.send({"turn_id": turn_id})
        except DependencyError as error:
            self._telemetry.warning("callback not queued yet", turn_id=turn_id, error=error.failure.value)


def _body(mine: Callback, turn: Turn) -> str:
    at = datetime.fromtimestamp(mine.at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return json_text({"type": f"turn.{turn.outcome['status']}", "timestamp": at, "data": turn.outcome})
