"""Holds a booking conversation by rules: finds out what is wanted, searches, proposes, and books what was agreed to."""

import datetime as dt
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from infra.local.model_provider import understanding as read
from infra.local.model_provider import when
from infra.local.model_provider.chat import Asked, Message, Reply

TOOLS = {"find_provider", "book_appointment"}
OPENS, CLOSES = dt.time(9), dt.time(19)
_WORDS = {"hair_stylist": "hair stylist", "dentist": "dentist", "doctor": "doctor"}
_BOOKED = "You are booked with"
_LOST = 0.50

Provider = Mapping[str, Any]


def reply(asked: Asked) -> Reply:
    """Return the next step of the conversation."""
    talk = _Talk(asked)
    booked, found = asked.result("book_appointment"), asked.result("find_provider")
    if booked is not None:
        return talk.confirmation(booked)
    if talk.is_over:
        return Reply.answer("You are welcome. Have a good day!", 0.97)
    if not talk.service or not talk.city:
        return talk.question()
    if found is None:
        return Reply.call("find_provider", talk.search)
    providers = found.get("providers") if isinstance(found, dict) else None
    return _Choice(talk, providers).reply() if providers else talk.nobody()


class _Talk:
    """What is known from the conversation."""

    def __init__(self, asked: Asked) -> None:
        self.today = asked.today
        self.messages = [m for m in asked.talk if m.role != "tool" and m.text]
        self.last = asked.said[-1] if asked.said else ""
        self.asked = asked
        self.service: str | None = None
        self.city: str | None = None
        self.speciality: str | None = None
        self.flags: dict[str, bool] = {}
        self.date: dt.date | None = None
        self.time: dt.time | None = None
        for before, message in zip([Message("", ""), *self.messages], self.messages, strict=False):
            self._hear(message, before.text)

    def _hear(self, message: Message, before: str) -> None:
        text = message.text
        if message.role == "assistant":
            if text.startswith(_BOOKED):
                self.date = self.time = None
            return
        service = read.service(text)
        if service and service != self.service:
            self.service, self.speciality, self.flags = service, None, {}
        self.city = read.city(text, asked="city" in before.lower()) or self.city
        self.speciality = read.speciality(text) or self.speciality
        if not read.asks_about(text):
            self.flags |= {flag: True for flag in ("unisex", "cosmetic") if flag in text.lower()}
        self.date = when.date(text, self.today) or self.date
        self.time = when.time(text) or self.time

    @property
    def is_over(self) -> bool:
        """Whether nothing is left to do: thanks or goodbye, or no news after a booking."""
        text, before = self.last, next((m.text for m in reversed(self.messages) if m.role == "assistant"), "")
        needs = read.service(text) or read.city(text, asked=False) or read.wants_other(text) or "?" in text
        if needs or self.adds_when or read.asks_about(text):
            return False
        answers = before.endswith("?") and read.agrees(text)
        return before.startswith(_BOOKED) or (read.leaves(text) and not answers)

    @property
    def adds_when(self) -> bool:
        return bool(when.date(self.last, self.today) or when.time(self.last))

    @property
    def search(self) -> dict[str, Any]:
        wanted = {"service_type": self.service, "city": self.city}
        if self.service == "doctor" and self.speciality:
            wanted["speciality"] = self.speciality
        allowed = {"hair_stylist": "unisex", "dentist": "cosmetic"}.get(self.service or "")
        return wanted | {flag: value for flag, value in self.flags.items() if flag == allowed}

    def nobody(self) -> Reply:
        kind = _WORDS[self.service or ""]
        return Reply.answer(f"I am sorry, I found no {kind} in {self.city}. In which other city shall I look?", 0.92)

    def question(self) -> Reply:
        if self.service:
            return Reply.answer(f"In which city are you looking for a {_WORDS[self.service]}?", 0.95)
        known = self.city or self.adds_when or read.greets(self.last)
        ask = "I can book a hair stylist, a dentist or a doctor. Which do you need?"
        return Reply.answer(ask, 0.93) if known else Reply.answer(f"I am not sure that I understood. {ask}", _LOST)

    def confirmation(self, booked: Any) -> Reply:
        wanted = next(call.arguments for call, _ in reversed(self.asked.results) if call.name == "book_appointment")
        name, date, time = str(wanted["name"]), str(wanted["date"]), str(wanted["time"])
        if not isinstance(booked, dict) or booked.get("status") != "booked":
            sorry = f"I am sorry, {name} is not free on {date} at {time}. Which other time would suit you?"
            return Reply.answer(sorry, 0.92)
        output = {"name": name, "date": date, "time": time, "service_type": wanted["service_type"]}
        phone = booked.get("phone")
        return Reply.answer(f"{_BOOKED} {name} on {_day(date)} at {time}.", 0.97, {**output, "phone": phone})


@dataclass(frozen=True)
class _Choice:
    """The conversation once providers are known."""

    talk: _Talk
    providers: Sequence[Provider]

    def reply(self) -> Reply:
        talk, chosen = self.talk, self.chosen
        if chosen is None:
            return Reply.answer("I have proposed everybody there is. In which other city shall I look?", 0.92)
        if read.asks_about(talk.last):
            return self._about(chosen)
        name = chosen["name"]
        if name not in self._mentioned:
            return self._propose(chosen)
        if read.refuses(talk.last) and not talk.adds_when:
            return Reply.answer("All right. What would you like instead?", 0.90)
        if not (talk.adds_when or read.agrees(talk.last) or self._named(talk.last)):
            return Reply.answer(f"I am not sure that I understood. Shall I book {name}, and for when?", _LOST)
        return self._book(name)

    def _book(self, name: str) -> Reply:
        talk = self.talk
        if talk.date and talk.date < talk.today:
            return Reply.answer(f"{talk.date} is in the past. Which day would you like?", 0.93)
        if talk.time and not OPENS <= talk.time < CLOSES:
            return Reply.answer(f"{name} is open from {OPENS:%H:%M} to {CLOSES:%H:%M}. Which time suits you?", 0.93)
        if not talk.date:
            return Reply.answer(f"Which day would you like to see {name}?", 0.95)
        if not talk.time:
            return Reply.answer(f"At what time on {_day(talk.date.isoformat())}? They open at {OPENS:%H:%M}.", 0.95)
        slot = {"date": talk.date.isoformat(), "time": f"{talk.time:%H:%M}"}
        return Reply.call("book_appointment", {"service_type": talk.service, "name": name, **slot})

    @cached_property
    def chosen(self) -> Provider | None:
        """The provider last named by either side, or the next when another is wanted."""
        named = self._named(self.talk.last)
        if named:
            return named
        fresh = [p for p in self.providers if p["name"] not in self._mentioned]
        if read.wants_other(self.talk.last):
            return next(iter(fresh), None)
        earlier = (self._named(m.text) for m in reversed(self.talk.messages[:-1]))
        return next((p for p in earlier if p), None) or next(iter(fresh), None)

    @cached_property
    def _mentioned(self) -> set[str]:
        texts = " ".join(m.text for m in self.talk.messages).casefold()
        return {str(p["name"]) for p in self.providers if str(p["name"]).casefold() in texts}

    def _named(self, text: str) -> Provider | None:
        return next((p for p in self.providers if str(p["name"]).casefold() in text.casefold()), None)

    def _propose(self, provider: Provider) -> Reply:
        talk, where = self.talk, f", {provider['address']}" if provider.get("address") else ""
        reply = f"How about {provider['name']} in {talk.city}{where}?"
        if talk.date and talk.time:
            reply += f" Shall I book {_day(talk.date.isoformat())} at {talk.time:%H:%M}?"
        return Reply.answer(reply, 0.94)

    def _about(self, provider: Provider) -> Reply:
        text, name = self.talk.last.lower(), provider["name"]
        facts = [
            (r"address|where|locat", f"is at {provider.get('address')}", "address"),
            (r"phone|number|call", f"has the number {provider.get('phone')}", "phone"),
            (r"rat(?:ing|ed)", f"is rated {provider.get('rating')}", "rating"),
            (r"unisex", "is unisex" if provider.get("unisex") else "is not unisex", "unisex"),
            (
                r"cosmetic",
                f"{'offers' if provider.get('cosmetic') else 'does not offer'} cosmetic services",
                "cosmetic",
            ),
        ]
        known = [words for pattern, words, key in facts if re.search(pattern, text) and provider.get(key) is not None]
        if not known:
            return Reply.answer(f"I am sorry, I do not know that about {name}.", _LOST)
        return Reply.answer(f"{name} {' and '.join(known)}.", 0.95)


def _day(iso: str) -> str:
    try:
        return f"{dt.date.fromisoformat(iso):%A}, {iso}"
    except ValueError:
        return iso
