"""The health of a deployment: what cannot be called, what is stopped, what waits for a person, and who is notified."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Annotated

from pydantic import Field
from typing_extensions import TypedDict

from turnkeeper.domain.breaker import State
from turnkeeper.domain.escalation import Listed
from turnkeeper.domain.stage import Stop, Stoppable
from turnkeeper.errors import BrokenAgent, DependencyError
from turnkeeper.outside import Outside
from turnkeeper.ports import Subscriptions
from turnkeeper.runtime.current_stage import CurrentStage
from turnkeeper.runtime.operators import Operator, Operators
from turnkeeper.runtime.views import BreakerStatus, BreakerView, Moment, Seconds
from turnkeeper.stores.breakers import BreakerStore
from turnkeeper.stores.bundle import Stores

PAGED = ("on_call", "second_level")
"""The topics to which pages go."""

CHANNELS = (*PAGED, "owner")
"""All topics; a topic's breaker is called `notify:` and its name."""


class BacklogView(TypedDict):
    """What waits for a person; `more` when there are more than were counted."""

    open: int
    more: bool
    oldest_s: Seconds


class SubscriptionsView(TypedDict):
    """A topic's subscriptions: those that receive, and those that nobody confirmed."""

    confirmed: int
    unconfirmed: int


class BrokenAgentView(TypedDict):
    """An agent that cannot be loaded, and why: turns for it are refused."""

    agent: str
    fault: Annotated[str, Field(examples=["ModuleNotFoundError at agents/booking.py:3"])]


class StoppedView(TypedDict):
    """Something that was stopped, since when, and why; `name` is empty for everything."""

    what: Stoppable
    name: str
    since: Moment
    reason: str


class HealthView(TypedDict):
    """The health of a deployment; null where the notifier could not be asked."""

    stopped: list[StoppedView]
    broken_agents: list[BrokenAgentView]
    breakers: list[BreakerView]
    backlog: BacklogView
    unconfirmed_subscriptions: int | None
    subscriptions: dict[str, SubscriptionsView] | None


class Health:
    """Gathers the health of a deployment."""

    def __init__(
        self, stores: Stores, outside: Outside, operators: Operators, stage: CurrentStage, topics: Mapping[str, str]
    ) -> None:
        self._stores, self._outside, self._clock = stores, outside, outside.clock
        self._operators, self._stage, self._topics = operators, stage, topics

    def of(self, who: Operator) -> HealthView:
        """Gather it for an operator: what is stopped for other tenants and their customers is left out."""
        names, broken = list[str](), list[BrokenAgentView]()
        for name in self._outside.agent_names():
            try:
                names += self._outside.agents(name).dependencies
            except BrokenAgent as error:
                broken.append({"agent": name, "fault": error.fault})
        names += [f"notify:{name}" for name in CHANNELS]
        waiting, more = self._operators.page(who, Listed.OPEN, None)
        now = self._clock()
        subscriptions = self._subscriptions()
        return {
            "stopped": [_stopped(stop) for stop in self._stage.get().stops if _concerns(stop, who.tenant)],
            "broken_agents": broken,
            "breakers": breaker_views(self._stores.breakers, list(dict.fromkeys(names))),
            "backlog": {
                "open": len(waiting),
                "more": more is not None,
                "oldest_s": round(now - waiting[0].opened_at) if waiting else 0,
            },
            "unconfirmed_subscriptions": self._unconfirmed(subscriptions),
            "subscriptions": _subscriptions_view(subscriptions),
        }

    def _subscriptions(self) -> dict[str, Subscriptions] | None:
        """Count the subscriptions of each topic; None if SNS cannot be reached."""
        try:
            found = {
                topic: self._outside.notifier.subscriptions(topic) for topic in set(self._topics.values()) if topic
            }
        except DependencyError:
            return None
        return {name: found.get(topic, Subscriptions()) for name, topic in self._topics.items()}

    def _unconfirmed(self, subscriptions: Mapping[str, Subscriptions] | None) -> int | None:
        """Count the unconfirmed subscriptions of the topics to which pages go."""
        if subscriptions is None:
            return None
        paged = {self._topics[name]: subscriptions[name].unconfirmed for name in PAGED}
        return sum(paged.values())


def breaker_views(breakers: BreakerStore, names: Sequence[str]) -> list[BreakerView]:
    """Read the breakers of dependencies, as the API shows them."""
    return [
        {
            "dependency": b.dependency,
            "state": _BREAKER[b.state],
            "why": None if b.state is State.CLOSED else b.opened_by or None,
            "generation": b.generation,
            "open_until": b.open_until,
        }
        for b in breakers.read(names)
    ]


_BREAKER: dict[State, BreakerStatus] = {State.CLOSED: "closed", State.OPEN: "open", State.HALF_OPEN: "half_open"}


def _concerns(stop: Stop, tenant: str) -> bool:
    target = stop.target
    if target.what == Stoppable.TENANT:
        return target.name == tenant
    if target.what == Stoppable.CUSTOMER:
        return target.tenant == tenant
    return target.what in set(Stoppable)


def _stopped(stop: Stop) -> StoppedView:
    since = datetime.fromtimestamp(stop.at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {"what": Stoppable(stop.target.what), "name": stop.target.name, "since": since, "reason": stop.reason}


def _subscriptions_view(found: Mapping[str, Subscriptions] | None) -> dict[str, SubscriptionsView] | None:
    if found is None:
        return None
    return {name: {"confirmed": s.confirmed, "unconfirmed": s.unconfirmed} for name, s in found.items()}
