"""Pages the person on call: at least once, each page with its own key, the second level when nobody comes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from turnkeeper.domain.notice import Notice, Tried
from turnkeeper.domain.telemetry import Action, Metric
from turnkeeper.errors import StoreUnavailable
from turnkeeper.ports import Clock, Published, Telemetry
from turnkeeper.runtime.channels import Channels
from turnkeeper.runtime.turns import spent
from turnkeeper.stores import keys
from turnkeeper.stores.escalations import EscalationStore
from turnkeeper.stores.journal import Attempt, Journal
from turnkeeper.stores.records import Escalation, Turn
from turnkeeper.stores.turns import TurnStore


@dataclass(frozen=True, slots=True)
class OnCall:
    """Who is paged: the topics, the page from which the second level is, the console's URL, what a notice may show."""

    topic: str
    second_level_topic: str
    second_level_from: int
    public_url: str
    shows_message: bool


class Pager:
    """Publishes pages. One that is not confirmed is published again, under the same key, by the reconciler."""

    def __init__(
        self,
        *,
        turns: TurnStore,
        escalations: EscalationStore,
        channels: Channels,
        on_call: OnCall,
        clock: Clock,
        telemetry: Telemetry,
    ) -> None:
        self._turns, self._escalations, self._channels = turns, escalations, channels
        self._on_call, self._clock, self._telemetry = on_call, clock, telemetry

    def page(self, escalation: Escalation) -> None:
        """Page for an escalation that nobody claimed; nothing happens when somebody else pages at the same time."""
        begun = self._escalations.begin_page(escalation)
        if begun:
            self.publish(begun)

    def publish(self, escalation: Escalation) -> None:
        """Publish the escalation's newest page, and confirm it."""
        family = self._turns.family(escalation.turn_id)
        turn = next((Turn.from_item(item) for item in family if item["sk"] == keys.TURN), None)
        if turn is None or turn.is_done:
            return
        second = escalation.pages >= self._on_call.second_level_from
        topic = self._on_call.second_level_topic if second else self._on_call.topic
        shows = self._on_call.shows_message
        notice = Notice(
            turn_id=turn.turn_id,
            tenant=turn.tenant,
            customer=turn.customer,
            agent=turn.agent,
            message=turn.message if shows else None,
            reason=escalation.reason,
            tried=[row for attempt in Journal.attempts(family) for row in _tried(attempt, shows_error=shows)],
            cost=spent(family),
            waited_s=self._clock() - turn.created_at,
            answer_by=turn.answer_by,
            link=f"{self._on_call.public_url or turn.base_url}/console#/escalations/{turn.turn_id}",
            page=escalation.pages,
            second_level=second,
        )
        if self._deliver(topic, notice):
            self._confirm(escalation)

    def _deliver(self, topic: str, notice: Notice) -> bool:
        name = "second_level" if notice.second_level else "on_call"
        message = Published(notice.subject(), notice.text(), notice.json(), notice.attributes, notice.sms())
        if not self._channels.publish(name, topic, message):
            self._telemetry.count(Metric.PageFailed)
            return False
        self._telemetry.action(
            Action.PAGE, turn_id=notice.turn_id, agent=notice.agent, tenant=notice.tenant, success=True
        )
        self._telemetry.count(Metric.PagesSent, agent=notice.agent)
        return True

    def _confirm(self, escalation: Escalation) -> None:
        try:
            self._escalations.confirm_page(escalation)
        except StoreUnavailable:
            self._telemetry.warning("page not confirmed; it may be repeated", turn_id=escalation.turn_id)


def _tried(attempt: Attempt, *, shows_error: bool) -> list[Tried]:
    """Say what an attempt called, and what was wrong in the end: a model's words may repeat the customer's."""
    error = attempt.errors[0] if attempt.errors and shows_error else ""
    calls: Sequence[Mapping[str, Any]] = attempt.calls or [{"model": "-", "error": ""}]
    rows = [Tried(attempt.tier, str(call["model"]), str(call["error"] or attempt.reason)) for call in calls]
    return [*rows[:-1], rows[-1] if calls[-1]["error"] else replace(rows[-1], error=error)]
