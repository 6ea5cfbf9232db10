"""Every use case of a deployment, made from `Settings` and `Outside` when it is first asked for."""

from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from typing import Any

from turnkeeper.agent import Agent
from turnkeeper.errors import BrokenAgent
from turnkeeper.outside import Outside
from turnkeeper.runtime.attempt import Attempts
from turnkeeper.runtime.callbacks import Callbacks
from turnkeeper.runtime.channels import Channels
from turnkeeper.runtime.context import Context, EscalationContext
from turnkeeper.runtime.current_stage import CurrentStage, KnownStage
from turnkeeper.runtime.due_escalations import DueEscalations
from turnkeeper.runtime.endings import Endings
from turnkeeper.runtime.executions import Executions
from turnkeeper.runtime.expiry import Expiry
from turnkeeper.runtime.guard import Guard
from turnkeeper.runtime.health import Health, HealthView
from turnkeeper.runtime.lookups import Lookups
from turnkeeper.runtime.model_calls import ModelCalls
from turnkeeper.runtime.operators import Operator, Operators
from turnkeeper.runtime.owner import Owner
from turnkeeper.runtime.pager import Pager
from turnkeeper.runtime.reconcile import Reconciler
from turnkeeper.runtime.run_opener import RunOpener
from turnkeeper.runtime.takeover import Takeover
from turnkeeper.runtime.tiers import Tiers
from turnkeeper.runtime.tools import ToolRunner
from turnkeeper.runtime.turns import Turns
from turnkeeper.settings import Settings
from turnkeeper.stores.bundle import StorePolicies, Stores, stores_over

_PARALLEL_READS = 4


class Services:
    """Makes each use case once, when it is first asked for: a function pays at its cold start only for what it uses."""

    def __init__(self, settings: Settings, outside: Outside, known_stage: KnownStage | None = None) -> None:
        self.settings, self._outside = settings, outside
        self._known_stage = known_stage or KnownStage()
        self.clock, self.telemetry = outside.clock, outside.telemetry

    def agents(self, name: str) -> Agent[Any]:
        """Return the agent of that name. Raises BrokenAgent if it cannot be loaded, and warns the owner."""
        try:
            return self._outside.agents(name)
        except BrokenAgent as error:
            self.owner.warn(f"{error}: {error.fault}", {"agent": name, "error": error.kind})
            raise

    @cached_property
    def stores(self) -> Stores:
        """All stores, over the table."""
        policies = StorePolicies(
            breaker=self.settings.breaker,
            paging=self.settings.paging,
            keep_s=self.settings.keep_s,
        )
        outside = self._outside
        return stores_over(outside.table, outside.clock, outside.random, outside.new_id, policies)

    # --- what the use cases share -------------------------------------------------------------------------------------

    @cached_property
    def guard(self) -> Guard:
        """The breakers' doorkeeper."""
        return Guard(self.stores.breakers, self.clock, self.telemetry)

    @cached_property
    def channels(self) -> Channels:
        """The notification channels."""
        return Channels(self._outside.notifier, self.guard, self.telemetry)

    @cached_property
    def owner(self) -> Owner:
        """The owner's topic."""
        stores = self.stores
        return Owner(self.channels, self.settings.owner_topic_arn, stores.spend, stores.breakers, self.telemetry)

    @cached_property
    def pager(self) -> Pager:
        """Pages."""
        return Pager(self.stores, self._outside, self.channels, self.settings.on_call)

    @cached_property
    def stage(self) -> CurrentStage:
        """The stage's settings, and what is stopped."""
        return CurrentStage(self._known_stage, self.stores.stage, self.clock, self.owner, self.settings.loopback_host)

    @cached_property
    def opener(self) -> RunOpener:
        """The opener of runs."""
        executor = ThreadPoolExecutor(_PARALLEL_READS, thread_name_prefix="reads")
        return RunOpener(self.stores, self._outside, executor, self.stage, self.settings.run_times)

    @cached_property
    def attempts(self) -> Attempts:
        """Attempts, with models and tools."""
        calls = ModelCalls(self._outside, self.stores.model_rates, self.guard, self.owner)
        tools = ToolRunner(self.stores, self._outside, self.guard, self.owner)
        return Attempts(calls, tools, self.guard, self.stores.cache, self.clock)

    @cached_property
    def executions(self) -> Executions:
        """Executions of the state machine."""
        return Executions(self.stores.escalations, self._outside)

    @cached_property
    def callbacks(self) -> Callbacks:
        """Callbacks to the URLs that turns named."""
        return Callbacks(self.stores, self._outside, self.guard, self.stage)

    @cached_property
    def endings(self) -> Endings:
        """The writes that end runs."""
        return Endings(self.stores, self._outside, self.callbacks, self.owner)

    @cached_property
    def expiry(self) -> Expiry:
        """Expiry of turns."""
        return Expiry(self.stores, self._outside, self.endings, self.executions)

    # --- what the functions call --------------------------------------------------------------------------------------

    @cached_property
    def turns(self) -> Turns:
        """The fast path."""
        return Turns(self.stores, self._outside, self.opener, self.attempts, self.endings, self.executions)

    @cached_property
    def tiers(self) -> Tiers:
        """The state machine's tasks."""
        return Tiers(
            self.stores,
            self._outside,
            self.agents,
            self.opener,
            self.attempts,
            self.endings,
            self.expiry,
            self.pager,
        )

    @cached_property
    def operators(self) -> Operators:
        """What the person on call does."""
        return Operators(self.stores, self._outside, self.endings, self.expiry, self.executions)

    @cached_property
    def lookups(self) -> Lookups:
        """What callers may look up."""
        return Lookups(self.stores, self._outside, self.stage)

    @cached_property
    def context(self) -> Context:
        """What operators look at."""
        return Context(self.stores, self._outside, self.operators, self.lookups)

    def escalation_context(self, who: Operator, turn_id: str) -> EscalationContext:
        """Gather one escalation for an operator."""
        return self.context.of_escalation(who, turn_id)

    def health(self, who: Operator) -> HealthView:
        """Gather the health of the deployment for an operator."""
        on_call = self.settings.on_call
        topics = {
            "on_call": on_call.topic,
            "second_level": on_call.second_level_topic,
            "owner": self.settings.owner_topic_arn,
        }
        return Health(self.stores, self._outside, self.operators, self.stage, topics).of(who)

    @cached_property
    def reconciler(self) -> Reconciler:
        """The reconciler."""
        stores, outside = self.stores, self._outside
        takeover = Takeover(stores.turns, outside, self.opener, self.endings, self.executions)
        escalations = DueEscalations(
            stores.escalations, outside, self.expiry, self.pager, self.executions, self.settings.paging
        )
        return Reconciler(stores, outside, takeover, escalations, self.callbacks, self.owner)
