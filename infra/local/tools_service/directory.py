"""Knows the providers that can be booked: the service's own, and those of the data set where it is at hand."""

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from infra.local import sgd

Provider = Mapping[str, Any]

SERVICE_TYPES = frozenset(sgd.SERVICE_TYPES.values())
_OWN = Path(__file__).with_name("providers.json")
_MOST = 10
_FIELDS = {
    "city": "city",
    "address": "address",
    "street_address": "address",
    "phone_number": "phone",
    "type": "speciality",
    "average_rating": "rating",
}
_FLAGS = {"is_unisex": "unisex", "offers_cosmetic_services": "cosmetic"}


class Directory:
    """Finds providers."""

    def __init__(self, providers: Iterable[Provider]) -> None:
        self._providers = {(p["service_type"], p["name"].casefold(), p["city"].casefold()): p for p in providers}

    @classmethod
    def load(cls, dialogues: Iterable[sgd.Dialogue] = ()) -> "Directory":
        """Load the service's own providers, and those that conversations name."""
        own = json.loads(_OWN.read_text(encoding="utf-8"))
        return cls([*_named(dialogues), *own])

    def search(self, query: Mapping[str, str]) -> list[Provider]:
        """Return up to ten providers of a service in a city, with what else the query asks for."""
        wanted = {name: query[name].casefold() for name in ("service_type", "city", "speciality") if query.get(name)}
        flags = [flag for flag in _FLAGS.values() if query.get(flag) == "true"]
        found = (
            provider
            for provider in self._providers.values()
            if all(str(provider.get(name, "")).casefold() == value for name, value in wanted.items())
            and all(provider.get(flag) for flag in flags)
        )
        return [provider for provider, _ in zip(found, range(_MOST), strict=False)]

    def find(self, service_type: str, name: str) -> Provider | None:
        """Return the provider of a name."""
        wanted = service_type, name.casefold()
        return next((p for key, p in self._providers.items() if key[:2] == wanted), None)


def _named(dialogues: Iterable[sgd.Dialogue]) -> Iterator[Provider]:
    """Return providers as searches found them, after those that are only booked, of whom less is known."""
    dialogues = list(dialogues)
    for dialogue in dialogues:
        for turn in dialogue.turns:
            if (turn.get("call") or {}).get("method") == "BookAppointment":
                known = {"name": sgd.name_in(turn["call"]["parameters"]), "city": turn["slots"].get("city", "")}
                yield {"service_type": dialogue.service_type, **known}
    for dialogue in dialogues:
        for turn in dialogue.turns:
            yield from (_provider(dialogue.service_type, r) for r in turn.get("results") or () if "city" in r)


def _provider(service_type: str, result: Mapping[str, Any]) -> Provider:
    known = {name: result[field] for field, name in _FIELDS.items() if field in result}
    flags = {name: result[field] == "True" for field, name in _FLAGS.items() if field in result}
    return {"service_type": service_type, "name": sgd.name_in(result), **known, **flags}


def taken(dialogues: Iterable[sgd.Dialogue]) -> set[tuple[str, str, str]]:
    """Return the (name, date, time) that the data set's service refused, and confirmed to nobody."""
    dialogues = list(dialogues)
    confirmed = {_slot(d.booking) for d in dialogues if d.booking}
    turns = [turn for dialogue in dialogues for turn in dialogue.turns]
    calls = [(t["call"], t.get("results")) for t in turns if t.get("call")]
    refused = {_slot(call["parameters"]) for call, found in calls if call["method"] == "BookAppointment" and not found}
    return refused - confirmed


def _slot(slots: Mapping[str, str]) -> tuple[str, str, str]:
    return sgd.name_in(slots).casefold(), slots["appointment_date"], slots["appointment_time"]
