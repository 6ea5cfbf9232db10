"""Every use case of a deployment, made of its settings and its outside when it is first asked for."""

from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from typing import Any

from turnkeeper.agent import Agent
from turnkeeper.errors import UnpricedModel
from turnkeeper.outside import Outside
from turnkeeper.runtime.attempt import Attempts
from turnkeeper.runtime.callbacks import Callbacks
from turnkeeper.runtime.channels import Channels
from turnkeeper.runtime.context import Context, EscalationContext
from turnkeeper.runtime.endings import Endings
from turnkeeper.runtime.executions import Executions
from turnkeeper.runtime.expiry import Expiry
from turnkeeper.runtime.guard import Guard
from turnkeeper.runtime.lookups import Lookups
from turnkeeper.runtime.model_calls import ModelCalls
from turnkeeper.runtime.operators import Operator, Operators
from turnkeeper.runtime.owner import Owner
from turnkeeper.runtime.pager import Pager
from turnkeeper.runtime.reconcile import Reconciler
from turnkeeper.runtime.tiers import Tiers
from turnkeeper.runtime.tools import ToolRunner
from turnkeeper.runtime.turns import Turns
from turnkeeper.settings import Settings
from turnkeeper.stores.breakers import BreakerStore
from turnkeeper.stores.cache import AnswerCache
from turnkeeper.stores.callbacks import CallbackStore
from turnkeeper.stores.conversations import ConversationStore
from turnkeeper.stores.escalations import EscalationStore
from turnkeeper.stores.journal import Journal
from turnkeeper.stores.rates import ModelRates
from turnkeeper.stores.spend import SpendStore
from turnkeeper.stores.turns import TurnStore

_PARALLEL_READS = 4


class Services:
    """Every use case, made when it is first asked for."""

    def __init__(self, settings: Settings, outside: Outside) -> None:
        self.settings, self._outside = settings, outside
        self.clock, self.telemetry = outside.clock, outside.telemetry

    def agents(self, name: str) -> Agent[Any]:
        """Find an agent that is about to run; raises UnpricedModel where no limit could be kept for a model of its."""
        found = self._outside.agents(name)
        unpriced = [model.id for model in found.models if model.id not in self._outside.prices]
        if unpriced:
            raise UnpricedModel(f"the agent {name!r} has models without a price: {', '.join(unpriced)}")
        return found

    # --- stores -------------------------------------------------------------------------------------------------------

    @cached_property
    def turn_store(self) -> TurnStore:
        """Turns."""
        return TurnStore(self._outside.table, self.clock, self.settings.keep_s, new_id=self._outside.new_id)

    @cached_property
    def spend_store(self) -> SpendStore:
        """Money."""
        return SpendStore(self._outside.table, self.clock)

    @cached_property
    def breakers(self) -> BreakerStore:
        """Breakers."""
        return BreakerStore(self._outside.table, self.clock, self.settings.breaker, self._outside.random)

    @cached_property
    def escalations(self) -> EscalationStore:
        """Escalations."""
        return EscalationStore(self._outside.table, self.clock, self.settings.pacing)

    @cached_property
    def conversations(self) -> ConversationStore:
        """Conversations."""
        return ConversationStore(self._outside.table, self.clock)

    @cached_property
    def cache(self) -> AnswerCache:
        """Cached answers."""
        return AnswerCache(self._outside.table, self.clock)

    @cached_property
    def journal(self) -> Journal:
        """The journal."""
        return Journal(self._outside.table, self.clock)

    # --- use cases ----------------------------------------------------------------------------------------------------

    @cached_property
    def guard(self) -> Guard:
        """The breakers' doorkeeper."""
        return Guard(self.breakers, self.clock, self.telemetry)

    @cached_property
    def channels(self) -> Channels:
        """The notification channels."""
        return Channels(self._outside.notifier, self.guard, self.telemetry)

    @cached_property
    def owner(self) -> Owner:
        """The owner's topic."""
        return Owner(self.channels, self.settings.owner_topic_arn, self.spend_store, self.telemetry)

    @cached_property
    def attempts(self) -> Attempts:
        """Attempts, with models and tools."""
        calls = ModelCalls(
            clients=self._outside.models,
            prices=self._outside.prices,
            spend=self.spend_store,
            turns=self.turn_store,
            guard=self.guard,
            rates=ModelRates(self._outside.table, self.clock, self.settings.model_rates),
            owner=self.owner,
            clock=self.clock,
            random=self._outside.random,
            sleep=self._outside.sleep,
            telemetry=self.telemetry,
        )
        tools = ToolRunner(
            journal=self.journal,
            turns=self.turn_store,
            guard=self.guard,
            transport=self._outside.tools,
            clock=self.clock,
            telemetry=self.telemetry,
        )
        return Attempts(calls, tools, self.guard, self.clock)

    @cached_property
    def callbacks(self) -> Callbacks:
        """Callbacks to the URLs that turns named."""
        return Callbacks(
            store=CallbackStore(self._outside.table, self.clock),
            turns=self.turn_store,
            queue=self._outside.queue,
            dead_letters=self._outside.dead_letters,
            sender=self._outside.callbacks,
            guard=self.guard,
            clock=self.clock,
            telemetry=self.telemetry,
        )

    @cached_property
    def endings(self) -> Endings:
        """The writes that end runs."""
        return Endings(
            turns=self.turn_store,
            spend=self.spend_store,
            escalations=self.escalations,
            conversations=self.conversations,
            journal=self.journal,
            cache=self.cache,
            callbacks=self.callbacks,
            owner=self.owner,
            clock=self.clock,
            telemetry=self.telemetry,
        )

    @cached_property
    def turns(self) -> Turns:
        """The fast path."""
        return Turns(
            table=self._outside.table,
            turns=self.turn_store,
            spend=self.spend_store,
            breakers=self.breakers,
            conversations=self.conversations,
            cache=self.cache,
            journal=self.journal,
            attempts=self.attempts,
            endings=self.endings,
            executions=self.executions,
            executor=ThreadPoolExecutor(_PARALLEL_READS, thread_name_prefix="reads"),
            clock=self.clock,
            telemetry=self.telemetry,
            limits_usd=self.settings.limits,
            rate=self.settings.rate,
            pace=self.settings.pace,
        )

    @cached_property
    def executions(self) -> Executions:
        """Executions of the state machine."""
        return Executions(self._outside.workflow, self.escalations, self.telemetry)

    @cached_property
    def expiry(self) -> Expiry:
        """Expiry of turns."""
        return Expiry(self.turn_store, self.escalations, self.endings, self.executions, self.clock)

    @cached_property
    def pager(self) -> Pager:
        """Pages."""
        return Pager(
            turns=self.turn_store,
            escalations=self.escalations,
            channels=self.channels,
            on_call=self.settings.on_call,
            clock=self.clock,
            telemetry=self.telemetry,
        )

    @cached_property
    def tiers(self) -> Tiers:
        """The state machine's tasks."""
        return Tiers(
            table=self._outside.table,
            turns=self.turn_store,
            spend=self.spend_store,
            escalations=self.escalations,
            conversations=self.conversations,
            breakers=self.breakers,
            cache=self.cache,
            journal=self.journal,
            attempts=self.attempts,
            endings=self.endings,
            expiry=self.expiry,
            pager=self.pager,
            workflow=self._outside.workflow,
            agents=self.agents,
            clock=self.clock,
            limits_usd=self.settings.limits,
            pace=self.settings.pace,
        )

    @cached_property
    def operators(self) -> Operators:
        """What the person on call does."""
        return Operators(
            turns=self.turn_store,
            escalations=self.escalations,
            endings=self.endings,
            expiry=self.expiry,
            executions=self.executions,
            agents=self._outside.agents,
            clock=self.clock,
            telemetry=self.telemetry,
        )

    @cached_property
    def lookups(self) -> Lookups:
        """What callers may look up."""
        return Lookups(
            table=self._outside.table,
            turns=self.turn_store,
            spend=self.spend_store,
            conversations=self.conversations,
            clock=self.clock,
            telemetry=self.telemetry,
            limits_usd=self.settings.limits,
        )

    @cached_property
    def context(self) -> Context:
        """What operators look at."""
        on_call = self.settings.on_call
        return Context(
            operators=self.operators,
            turns=self.turn_store,
            lookups=self.lookups,
            conversations=self.conversations,
            breakers=self.breakers,
            agents=self._outside.agents,
            agent_names=self._outside.agent_names,
            notifier=self._outside.notifier,
            topics={
                "on_call": on_call.topic,
                "second_level": on_call.second_level_topic,
                "owner": self.settings.owner_topic_arn,
            },
            clock=self.clock,
        )

    def escalation_context(self, who: Operator, turn_id: str) -> EscalationContext:
        """Gather one escalation for an operator."""
        return self.context.of_escalation(who, turn_id)

    def health(self, who: Operator) -> dict[str, Any]:
        """Gather the health of the deployment for an operator."""
        return self.context.health(who)

    @cached_property
    def reconciler(self) -> Reconciler:
        """The reconciler."""
        return Reconciler(
            table=self._outside.table,
            turns=self.turn_store,
            spend=self.spend_store,
            escalations=self.escalations,
            endings=self.endings,
            expiry=self.expiry,
            pager=self.pager,
            owner=self.owner,
            callbacks=self.callbacks,
            executions=self.executions,
            pacing=self.settings.pacing,
            clock=self.clock,
            telemetry=self.telemetry,
        )
