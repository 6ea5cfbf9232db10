"""One call of one model: breaker, reservation, deadline, the call itself, and its settlement."""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace

from turnkeeper.agent import AgentError, Model
from turnkeeper.domain.attempt import CallReport
from turnkeeper.domain.billing import bill
from turnkeeper.domain.chat import Finish, ModelReply, ModelRequest
from turnkeeper.domain.door import admitted
from turnkeeper.domain.failures import CONSEQUENCES, Billed, Failure
from turnkeeper.domain.money import Price, format_usd
from turnkeeper.domain.reservation import NO_SHARD, Reservation
from turnkeeper.domain.retry_budget import RetryBudget
from turnkeeper.domain.schemas import longest_bytes
from turnkeeper.domain.spend import utc_day
from turnkeeper.domain.telemetry import Action
from turnkeeper.domain.tier import Tier
from turnkeeper.errors import DependencyError, TurnkeeperError, UnpricedModel
from turnkeeper.outside import Outside
from turnkeeper.runtime.guard import Guard, Permit
from turnkeeper.runtime.owner import Owner
from turnkeeper.runtime.run import Run
from turnkeeper.runtime.run_money import ModelCost
from turnkeeper.stores.counters import SHARDS
from turnkeeper.stores.rates import ModelRates

_OVERHEAD_TOKENS = 1_024
"""What a provider may add to a request by itself: its framing of messages, and its own prompt for tools and schemas."""

_MESSAGE_TOKENS = 16
_SETTLE_MARGIN_S = 1.0
"""Seconds of the run that no call may use, because its end has to be written."""

_FAIR_SHARE = 0.25
"""A timeout counts against a model's breaker only if the model had this part of its own latency limit."""

_LONGEST_PAUSE_S = 0.25
"""The most seconds before a retry, chosen at random: environments that failed together must not retry together."""

_SHORTEST_CALL_S = 0.5
"""With fewer seconds left, the call is skipped: it could only time out and be blamed on the model."""


def input_bound(request: ModelRequest) -> int:
    """Return the most tokens that the request can have: every token stands for at least one byte of what is sent."""
    sent = [request.system, *(m.text + m.note for m in request.messages)]
    sent += [c.arguments + c.name + c.id for m in request.messages for c in m.tool_calls]
    sent += [json.dumps(m.native.content) for m in request.messages if m.native]
    sent += [json.dumps([t.name, t.description]) for t in request.tools]
    schemas = [t.schema for t in request.tools] + ([request.schema] if request.schema else [])
    size = sum(len(s.encode()) for s in sent) + sum(map(longest_bytes, schemas))
    return size + _MESSAGE_TOKENS * len(request.messages) + _OVERHEAD_TOKENS


def usual_tokens(request: ModelRequest) -> int:
    """Estimate the tokens that a provider counts against its rate limit: a quarter of the bytes, and a full answer."""
    return input_bound(request) // 4 + request.max_output_tokens


@dataclass(frozen=True, slots=True)
class _EndedCall:
    """How a call ended, for the ledger and the log."""

    run: Run
    model: Model
    began: float
    failure: Failure | None = None
    cost_micro_usd: int = 0
    reply: ModelReply | None = None
    why: str = ""


class ModelCalls:
    """Calls models for runs."""

    def __init__(self, outside: Outside, rates: ModelRates, guard: Guard, owner: Owner) -> None:
        self._clients, self._prices, self._telemetry = outside.models, outside.prices, outside.telemetry
        self._clock, self._random, self._sleep = outside.clock, outside.random, outside.sleep
        self._rates, self._guard, self._owner = rates, guard, owner
        self._retries = RetryBudget()

    def call(self, run: Run, model: Model, request: ModelRequest, *, limit: Callable[[float], float]) -> ModelReply:
        """Call a model, and once more if the failure allows it and the retry budget has one left.

        `limit` is given the seconds left of the run, and returns the seconds that this call may take. Raises
        DependencyError, LimitExceeded, RateLimited, TurnLost, StoreUnavailable or UnpricedModel.
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
        timeout = limit(run.deadline - began - _SETTLE_MARGIN_S)
        try:
            permit = self._enter(model, timeout)
        except DependencyError as error:
            self._report(_EndedCall(run, model, began, error.failure))
            raise
        ended = _EndedCall(run, model, began)
        try:
            reservation = run.money.reserve(self._cost(run, model, request))
            # Measured again, because the writes took some of the time.
            left = min(timeout, permit.until - self._clock(), run.deadline - self._clock() - _SETTLE_MARGIN_S)
            obstacle = self._obstacle(run, model, request, left)
        except TurnkeeperError:
            self._guard.release(permit)
            raise
        if obstacle:
            self._guard.release(permit)
            self._failed(replace(ended, failure=obstacle.failure), reservation, obstacle)
            raise obstacle
        try:
            reply = self._ask(run, model, request, left)
        except DependencyError as error:
            if error.failure is Failure.TIMEOUT and left < model.max_latency_s * _FAIR_SHARE:
                self._guard.release(permit)  # earlier calls used up the run's time: the model is not to blame
            else:
                self._blame(run, permit, error)
            self._failed(replace(ended, failure=error.failure), reservation, error)
            raise
        self._guard.answered(permit)
        self._answered(ended, reply, reservation)
        return reply

    def _blame(self, run: Run, permit: Permit, error: DependencyError) -> None:
        """Report a failure to the model's breaker; if that opened because the model is gone, the owner is told once."""
        moved = self._guard.failed(permit, error.failure, error.retry_after_s, error.said)
        if moved and moved.is_told:
            self._owner.warn(f"{permit.dependency}: {error}", run.about)
            run.gone.append(moved)

    def _ask(self, run: Run, model: Model, request: ModelRequest, timeout_s: float) -> ModelReply:
        try:
            client = self._clients(model.asked_at.in_stage(run.stage.settings))
        except AgentError as error:  # the stage gives the endpoint a URL or a wire that it cannot have
            raise DependencyError(Failure.BAD_REQUEST, str(error), sent=False) from error
        try:
            reply = client.complete(request, timeout_s=timeout_s)
            return admitted(reply, model.id, request.messages, has_tools=bool(request.tools))
        except TurnkeeperError:
            raise
        except Exception as error:
            self._telemetry.warning("a provider's client failed", model=model.id, error=type(error).__name__)
            raise DependencyError(Failure.GARBAGE, type(error).__name__) from error

    def _enter(self, model: Model, timeout: float) -> Permit:
        if timeout < _SHORTEST_CALL_S:
            raise DependencyError(Failure.TIMEOUT, "no time is left of the run", sent=False)
        return self._guard.enter(model.id, timeout)

    def _obstacle(self, run: Run, model: Model, request: ModelRequest, left: float) -> DependencyError | None:
        """Return why a reserved call must not be made after all, or None.

        The model's rate is counted only here, after the reservation: a turn that is refused for money must not use up
        the rate of others.
        """
        if left < _SHORTEST_CALL_S:
            return DependencyError(Failure.TIMEOUT, "no time is left of the run", sent=False)
        if not self._rates.admits(run.stage.settings.model_rates, model.id, lambda: usual_tokens(request)):
            return DependencyError(Failure.THROTTLED_HERE, "our own rate limit for the model", sent=False)
        return None

    # --- money --------------------------------------------------------------------------------------------------------

    def refuse_hopeless(self, run: Run, model: Model, request: ModelRequest) -> None:
        """Raise LimitExceeded or UnpricedModel if a run's first call would; nothing is reserved."""
        run.money.refuse_hopeless(self._cost(run, model, request))

    def _cost(self, run: Run, model: Model, request: ModelRequest) -> ModelCost:
        price, limits = self._served_price(run, model), run.money.limits
        return ModelCost(
            model=model.id,
            day=utc_day(self._clock()),
            worst_case_micro_usd=price.worst_case(
                input_tokens=input_bound(request), output_tokens=request.max_output_tokens
            ),
            tenant_shard=self._shard(limits.tenant_day_micro_usd),
            stack_shard=self._shard(limits.stack_day_micro_usd),
        )

    def _shard(self, limit: int | None) -> int:
        return NO_SHARD if limit is None else int(self._random() * SHARDS)

    def _price(self, run: Run, model_id: str) -> Price | None:
        return run.stage.settings.prices.get(model_id) or self._prices.get(model_id)

    def _served_price(self, run: Run, model: Model) -> Price:
        """Return the price of a model in the service tier that is asked for."""
        price = self._price(run, model.id)
        if price is None:
            raise UnpricedModel(f"{model.id} has no price: the owner sets one in the stage's file, under [prices]")
        served = price.served(model.service_tier)
        if served is None:
            where = f'[prices."{model.id}".service_tiers.{model.service_tier}]'
            raise UnpricedModel(f"{model.id} has no price in that service tier: the owner sets one under {where}")
        return served

    def _answered(self, ended: _EndedCall, reply: ModelReply, reservation: Reservation) -> None:
        run, model, endpoint = ended.run, ended.model, ended.model.asked_at
        billed = bill(
            model.name,
            reply,
            lambda name: self._price(run, f"{endpoint.name}:{name}"),
            renames_models=endpoint.renames_models,
        )
        actual = reservation.reserved_micro_usd if billed.cost_micro_usd is None else billed.cost_micro_usd
        if reply.usage:
            run.input_tokens += reply.usage.input_tokens
            run.output_tokens += reply.usage.output_tokens
        elif reply.finish is not Finish.CONTENT_FILTER:
            self._owner.warn(f"{model.id} reported no usable usage", run.about)
        if billed.warning:
            self._owner.warn(f"{model.id}: {billed.warning}", run.about)
        if actual > reservation.reserved_micro_usd:
            self._owner.warn(f"{model.id} billed more than its worst case", run.about)
        run.money.answered(reservation, self._report(replace(ended, reply=reply, cost_micro_usd=actual)))

    def _failed(self, ended: _EndedCall, reservation: Reservation, error: DependencyError) -> None:
        row = CONSEQUENCES[error.failure]
        may_be_billed = error.charged or (row.billed is Billed.MAYBE and error.sent)
        cost = reservation.reserved_micro_usd if may_be_billed else 0
        report = self._report(replace(ended, cost_micro_usd=cost, why=error.said))
        if row.alert_owner and not row.rest_s:
            self._owner.warn(f"{ended.model.id}: {error}", ended.run.about)
        money = ended.run.money
        money.may_be_billed(reservation, report) if may_be_billed else money.not_billed(reservation, report)

    def _report(self, ended: _EndedCall) -> CallReport:
        """Log how a call ended, add it to the run's calls, and return it for the ledger."""
        usage = ended.reply.usage if ended.reply else None
        report = CallReport(
            model=ended.model.id,
            error=ended.failure.value if ended.failure else "",
            duration_ms=round((self._clock() - ended.began) * 1000),
            tokens_in=usage.input_tokens if usage else 0,
            tokens_out=usage.output_tokens if usage else 0,
            cost_micro_usd=ended.cost_micro_usd,
            why=ended.why or (ended.reply.why if ended.reply else ""),
        )
        ended.run.calls.append(report)
        self._telemetry.action(
            Action.MODEL_CALL,
            **ended.run.about,
            model=report.model,
            success=ended.failure is None,
            duration_ms=report.duration_ms,
            cost_usd=format_usd(report.cost_micro_usd),
            tokens_in=report.tokens_in,
            tokens_out=report.tokens_out,
            error_type=report.error or None,
        )
        return report
