"""All stores of a deployment in one bundle."""

from collections.abc import Callable
from dataclasses import dataclass

from turnkeeper.domain.breaker import BreakerPolicy
from turnkeeper.domain.policies import PagingTimes
from turnkeeper.ports import Clock, Table
from turnkeeper.stores.breakers import BreakerStore
from turnkeeper.stores.cache import AnswerCache
from turnkeeper.stores.callbacks import CallbackStore
from turnkeeper.stores.conversations import ConversationStore
from turnkeeper.stores.due_work import DueWork
from turnkeeper.stores.escalations import EscalationStore
from turnkeeper.stores.feedback import FeedbackStore
from turnkeeper.stores.journal import Journal
from turnkeeper.stores.limits import LimitStore
from turnkeeper.stores.rates import CustomerRates, ModelRates, ToolRates
from turnkeeper.stores.run_reads import RunReader
from turnkeeper.stores.spend import SpendStore
from turnkeeper.stores.stage import StageStore
from turnkeeper.stores.turns import TurnStore


@dataclass(frozen=True)
class StorePolicies:
    """The settings that the stores need; `keep_s` is how long a turn is kept, in seconds."""

    breaker: BreakerPolicy
    paging: PagingTimes
    keep_s: float


@dataclass(frozen=True)
class Stores:
    """The stores, over one table."""

    turns: TurnStore
    spend: SpendStore
    escalations: EscalationStore
    conversations: ConversationStore
    journal: Journal
    cache: AnswerCache
    callbacks: CallbackStore
    breakers: BreakerStore
    customer_rates: CustomerRates
    model_rates: ModelRates
    tool_rates: ToolRates
    limits: LimitStore
    feedback: FeedbackStore
    due_work: DueWork
    run_reads: RunReader
    stage: StageStore


def stores_over(
    table: Table, clock: Clock, random: Callable[[], float], new_id: Callable[[], str], policies: StorePolicies
) -> Stores:
    """Make the stores of a deployment; `random` returns 0 to 1."""
    return Stores(
        turns=TurnStore(table, clock, policies.keep_s, new_id=new_id),
        spend=SpendStore(table, clock),
        escalations=EscalationStore(table, clock, policies.paging),
        conversations=ConversationStore(table, clock),
        journal=Journal(table, clock),
        cache=AnswerCache(table, clock),
        callbacks=CallbackStore(table, clock),
        breakers=BreakerStore(table, clock, policies.breaker, random),
        customer_rates=CustomerRates(table, clock),
        model_rates=ModelRates(table, clock),
        tool_rates=ToolRates(table, clock),
        limits=LimitStore(table),
        feedback=FeedbackStore(table, clock),
        due_work=DueWork(table),
        run_reads=RunReader(table),
        stage=StageStore(table),
    )
