"""Writes the notice for the person on call, to be read on a phone at 3 AM; it holds no secret, and no action."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from turnkeeper.domain.money import format_usd
from turnkeeper.domain.text import INVISIBLE

_MESSAGE_CHARS = 300
_ERROR_CHARS = 120
_SUBJECT_CHARS = 99
_TRIED = 8


@dataclass(frozen=True, slots=True)
class Tried:
    """A model that was called in a tier (`-` if none was), how it failed, and the first error in its answer."""

    tier: str
    model: str
    failure: str
    error: str = ""

    def line(self) -> str:
        """Return the row as people read it."""
        failure = ": ".join(filter(None, [_words(self.failure), _short(self.error, _ERROR_CHARS)]))
        return f"  {_words(self.tier)} · {self.model} · {failure}"

    def data(self) -> Mapping[str, Any]:
        """Return the row as machines read it."""
        error = _short(self.error, _ERROR_CHARS) or None
        return {"tier": self.tier, "model": self.model, "failure": self.failure, "error": error}


@dataclass(frozen=True, slots=True)
class Notice:
    """What a notice says. `answer_by` is seconds since the epoch; `link` leads to the console."""

    turn_id: str
    tenant: str
    customer: str
    agent: str
    message: str | None
    reason: str
    tried: Sequence[Tried]
    cost_micro_usd: int
    waited_s: float
    answer_by: float
    link: str
    page: int
    second_level: bool

    @property
    def dedup_key(self) -> str:
        """What all deliveries of the same page have in common."""
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
        """One line of ASCII, because SNS allows nothing else in an e-mail's subject."""
        critical = "CRITICAL " if self.second_level else ""
        again = "" if self.page == 1 else f" (page {self.page})"
        text = f"[Turnkeeper] {critical}{self.agent}: a customer waits for a person{again}"
        return text.encode("ascii", "replace").decode()[:_SUBJECT_CHARS]

    def sms(self) -> str:
        """One short line, with the link to the console."""
        return f"Turnkeeper {self.severity}: {self.customer} waits for a person ({self.agent}). {self.link}"

    def text(self) -> str:
        """The e-mail, in lines short enough for a phone."""
        answer_by = datetime.fromtimestamp(self.answer_by, UTC)
        lines = [
            f"A customer has been waiting for a person for {_duration(self.waited_s)}.",
            "",
            f"Open it:   {self.link}",
            f"Severity:  {self.severity.upper() if self.second_level else self.severity}, page {self.page}",
            "",
            f"Agent:     {self.agent}",
            f"Customer:  {self.customer}",
            f"Tenant:    {self.tenant}",
            f"Why:       {_words(self.reason)}",
            f"Cost:      ${format_usd(self.cost_micro_usd)}",
            f"Answer by: {answer_by:%Y-%m-%d %H:%M} UTC",
        ]
        if self.message is not None:
            lines += ["", "They asked:", f"  {_short(self.message, _MESSAGE_CHARS)}"]
        if self.tried:
            lines += ["", "Tried:", *(tried.line() for tried in self.tried[-_TRIED:])]
        lines += ["", f"Turn {self.turn_id}. Claim it in the console."]
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
            "message": _short(self.message, _MESSAGE_CHARS) if self.message is not None else None,
            "reason": self.reason,
            "tried": [tried.data() for tried in self.tried[-_TRIED:]],
            "cost_usd": format_usd(self.cost_micro_usd),
            "waited_s": round(self.waited_s),
            "answer_by": f"{datetime.fromtimestamp(self.answer_by, UTC):%Y-%m-%dT%H:%M:%SZ}",
            "link": self.link,
            "page": self.page,
            "severity": self.severity,
            "dedup_key": self.dedup_key,
        }
        return json.dumps(data, ensure_ascii=False)


def _short(text: str, most: int) -> str:
    """Return a text that others wrote as one line of at most `most` characters, with the invisible ones replaced.

    A customer's text must not disguise itself.
    """
    line = INVISIBLE.sub("\N{REPLACEMENT CHARACTER}", " ".join(text.split()))
    return line if len(line) <= most else line[: most - 1] + "…"


def _words(code: str) -> str:
    return code.replace("_", " ")


def _duration(seconds: float) -> str:
    minutes = int(seconds // 60)
    if minutes < 1:
        return "less than a minute"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"
