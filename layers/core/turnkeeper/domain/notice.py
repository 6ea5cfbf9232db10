"""Words the notice for the person on call: what to know at 3 AM, on a phone; nothing in it acts, or is secret."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from turnkeeper.domain.money import format_usd

_MESSAGE_CHARS = 300
_SUBJECT_CHARS = 99
_TRIED = 8


@dataclass(frozen=True, slots=True)
class Notice:
    """What a notice says. `waited_s` is seconds; `tried` are (tier, model, failure); `link` leads to the console."""

    turn_id: str
    tenant: str
    customer: str
    agent: str
    message: str | None
    reason: str
    tried: Sequence[tuple[str, str, str]]
    cost: int
    waited_s: float
    answer_by: str
    link: str
    page: int
    second_level: bool

    @property
    def dedup_key(self) -> str:
        """The same for every delivery of the same page."""
        return f"{self.turn_id}#{self.page}"

    @property
    def severity(self) -> str:
        """`critical` from the second level on."""
        return "critical" if self.second_level else "high"

    @property
    def attributes(self) -> dict[str, str]:
        """What subscriptions may filter by."""
        return {
            "kind": "escalation",
            "dedup_key": self.dedup_key,
            "severity": self.severity,
            "tenant": self.tenant,
            "agent": self.agent,
            "page": str(self.page),
        }

    def subject(self) -> str:
        """One line of plain ASCII, as e-mail subjects over SNS must be."""
        again = "" if self.page == 1 else f" (page {self.page})"
        text = f"[Turnkeeper] {self.agent}: a customer waits for a person{again}"
        return text.encode("ascii", "replace").decode()[:_SUBJECT_CHARS]

    def text(self) -> str:
        """The e-mail, which reads well on a phone."""
        lines = [
            f"A customer waits for a person, since {_duration(self.waited_s)}.",
            "",
            f"Open it:   {self.link}",
            "",
            f"Agent:     {self.agent}",
            f"Customer:  {self.customer}",
            f"Tenant:    {self.tenant}",
            f"Why:       {self.reason.replace('_', ' ')}",
            f"Cost:      ${format_usd(self.cost)}",
            f"Answer by: {self.answer_by}",
        ]
        if self.message is not None:
            lines += ["", "They asked:", f"  {_short(self.message)}"]
        if self.tried:
            lines += ["", "Tried:"]
            lines += [
                f"  {tier.replace('_', ' ')} · {model} · {failure}" for tier, model, failure in self.tried[-_TRIED:]
            ]
        lines += ["", f"Turn {self.turn_id}, page {self.page}, severity {self.severity}.", "Claim it in the console."]
        return "\n".join(lines)

    def json(self) -> str:
        """The documented JSON form, for machines."""
        data: Mapping[str, Any] = {
            "type": "escalation",
            "version": 1,
            "turn_id": self.turn_id,
            "tenant": self.tenant,
            "customer_id": self.customer,
            "agent": self.agent,
            "message": _short(self.message) if self.message is not None else None,
            "reason": self.reason,
            "tried": [{"tier": t, "model": m, "failure": f} for t, m, f in self.tried[-_TRIED:]],
            "cost_usd": format_usd(self.cost),
            "waited_s": round(self.waited_s),
            "answer_by": self.answer_by,
            "link": self.link,
            "page": self.page,
            "severity": self.severity,
            "dedup_key": self.dedup_key,
        }
        return json.dumps(data, ensure_ascii=False)


def _short(message: str) -> str:
    flat = " ".join(message.split())
    return flat if len(flat) <= _MESSAGE_CHARS else flat[: _MESSAGE_CHARS - 1] + "…"


def _duration(seconds: float) -> str:
    minutes = int(seconds // 60)
    if minutes < 1:
        return "less than a minute"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"
