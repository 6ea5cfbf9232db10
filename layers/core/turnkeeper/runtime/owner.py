"""Notifies the owner of a deployment of what only they can fix: limits nearly used up, bad keys, absurd bills."""

import json
import re
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from turnkeeper.domain.breaker import Breaker
from turnkeeper.domain.money import format_usd
from turnkeeper.domain.spend import ALERT_PERCENT, SpendAlert
from turnkeeper.domain.telemetry import Metric
from turnkeeper.errors import StoreUnavailable
from turnkeeper.ports import Published, Telemetry
from turnkeeper.runtime.channels import Channels
from turnkeeper.stores.breakers import BreakerStore
from turnkeeper.stores.spend import SpendStore

_SUBJECT_CHARS = 99
_LINK = re.compile(r"\b(https?)://", re.IGNORECASE)


class Owner:
    """Alerts and warns the owner. The reconciler repeats an alert that could not be published; a warning is logged."""

    def __init__(
        self, channels: Channels, topic: str, spend: SpendStore, breakers: BreakerStore, telemetry: Telemetry
    ) -> None:
        self._channels, self._topic, self._telemetry = channels, topic, telemetry
        self._spend, self._breakers = spend, breakers

    def spend_alert(self, alert: SpendAlert) -> None:
        """Publish that a limit is 80 % used; the caller sees to it that this happens once for each limit."""
        subject = f"{ALERT_PERCENT} % of the {alert.limit.value} limit is used"
        whose = {"tenant": alert.tenant, "customer": alert.customer}
        lines = "".join(f"{what:10}{name}\n" for what, name in whose.items() if name)
        body = (
            f"{subject}.\n\n{lines}"
            f"{alert.limit.value.replace('_', ' ')}  {alert.name}\n"
            f"committed ${format_usd(alert.committed_micro_usd)} of ${format_usd(alert.limit_micro_usd)}\n"
        )
        attributes = {"kind": "spend_alert", "dedup_key": alert.dedup_key}
        data = {
            "type": "spend_alert",
            "version": 1,
            "tenant": alert.tenant,
            "customer_id": alert.customer,
            "limit": alert.limit.value,
            "of": alert.name,
            "limit_usd": format_usd(alert.limit_micro_usd),
            "committed_usd": format_usd(alert.committed_micro_usd),
            **attributes,
        }
        self._telemetry.count(Metric.SpendAlert)
        message = Published(f"[Turnkeeper] {subject}", body, json.dumps(data), attributes)
        if self._channels.publish("owner", self._topic, message):
            with suppress(StoreUnavailable):  # unconfirmed, it is published again, under the same key
                self._spend.confirm_alert(alert)

    def model_gone(self, breaker: Breaker, now: float) -> None:
        """Publish that a model is gone; the caller sees to it that this happens once each time its breaker opens.

        `now` is in seconds since the epoch: a notice that is late leaves out when the model is asked again once that is
        over.
        """
        model, said = breaker.dependency, _LINK.sub(r"\1[:]//", breaker.said)
        asked_again = datetime.fromtimestamp(breaker.open_until, UTC) if breaker.open_until > now else None
        again_at = f"{asked_again:%Y-%m-%dT%H:%M:%SZ}" if asked_again else None
        again = f"asked again        {again_at}\n" if again_at else ""
        text = (
            f"The model {model} is gone: its provider has retired it, never had it, or keeps it from your account.\n"
            f"Turns go on with the other models of their chains, as far as there are any.\n\n"
            f"the provider said  {said or '(nothing)'}\n"
            f"{again}\n"
            "Name another model in its place: `turnkeeper models` lists where it is named, and what replaces it.\n"
            "Was its URL, its key's access or its deployment wrong, and is right now? Let the next call ask it:\n"
            f"`turnkeeper models retry {model}`\n"
        )
        attributes = {"kind": "model_gone", "dedup_key": f"{model}#{breaker.opening}"}
        data = {
            "type": "model_gone",
            "version": 1,
            "model": model,
            "said": breaker.said,
            "asked_again_at": again_at,
            **attributes,
        }
        subject = f"[Turnkeeper] the model {model} is gone".encode("ascii", "replace").decode()[:_SUBJECT_CHARS]
        if self._channels.publish("owner", self._topic, Published(subject, text, json.dumps(data), attributes)):
            with suppress(StoreUnavailable):  # unconfirmed, it is published again, under the same key
                self._breakers.confirm_notice(breaker)

    def warn(self, message: str, about: Mapping[str, Any]) -> None:
        """Log and count what the owner must look at; an alarm on the metric notifies them."""
        self._telemetry.count(Metric.OwnerWarning)
        self._telemetry.warning(message, **about)
