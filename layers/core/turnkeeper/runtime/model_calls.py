"""One call of one model: breaker, reservation, deadline, the call itself, and its settlement."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from turnkeeper.agent import Model
from turnkeeper.domain.chat import Finish, ModelReply, ModelRequest
from turnkeeper.domain.failures import CONSEQUENCES, Billed, Failure
from turnkeeper.domain.money import Price, format_usd
from turnkeeper.domain.retry_budget import RetryBudget
from turnkeeper.domain.spend import utc_day
from turnkeeper.domain.telemetry import Action
from turnkeeper.domain.turns import Tier
from turnkeeper.errors import DependencyError, TurnkeeperError, UnpricedModel
from turnkeeper.ports import Clock, ModelClient, Telemetry
from turnkeeper.runtime.guard import Guard, Permit
from turnkeeper.runtime.owner import Owner
from turnkeeper.runtime.run import Run
from turnkeeper.stores.rates import ModelRates
from turnkeeper.stores.reservations import Reservation, Settlement
from turnkeeper.stores.reserve import TENANT_PARTS
from turnkeeper.stores.spend import SpendStore
from turnkeeper.stores.turns import TurnStore

_OVERHEAD_TOKENS = 1_024
"""What a provider may add to a request by itself: its framing of messages, and its own prompt for tools and schemas."""

_MESSAGE_TOKENS = 16
_SETTLE_MARGIN = 1.0
"""Seconds kept back from every call, to write down how it ended."""

_FAIR_SHARE = 0.25
"""Of a model's own limit: a timeout after less than that does not count against its breaker."""

_LONGEST_PAUSE_S = 0.25
"""Seconds before a retry at most, at random, so that environments that failed together do not come back together."""

_SHORTEST_CALL = 0.5
"""Seconds: with less than this left, a model is not asked only to count as one that timed out."""


def input_bound(request: ModelRequest) -> int:
    """Return a number of tokens that the request cannot exceed: a token is at least one byte of what was sent."""
    sent = [request.system, *(m.text for m in request.messages)]
    sent += [c.arguments + c.name + c.id for m in request.messages for c in m.tool_calls]
    sent += [json.dumps([t.name, t.description, dict(t.schema)]) for t in request.tools]
    sent.append(json.dumps(request.schema and dict(request.schema)))
    return sum(len(s.encode()) for s in sent) + _MESSAGE_TOKENS * len(request.messages) + _OVERHEAD_TOKENS


def usual_tokens(request: ModelRequest) -> int:
    """Return what a provider counts against its limit before a call: a quarter of the bytes, and the answer."""
    return input_bound(request) // 4 + request.max_output_tokens


@dataclass(frozen=True, slots=True)
class _Ended:
    """How a call ended, for the ledger and the log."""

    run: Run
    model: Model
    began: float
    failure: Failure | None = None
    cost: int = 0
    reply: ModelReply | None = None


class ModelCalls:
    """Calls models for runs."""

    def __init__(
        self,
        *,
        clients: Callable[[str], ModelClient],
        prices: Mapping[str, Price],
        spend: SpendStore,
        turns: TurnStore,
        guard: Guard,
        rates: ModelRates,
        owner: Owner,
        clock: Clock,
        random: Callable[[], float],
        sleep: Callable[[float], None],
        telemetry: Telemetry,
    ) -> None:
        self._clients, self._prices, self._spend, self._turns = clients, prices, spend, turns
        self._guard, self._rates, self._owner, self._clock, self._random = guard, rates, owner, clock, random
        self._sleep, self._telemetry = sleep, telemetry
        self._retries = RetryBudget()

    def call(self, run: Run, model: Model, request: ModelRequest, *, limit: Callable[[float], float]) -> ModelReply:
        """Call a model; retry once at most, where the failure allows it and the budget has a retry left.

        `limit` turns the seconds left of the run into the seconds this call may take. Raises DependencyError,
        LimitExceeded, RateLimited, TurnLost, StoreUnavailable or UnpricedModel.
        """
        if run.tier is Tier.FIRST_ATTEMPT and not run.calls:
            self._retries.earn()
        try:
            return self._call(run, model, request, limit)
        except DependencyError as error:
            if not CONSEQUENCES[error.failure].retry or not self._retries.spend():
                raise
        self._sleep(self._random() * _LONGEST_PAUSE_S)
        return self._call(run, model, request, limit)

    def _call(self, run: Run, model: Model, request: ModelRequest, limit: Callable[[float], float]) -> ModelReply:
        began = self._clock()
        timeout = limit(run.deadline - began - _SETTLE_MARGIN)
        try:
            permit = self._enter(model, timeout)
        except DependencyError as error:
            self._note(_Ended(run, model, began, error.failure))
            raise
        ended = _Ended(run, model, began)
        try:
            reservation = self._reserve(run, model, request)
            # What the writes took is no longer there for the call.
            left = min(timeout, permit.until - self._clock(), run.deadline - self._clock() - _SETTLE_MARGIN)
            held_back = self._held_back(model, request, left)
        except TurnkeeperError:
            self._guard.cancelled(permit)
            raise
        if held_back:
            self._guard.cancelled(permit)
            self._failed(replace(ended, failure=held_back.failure), reservation, held_back)
            raise held_back
        try:
            reply = self._ask(model, request, left)
        except DependencyError as error:
            if error.failure is Failure.TIMEOUT and left < model.max_latency_s * _FAIR_SHARE:
                self._guard.cancelled(permit)  # it says nothing of the model that others had used the run's time up
            else:
                self._guard.failed(permit, error.failure, error.retry_after_s)
            self._failed(replace(ended, failure=error.failure), reservation, error)
            raise
        self._guard.answered(permit)
        self._answered(replace(ended, reply=reply), reservation)
        return reply

    def _ask(self, model: Model, request: ModelRequest, timeout_s: float) -> ModelReply:
        try:
            return self._clients(model.provider).complete(replace(request, model=model.name), timeout_s=timeout_s)
        except TurnkeeperError:
            raise
        except Exception as error:
            self._telemetry.warning("a provider's client failed", model=model.id, error=type(error).__name__)
            raise DependencyError(Failure.GARBAGE, type(error).__name__) from error

    def _enter(self, model: Model, timeout: float) -> Permit:
        if timeout < _SHORTEST_CALL:
            raise DependencyError(Failure.TIMEOUT, "no time is left of the run", sent=False)
        return self._guard.enter(model.id, timeout)

    def _held_back(self, model: Model, request: ModelRequest, left: float) -> DependencyError | None:
        """Say why a reserved call must not be made after all.

        The model's rate is counted only now: a turn that is refused for money must not use up what others may call.
        """
        if left < _SHORTEST_CALL:
            return DependencyError(Failure.TIMEOUT, "no time is left of the run", sent=False)
        if not self._rates.admits(model.id, lambda: usual_tokens(request)):
            return DependencyError(Failure.THROTTLED_HERE, "our own rate limit for the model", sent=False)
        return None

    # --- money --------------------------------------------------------------------------------------------------------

    def refuse_hopeless(self, run: Run, model: Model, request: ModelRequest) -> None:
        """Raise LimitExceeded or UnpricedModel where a run's first call would be refused; nothing is held for it."""
        reservation = self._reservation(run, model, request)
        self._spend.refuse_hopeless(run.turn, self._turns.owned(run.turn), reservation, run.limits)

    def _reserve(self, run: Run, model: Model, request: ModelRequest) -> Reservation:
        self.flush(run)
        turn, reservation = run.turn, self._reservation(run, model, request)
        held = self._spend.reserve(turn, self._turns.owned(turn), reservation, run.limits, run.rate)
        run.accepted, run.rate = True, None
        run.alerts += held.alerts
        return held.reservation

    def _reservation(self, run: Run, model: Model, request: ModelRequest) -> Reservation:
        turn = run.turn
        part = int(self._random() * TENANT_PARTS) if run.limits.tenant_day is not None else -1
        return Reservation(
            rid=run.next_reservation(),
            turn_id=turn.turn_id,
            tenant=turn.tenant,
            customer=turn.customer,
            task=turn.task,
            day=utc_day(self._clock()),
            est=self._worst_case(model, request),
            exp=run.lease.swept_at,
            epoch=turn.epoch,
            model=model.id,
            tier=run.tier.value,
            part=part,
        )

    def _worst_case(self, model: Model, request: ModelRequest) -> int:
        return self._price(model).worst_case(input_tokens=input_bound(request), output_tokens=request.max_output_tokens)

    def _price(self, model: Model) -> Price:
        price = self._prices.get(model.id)
        if price is None:
            raise UnpricedModel(f"{model.id} has no price: the owner sets one with ModelPrices")
        return price

    def flush(self, run: Run) -> None:
        """Post the cost that the run still holds, in a write of its own."""
        if run.held:
            held, run.held = run.held, None
            self._spend.settle(held)

    def _answered(self, ended: _Ended, reservation: Reservation) -> None:
        run, usage = ended.run, ended.reply.usage if ended.reply else None
        actual = reservation.est
        if usage is None:
            if ended.reply and ended.reply.finish is not Finish.CONTENT_FILTER:
                self._owner.warn(f"{ended.model.id} reported no usable usage", run.about)
        else:
            actual = self._price(ended.model).cost(
                input_tokens=usage.input_tokens,
                output_tokens=usage.output_tokens,
                cache_read=usage.cache_read_tokens,
                cache_write=usage.cache_write_tokens,
            )
            run.input_tokens += usage.input_tokens
            run.output_tokens += usage.output_tokens
        if actual > reservation.est:
            self._owner.warn(f"{ended.model.id} billed more than its worst case", run.about)
        note = self._note(replace(ended, cost=actual))
        run.cost += actual
        run.held = Settlement(reservation, actual, note)

    def _failed(self, ended: _Ended, reservation: Reservation, error: DependencyError) -> None:
        row = CONSEQUENCES[error.failure]
        billed = row.billed is Billed.MAYBE and error.sent
        cost = reservation.est if billed else 0
        note = self._note(replace(ended, cost=cost))
        if row.alert_owner:
            self._owner.warn(f"{ended.model.id}: {error}", ended.run.about)
        if billed:
            ended.run.cost += cost
            self._spend.guess(reservation, note)
        else:
            self._spend.void(reservation, note)

    def _note(self, ended: _Ended) -> dict[str, Any]:
        usage = ended.reply.usage if ended.reply else None
        note: dict[str, Any] = {
            "model": ended.model.id,
            "error": ended.failure.value if ended.failure else "",
            "duration_ms": round((self._clock() - ended.began) * 1000),
            "tokens_in": usage.input_tokens if usage else 0,
            "tokens_out": usage.output_tokens if usage else 0,
        }
        ended.run.calls.append({**note, "cost_usd": format_usd(ended.cost)})
        self._telemetry.action(
            Action.MODEL_CALL,
            **ended.run.about,
            model=ended.model.id,
            success=ended.failure is None,
            duration_ms=note["duration_ms"],
            cost_usd=format_usd(ended.cost),
            tokens_in=note["tokens_in"],
            tokens_out=note["tokens_out"],
            error_type=note["error"] or None,
        )
        return note
