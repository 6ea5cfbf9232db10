"""Items and records: what the attributes of each record are called in the table, and how an item is read.

During a deployment two versions of the code share the table, and its items outlive many releases. That is why the
names below never change their meaning, and items change only by these rules:

1. A release may add an attribute. Readers give it a default, for the items that older code wrote.
2. An attribute that is no longer written is still read until no item can have it any more (the longest retention).
3. Neither an attribute's type nor its unit changes: another type or unit is another attribute.
4. A new value of an enumeration (a state, say) is read by one release before the next one writes it.
5. Key formats never change in place: a new format is a new item beside the old one.

Attributes that every turn pays for have short names: `st` is a state, `fp` a fingerprint.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields
from typing import Any, Generic, TypeVar

from turnkeeper.domain.attempt import Attempt, CallReport, Outcome
from turnkeeper.domain.breaker import Breaker, State
from turnkeeper.domain.callbacks import Callback, CallbackState
from turnkeeper.domain.conversation import Conversation, Exchange
from turnkeeper.domain.effect import Effect, EffectState
from turnkeeper.domain.escalation import Escalation, EscalationState
from turnkeeper.domain.money import format_usd, micro_usd
from turnkeeper.domain.reservation import Reservation, ReservationState
from turnkeeper.domain.spend import Counter, Override
from turnkeeper.domain.stage import StageVersion, Stop, Target
from turnkeeper.domain.tier import Tier
from turnkeeper.domain.turn import Turn, TurnState
from turnkeeper.ports import Item

R = TypeVar("R")


class Codec(Generic[R]):
    """Reads and writes one kind of record.

    `names` are the attributes that have another name in the item; `read` converts those that are not plain values.
    """

    def __init__(
        self,
        record: type[R],
        names: Mapping[str, str] | None = None,
        read: Mapping[str, Callable[[Any], Any]] | None = None,
    ) -> None:
        own, readers = names or {}, read or {}
        attributes = [f.name for f in fields(record)]  # type: ignore[arg-type]
        self._record = record
        self._fields = [(name, own.get(name, name), readers.get(name)) for name in attributes]

    def read(self, item: Item) -> R:
        """Read an item: unknown attributes are ignored, and missing ones get the record's default."""
        values = {}
        for name, kept, reader in self._fields:
            if kept in item:
                value = item[kept]
                values[name] = reader(value) if reader else value
        return self._record(**values)

    def write(self, record: R, *, without: Iterable[str] = ()) -> Item:
        """Return a record's attributes under the names that they have in the item."""
        return {kept: getattr(record, name) for name, kept, _ in self._fields if name not in without}


def _reports(kept: Iterable[Mapping[str, Any]]) -> tuple[CallReport, ...]:
    return tuple(
        CallReport(
            model=call["model"],
            error=call["error"],
            duration_ms=int(call["duration_ms"]),
            tokens_in=int(call["tokens_in"]),
            tokens_out=int(call["tokens_out"]),
            cost_micro_usd=micro_usd(call["cost_usd"]),
            why=call.get("why", ""),
        )
        for call in kept
    )


def report_item(report: CallReport) -> Item:
    """Return the attributes that say how a call ended, as its reservation keeps them."""
    return {
        "model": report.model,
        "error": report.error,
        "duration_ms": report.duration_ms,
        "tokens_in": report.tokens_in,
        "tokens_out": report.tokens_out,
        **({"why": report.why} if report.why else {}),
    }


def attempt_item(attempt: Attempt) -> Item:
    """Return an attempt as it is kept: the costs of its calls in dollars, as the API shows them."""
    calls = [{**report_item(call), "cost_usd": format_usd(call.cost_micro_usd)} for call in attempt.calls]
    return {**ATTEMPT.write(attempt), "calls": calls, "errors": list(attempt.errors)}


TURN = Codec(
    Turn,
    {
        "state": "st",
        "request_fingerprint": "fp",
        "effects_begun": "effects",
        "kept_until": "ttl",
    },
    {"state": TurnState},
)

ESCALATION = Codec(
    Escalation,
    {
        "state": "st",
        "execution_number": "n",
        "claim_version": "ver",
        "task_token": "tok",
        "token_order": "tok_seq",
        "pages_confirmed": "paged",
    },
    {"state": EscalationState},
)

RESERVATION = Codec(
    Reservation,
    {
        "reservation_id": "rid",
        "reserved_micro_usd": "est",
        "actual_micro_usd": "actual",
        "sweep_at": "exp",
        "state": "st",
        "is_guess": "guessed",
        "corrected_at": "corrected",
        "tenant_shard": "part",
        "stack_shard": "stack_part",
        "counts_in_month": "month",
        "reserved_at": "at",
    },
    {"state": ReservationState},
)

EFFECT = Codec(Effect, {"arguments_digest": "digest", "state": "st"}, {"state": EffectState})

ATTEMPT = Codec(Attempt, read={"tier": Tier, "outcome": Outcome, "calls": _reports})

CALLBACK = Codec(Callback, {"state": "st"}, {"state": CallbackState})

CONVERSATION = Codec(Conversation)

EXCHANGE = Codec(Exchange)

BREAKER = Codec(
    Breaker,
    {"state": "st", "generation": "gen", "probe_until": "lease_until", "times_reopened": "reopened"},
    {"state": State, "open_until": float, "probe_until": float},
)

OVERRIDE = Codec(
    Override,
    {
        "task_micro_usd": "task",
        "customer_day_micro_usd": "customer_day",
        "customer_month_micro_usd": "customer_month",
    },
)

COUNTER = Codec(Counter, {"committed_micro_usd": "committed", "posted_micro_usd": "posted"})


def _stops(kept: Iterable[Mapping[str, Any]]) -> tuple[Stop, ...]:
    """Read what is stopped, also of a kind that only newer code knows: it is written back as it was."""
    return tuple(
        Stop(
            Target(stop["what"], stop.get("name", ""), stop.get("tenant", "")),
            by=stop.get("by", ""),
            at=float(stop.get("at", 0)),
            reason=stop.get("reason", ""),
        )
        for stop in kept
    )


def stage_item(version: StageVersion) -> Item:
    """Return a version of the stage as an item."""
    stops = [
        {
            "what": stop.target.what,
            "name": stop.target.name,
            "tenant": stop.target.tenant,
            "by": stop.by,
            "at": stop.at,
            "reason": stop.reason,
        }
        for stop in version.stops
    ]
    return STAGE.write(version, without=["fault"]) | {"stops": stops, "changes": list(version.changes)}


STAGE = Codec(StageVersion, read={"stops": _stops, "changes": tuple, "at": float, "version": int, "format": int})
