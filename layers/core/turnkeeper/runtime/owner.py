"""Notifies the owner of a deployment of what only they can fix: limits nearly used up, bad keys, absurd bills."""

import json
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from turnkeeper.domain.money import format_usd
from turnkeeper.domain.spend import ALERT_PERCENT, SpendAlert
from turnkeeper.domain.telemetry import Metric
from turnkeeper.errors import StoreUnavailable
from turnkeeper.ports import Published, Telemetry
from turnkeeper.runtime.channels import Channels
from turnkeeper.stores.spend import SpendStore


class Owner:
    """Alerts and warns the owner. The reconciler repeats an alert that could not be published; a warning is logged."""

    def __init__(self, channels: Channels, topic: str, spend: SpendStore, telemetry: Telemetry) -> None:
        self._channels, self._topic, self._spend, self._telemetry = channels, topic, spend, telemetry

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

    def warn(self, message: str, about: Mapping[str, Any]) -> None:
        """Log and count what the owner must look at; an alarm on the metric notifies them."""
        self._telemetry.count(Metric.OwnerWarning)
        self._telemetry.warning(message, **about)
