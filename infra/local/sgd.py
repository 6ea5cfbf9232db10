"""Reads the conversations of the Schema-Guided Dialogue data set, where it is at hand."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_BESIDE = Path(__file__).resolve().parents[3] / "shared/data/sgd_appointments.jsonl"
SERVICE_TYPES = {"Services_1": "hair_stylist", "Services_2": "dentist", "Services_3": "doctor"}
NAMES = ("stylist_name", "dentist_name", "doctor_name")


@dataclass(frozen=True, slots=True)
class Dialogue:
    """One conversation, as the data set has it."""

    dialogue_id: str
    service_type: str
    turns: tuple[dict[str, Any], ...]
    booking: dict[str, str] | None


def find(path: Path | None = None) -> Path | None:
    """Return where the data set is: `path`, the variable `SGD_DATA`, or beside the repository; None if nowhere."""
    named = path or os.environ.get("SGD_DATA")
    if named:
        return Path(named)
    return _BESIDE if _BESIDE.exists() else None


def load(path: Path | None = None) -> list[Dialogue]:
    """Return every conversation; none without the data set."""
    found = find(path)
    if found is None:
        return []
    rows = [json.loads(line) for line in found.read_text(encoding="utf-8").splitlines() if line.strip()]
    return [
        Dialogue(row["dialogue_id"], SERVICE_TYPES[row["service"]], tuple(row["turns"]), row["booking"]) for row in rows
    ]


def name_in(slots: Mapping[str, str]) -> str:
    """Return the provider's name in a call or a result, whichever the service."""
    return next(slots[name] for name in NAMES if name in slots)
