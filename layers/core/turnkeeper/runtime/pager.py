"""Pages the person on call, and the second level if nobody comes; each page is published at least once."""

from dataclasses import replace

from turnkeeper.domain.attempt import Attempt, CallReport
from turnkeeper.domain.escalation import Escalation, Severity, severity
from turnkeeper.domain.notice import Notice, Tried
from turnkeeper.domain.policies import OnCall
from turnkeeper.domain.telemetry import Action, Metric
from turnkeeper.errors import StoreUnavailable
from turnkeeper.outside import Outside
from turnkeeper.ports import Published
from turnkeeper.runtime.channels import Channels
from turnkeeper.stores.bundle import Stores


class Pager:
    """Publishes pages. The reconciler publishes an unconfirmed page again, under the same key."""

    def __init__(self, stores: Stores, outside: Outside, channels: Channels, on_call: OnCall) -> None:
        self._stores, self._channels, self._on_call = stores, channels, on_call
        self._clock, self._telemetry = outside.clock, outside.telemetry

    def page(self, escalation: Escalation) -> None:
        """Page for an escalation that nobody claimed, unless somebody else does so at the same time."""
        begun = self._stores.escalations.begin_page(escalation)
        if begun:
            self.publish(begun)

    def publish(self, escalation: Escalation) -> None:
        """Publish the escalation's newest page, and confirm it."""
        whole = self._stores.turns.whole(escalation.turn_id)
        if whole is None or whole.turn.is_done:
            return
        turn = whole.turn
        is_second = severity(escalation.pages, self._on_call.second_level_from) is Severity.CRITICAL
        topic = self._on_call.second_level_topic if is_second else self._on_call.topic
        shows = self._on_call.shows_message
        notice = Notice(
            turn_id=turn.turn_id,
            tenant=turn.tenant,
            customer=turn.customer,
            agent=turn.agent,
            message=turn.message if shows else None,
            reason=escalation.reason,
            tried=[row for attempt in whole.attempts for row in _tried(attempt, shows_error=shows)],
            cost_micro_usd=whole.cost_micro_usd,
            waited_s=self._clock() - turn.created_at,
            answer_by=turn.answer_by,
            link=f"{self._on_call.public_url or turn.base_url}/console#/escalations/{turn.turn_id}",
            page=escalation.pages,
            second_level=is_second,
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
            self._stores.escalations.confirm_page(escalation)
        except StoreUnavailable:
            self._telemetry.warning("page not confirmed; it may be repeated", turn_id=escalation.turn_id)


def _tried(attempt: Attempt, *, shows_error: bool) -> list[Tried]:
    """List the calls of an attempt, and its first error if `shows_error`: an error may quote the customer."""
    error = attempt.errors[0] if attempt.errors and shows_error else ""
    calls = attempt.calls or [CallReport("-")]
    rows = [Tried(attempt.tier, call.model, call.error or attempt.reason) for call in calls]
    return [*rows[:-1], rows[-1] if calls[-1].error else replace(rows[-1], error=error)]
