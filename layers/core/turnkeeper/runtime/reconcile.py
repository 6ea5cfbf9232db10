"""Carries on whatever a death between two writes left behind; safe at any moment, twice, and beside everything else."""

from dataclasses import dataclass
from typing import Any

from turnkeeper.agent import Agent
from turnkeeper.domain.escalation import Decision, Due, Pacing, due_now
from turnkeeper.domain.spend import Limit, Limits
from turnkeeper.domain.turns import Tier, TurnState
from turnkeeper.errors import DependencyError, StoreUnavailable, TurnLost, WorkflowUnavailable
from turnkeeper.ports import Clock, Item, Json, Refused, Table, Telemetry
from turnkeeper.runtime.attempt import Outcome, Verdict
from turnkeeper.runtime.callbacks import Callbacks
from turnkeeper.runtime.endings import Endings
from turnkeeper.runtime.executions import Executions
from turnkeeper.runtime.expiry import Expiry
from turnkeeper.runtime.owner import Owner
from turnkeeper.runtime.pager import Pager
from turnkeeper.runtime.run import Run
from turnkeeper.runtime.turns import spent
from turnkeeper.stores import keys
from turnkeeper.stores.escalations import EscalationStore
from turnkeeper.stores.records import Escalation, Turn
from turnkeeper.stores.reservations import Alert
from turnkeeper.stores.spend import SpendStore
from turnkeeper.stores.turns import Lease, TurnStore

_LEASE_S = 30.0
_INTERRUPTED = Verdict(Outcome.UNAVAILABLE, "interrupted")


@dataclass(slots=True)
class Tally:
    """What one pass did."""

    looked_at: int = 0
    failed: int = 0


class Reconciler:
    """Finds due work in the index, rereads it strongly, and does the next conditional write."""

    def __init__(
        self,
        *,
        table: Table,
        turns: TurnStore,
        spend: SpendStore,
        escalations: EscalationStore,
        endings: Endings,
        expiry: Expiry,
        pager: Pager,
        owner: Owner,
        callbacks: Callbacks,
        executions: Executions,
        pacing: Pacing,
        clock: Clock,
        telemetry: Telemetry,
    ) -> None:
        self._table, self._turns, self._spend, self._escalations = table, turns, spend, escalations
        self._endings, self._expiry, self._pager, self._owner = endings, expiry, pager, owner
        self._callbacks = callbacks
        self._executions, self._pacing, self._clock, self._telemetry = executions, pacing, clock, telemetry

    def run(self, until: float) -> Tally:
        """Look at everything that is due, until a moment (seconds since the epoch)."""
        tally = Tally()
        for item in self._due():
            if self._clock() >= until:
                break
            tally.looked_at += 1
            try:
                self._look_at(item)
            except (TurnLost, Refused):
                continue  # somebody else did it
            except (StoreUnavailable, WorkflowUnavailable, DependencyError) as error:
                tally.failed += 1
                self._telemetry.warning("not reconciled; it stays due", turn_id=item.get("turn_id"), error=str(error))
            except Exception as error:  # noqa: BLE001 - a fault in one item must not keep the rest from people
                tally.failed += 1
                self._telemetry.fault(f"not reconciled: {item.get('turn_id') or item['pk']}", error)
        return tally

    def _due(self) -> list[Item]:
        found: dict[str, Item] = {}
        now = self._clock()
        for partition in keys.due_partitions():
            cursor: Json | None = None
            while True:
                items, cursor = self._table.query_index("due", partition, upto=now, after=cursor)
                found.update((item.get("turn_id") or f"{item['pk']}/{item['sk']}", item) for item in items)
                if cursor is None:
                    break
        return sorted(found.values(), key=lambda item: float(item["due_at"]))

    def _look_at(self, hint: Item) -> None:
        if "turn_id" not in hint:
            self._repeat_alert(hint)
            return
        family = self._turns.family(hint["turn_id"])
        items = {str(item["sk"]): item for item in family}
        if keys.TURN not in items:
            return
        turn = Turn.from_item(items[keys.TURN])
        now = self._clock()
        if turn.st == TurnState.RUN:
            if turn.lease_until <= now:
                self._take_over(turn)
            return
        if items[keys.TURN].get("due_at", now + 1) <= now:
            self._spend.sweep(turn.turn_id)
            self._turns.tidy(turn)
        if keys.ESCALATION in items and items[keys.ESCALATION].get("due_at", now + 1) <= now:
            self._escalated(turn, Escalation.from_item(items[keys.ESCALATION]))
        if keys.CALLBACK in items and items[keys.CALLBACK].get("due_at", now + 1) <= now:
            self._callbacks.remind(turn.turn_id)

    # --- a run that died ----------------------------------------------------------------------------------------------

    def _take_over(self, turn: Turn) -> None:
        lease = Lease(self._clock() + _LEASE_S)
        mine = self._turns.take_over(turn, lease)
        self._spend.sweep(mine.turn_id, before_epoch=mine.epoch)
        run = Run(
            turn=mine,
            agent=_NO_AGENT,
            tier=Tier.FIRST_ATTEMPT,
            deadline=lease.until,
            lease=lease,
            limits=Limits(0, 0),
            history=[],
            started_at=self._clock(),
            accepted=True,
            cost_before=spent(self._turns.family(mine.turn_id)),
        )
        self._endings.suspend(run, _INTERRUPTED, first_done=False)
        self._executions.start(mine.turn_id)

    # --- an escalation ------------------------------------------------------------------------------------------------

    def _escalated(self, turn: Turn, escalation: Escalation) -> None:
        decision = due_now(
            st=escalation.st,
            answer_by=escalation.answer_by,
            claim_until=escalation.claim_until,
            next_page_at=escalation.next_page_at,
            pages=escalation.pages,
            paged=escalation.paged,
            now=self._clock(),
            pacing=self._pacing,
        )
        self._escalations.look_again(escalation, decision.again_at)
        self._act(turn, escalation, decision)

    def _act(self, turn: Turn, escalation: Escalation, decision: Decision) -> None:
        if decision.action is Due.EXPIRE:
            self._expiry.expire(turn, escalation)
        elif decision.action is Due.PAGE:
            self._pager.page(escalation)
        elif decision.action is Due.REPEAT_PAGE:
            self._pager.publish(escalation)
        elif decision.action is Due.ENSURE_EXECUTION:
            self._ensure_execution(escalation)
        elif decision.action is Due.END_EXECUTION:
            self._executions.end(escalation.turn_id)

    def _ensure_execution(self, escalation: Escalation) -> None:
        try:
            if self._executions.ensure(escalation):
                return
        except WorkflowUnavailable:
            if self._clock() - escalation.created_at < self._pacing.no_tiers:
                raise
        # No state machine will bring it before people.
        opened = self._escalations.offer(escalation, "", 0)
        if opened:
            self._pager.page(opened)

    # --- an alert that was not published ------------------------------------------------------------------------------

    def _repeat_alert(self, hint: Item) -> None:
        key = (str(hint["pk"]), str(hint["sk"]))
        item = self._spend.begin_alert(key)
        if item is None:
            return
        self._owner.spend_alert(
            Alert(
                tenant=item["tenant"],
                customer=item.get("customer", ""),
                limit=Limit(item["limit_name"]),
                amount=int(item["limit"]),
                committed=int(item.get("committed", 0)),
                key=key,
                name=key[1].partition("#")[2],
            )
        )


_NO_AGENT: Agent[Any] = Agent.__new__(Agent)
"""The reconciler runs no model: whichever agent the turn has, its module is not loaded."""
