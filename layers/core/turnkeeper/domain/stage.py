"""What a stage decides while it runs: its settings, one version after the other, and what is stopped in it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Protocol, TypeVar

from turnkeeper.domain.callbacks import CallbackHosts
from turnkeeper.domain.money import Price
from turnkeeper.domain.rate_limit import ModelRate, RateLimit
from turnkeeper.domain.spend import Limits

FORMAT = 1
"""The format of the settings that this code reads and writes; a higher one is of newer code."""

MAX_AGE_S = 30
"""Seconds for which an environment uses a stage's settings before it reads them again."""

IN_FORCE_S = 60
"""Seconds after which a change surely holds for every new turn: `MAX_AGE_S`, and the longest run."""


class Stoppable(StrEnum):
    """What can be stopped."""

    EVERYTHING = "everything"
    TENANT = "tenant"
    AGENT = "agent"
    CUSTOMER = "customer"
    MODEL = "model"
    TOOL = "tool"


@dataclass(frozen=True, slots=True)
class Target:
    """What is stopped: `name` is empty for everything, and `tenant` for all but a customer.

    `what` is a `Stoppable`, or a word of newer code: this code keeps such a stop, and it stops nothing here.
    """

    what: str
    name: str = ""
    tenant: str = ""

    def __str__(self) -> str:
        """The target as a person reads it."""
        return f"{self.what} {self.name}".rstrip()


@dataclass(frozen=True, slots=True)
class Stop:
    """A target that is stopped, by whom, since when (seconds since the epoch), and why."""

    target: Target
    by: str
    at: float
    reason: str = ""


@dataclass(frozen=True, slots=True)
class EndpointSettings:
    """Where a stage asks an endpoint's models, with which secret, and in which wire; empty: as in the code."""

    url: str = ""
    secret: str = ""
    wire: str = ""


_LIMITS = Limits(task_micro_usd=500_000, customer_day_micro_usd=5_000_000)
_RATE = RateLimit(per_minute=60, burst=20)
_NO_HOSTS = CallbackHosts()
_NOTHING: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True)
class StageSettings:
    """The settings of a stage, with the defaults of a stack that has none.

    `model_rates` and `prices` are by model id, `endpoints` and `dependency_urls` by name. Hosts in `private_hosts` may
    have private addresses. `first` names, by agent, the models of its chains that are asked before the others.
    """

    limits: Limits = _LIMITS
    rate: RateLimit = _RATE
    model_rates: Mapping[str, ModelRate] = field(default_factory=lambda: _NOTHING)
    prices: Mapping[str, Price] = field(default_factory=lambda: _NOTHING)
    endpoints: Mapping[str, EndpointSettings] = field(default_factory=lambda: _NOTHING)
    dependency_urls: Mapping[str, str] = field(default_factory=lambda: _NOTHING)
    callback_hosts: CallbackHosts = _NO_HOSTS
    private_hosts: tuple[str, ...] = ()
    first: Mapping[str, Sequence[str]] = field(default_factory=lambda: _NOTHING)


_USUAL = StageSettings()


class HasId(Protocol):
    """A model of a chain."""

    @property
    def id(self) -> str:
        """provider:name."""


M = TypeVar("M", bound=HasId)


@dataclass(frozen=True)
class Stage:
    """A stage as one run sees it, from its beginning to its end; `version` is 0 where nothing was ever applied."""

    settings: StageSettings = _USUAL
    stops: tuple[Stop, ...] = ()
    version: int = 0

    def stop_of(self, tenant: str, customer: str, agent: str) -> Stop | None:
        """Return the stop that refuses a new turn, or None."""
        targets = {
            Target(Stoppable.EVERYTHING),
            Target(Stoppable.TENANT, tenant),
            Target(Stoppable.AGENT, agent),
            Target(Stoppable.CUSTOMER, customer, tenant),
        }
        return next((stop for stop in self.stops if stop.target in targets), None)

    def stops_model(self, model: str) -> bool:
        """Whether no call of a model is begun."""
        return self._stops(Target(Stoppable.MODEL, model))

    def stops_tool(self, tool: str) -> bool:
        """Whether no call of a tool is begun."""
        return self._stops(Target(Stoppable.TOOL, tool))

    def _stops(self, target: Target) -> bool:
        return any(stop.target == target for stop in self.stops)

    def chain(self, agent: str, chain: Sequence[M]) -> list[M]:
        """Return an agent's chain as this stage asks it: without stopped models, and in the stage's order."""
        order = {model: place for place, model in enumerate(self.settings.first.get(agent, ()))}
        left = [model for model in chain if not self.stops_model(model.id)]
        return sorted(left, key=lambda model: order.get(model.id, len(order)))


@dataclass(frozen=True, slots=True)
class StageVersion:
    """One version of a stage, as it is kept: who made it, when (seconds since the epoch), and what changed.

    `settings` is the JSON text of the stage's file, in `format`; it becomes `StageSettings` through
    `settings_from_json`. `fault` says why the item itself could not be read; then nothing else of it counts.
    """

    version: int = 0
    settings: str = "{}"
    stops: tuple[Stop, ...] = ()
    by: str = ""
    at: float = 0.0
    changes: tuple[str, ...] = ()
    format: int = FORMAT
    fault: str = ""

    @property
    def is_newer_than_the_code(self) -> bool:
        """Whether newer code wrote it, in a format that this code does not know."""
        return self.format > FORMAT

    def with_settings(self, settings: str, changes: Sequence[str], *, by: str, at: float) -> "StageVersion":
        """Return the version that follows, with other settings; what is stopped stays stopped."""
        return replace(
            self,
            version=self.version + 1,
            settings=settings,
            by=by,
            at=at,
            changes=tuple(changes),
            format=FORMAT,
            fault="",
        )

    def stopping(self, target: Target, *, reason: str, by: str, at: float) -> "StageVersion":
        """Return the version that follows, in which a target is stopped; the same one if it is stopped already."""
        if any(stop.target == target for stop in self.stops):
            return self
        stops = (*self.stops, Stop(target, by, at, reason))
        return replace(self, version=self.version + 1, stops=stops, by=by, at=at, changes=(f"stop {target}",), fault="")

    def resuming(self, target: Target, *, by: str, at: float) -> "StageVersion":
        """Return the version that follows, in which a target is not stopped; the same one if it is not."""
        stops = tuple(stop for stop in self.stops if stop.target != target)
        if stops == self.stops:
            return self
        return replace(
            self, version=self.version + 1, stops=stops, by=by, at=at, changes=(f"resume {target}",), fault=""
        )
