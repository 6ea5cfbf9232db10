"""Answers from the annotations of a conversation that the customer's words match."""

import zlib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from infra.local import sgd
from infra.local.model_provider.chat import Asked, Reply

_SEARCH = {"city": "city", "type": "speciality"}
_FLAGS = {"is_unisex": "unisex", "offers_cosmetic_services": "cosmetic"}


class Annotations:
    """The annotated conversations, found by what the customer says in them."""

    def __init__(self, dialogues: Sequence[sgd.Dialogue] = ()) -> None:
        self._ending: dict[str, list[tuple[sgd.Dialogue, int]]] = defaultdict(list)
        for dialogue in dialogues:
            for at, turn in enumerate(dialogue.turns):
                self._ending[turn["user"].strip()].append((dialogue, at))

    @classmethod
    def load(cls, path: Path | None = None) -> "Annotations":
        """Load the data set, where there is one."""
        return cls(sgd.load(path))

    def reply(self, asked: Asked) -> Reply | None:
        """Return what the annotations say; None where no conversation matches."""
        found = self._find([text.strip() for text in asked.said])
        return _reply(asked, *found) if found else None

    def _find(self, said: Sequence[str]) -> tuple[sgd.Dialogue, Mapping[str, Any]] | None:
        """Match from the conversation's beginning on; where the older history was dropped, all that is left of it."""
        best, longest = None, 0
        for dialogue, at in self._ending.get(said[-1] if said else "", ()):
            same = _same(dialogue.turns[: at + 1], said)
            if same > longest and (same == at + 1 or same == len(said) > 1):
                best, longest = (dialogue, dialogue.turns[at]), same
        return best


def _same(turns: Sequence[Mapping[str, Any]], said: Sequence[str]) -> int:
    """Count how many turns, from the last one back, say the same."""
    pairs = zip(reversed(turns), reversed(said), strict=False)
    return next((n for n, (turn, text) in enumerate(pairs) if turn["user"].strip() != text), min(len(turns), len(said)))


def _reply(asked: Asked, dialogue: sgd.Dialogue, turn: Mapping[str, Any]) -> Reply:
    confidence = 0.90 + zlib.crc32(turn["assistant"].encode()) % 8 / 100
    call = turn.get("call")
    if call is None:
        return Reply.answer(turn["assistant"], confidence)
    slots = call["parameters"]
    if call["method"] == "FindProvider":
        if asked.result("find_provider") is None:
            return Reply.call("find_provider", {"service_type": dialogue.service_type, **_search(slots)})
        return Reply.answer(turn["assistant"], confidence)
    wanted = {"name": sgd.name_in(slots), "date": slots["appointment_date"], "time": slots["appointment_time"]}
    booked = asked.result("book_appointment")
    if booked is None:
        return Reply.call("book_appointment", {"service_type": dialogue.service_type, **wanted})
    when = f"{wanted['name']} on {wanted['date']} at {wanted['time']}"
    was_booked = isinstance(booked, dict) and booked.get("status") == "booked"
    as_annotated = was_booked == bool(turn.get("results"))
    if not was_booked:
        sorry = f"I am sorry: {when} could not be booked. Would another time suit you?"
        return Reply.answer(turn["assistant"] if as_annotated else sorry, confidence)
    output = {**wanted, "service_type": dialogue.service_type, "phone": booked.get("phone")}
    return Reply.answer(turn["assistant"] if as_annotated else f"You are booked with {when}.", confidence, output)


def _search(slots: Mapping[str, str]) -> dict[str, Any]:
    named = {argument: slots[slot] for slot, argument in _SEARCH.items() if slot in slots}
    return named | {argument: slots[slot] == "True" for slot, argument in _FLAGS.items() if slot in slots}
