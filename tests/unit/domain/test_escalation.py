from typing import Any

import pytest
from turnkeeper.domain.escalation import Due, EscalationState, Listed, Pacing, due_now, listed

PACING = Pacing(page_every=600, claim=900)
NOW = 1_000.0


def due(**changes: Any) -> Due:
    standing: dict[str, Any] = {
        "st": "OPEN",
        "answer_by": 9_000,
        "claim_until": 0,
        "next_page_at": 2_000,
        "pages": 1,
        "paged": 1,
    }
    return due_now(**{**standing, **changes}, now=NOW, pacing=PACING).action


@pytest.mark.parametrize(
    ("standing", "action"),
    [
        ({}, Due.NOTHING),
        ({"next_page_at": 1_000}, Due.PAGE),
        ({"paged": 0}, Due.REPEAT_PAGE),
        ({"paged": 0, "next_page_at": 1_000}, Due.PAGE),
        ({"paged": 0, "st": "CLAIMED", "claim_until": 1_001}, Due.NOTHING),
        ({"st": "CLAIMED", "claim_until": 1_001, "next_page_at": 0}, Due.NOTHING),
        ({"st": "CLAIMED", "claim_until": 1_000, "next_page_at": 0}, Due.PAGE),
        ({"st": "TIERS", "pages": 0, "paged": 0}, Due.ENSURE_EXECUTION),
        ({"answer_by": 1_000}, Due.EXPIRE),
        ({"answer_by": 1_000, "st": "TIERS"}, Due.EXPIRE),
        ({"answer_by": 1_000, "st": "CLAIMED", "claim_until": 9_999}, Due.EXPIRE),
        *(({"st": st, "answer_by": 1}, Due.END_EXECUTION) for st in ("ANSWERED", "EXPIRED", "RESOLVED", "STOPPED")),
    ],
    ids=str,
)
def test_what_is_due(standing: dict[str, Any], action: Due) -> None:
    assert action is due(**standing)


@pytest.mark.parametrize("st", EscalationState)
def test_everything_is_looked_at_again_and_what_lives_by_its_end(st: EscalationState) -> None:
    decision = due_now(
        st=st, answer_by=1_010, claim_until=5_000, next_page_at=5_000, pages=1, paged=1, now=NOW, pacing=PACING
    )

    assert NOW < decision.again_at <= 1_010
    assert decision.reason


@pytest.mark.parametrize(
    ("st", "claim_until", "status"),
    [
        ("TIERS", 0, None),
        ("OPEN", 0, Listed.OPEN),
        ("CLAIMED", 1_001, Listed.CLAIMED),
        ("CLAIMED", 1_000, Listed.OPEN),
        ("ANSWERED", 0, Listed.ANSWERED),
        ("EXPIRED", 0, Listed.EXPIRED),
        ("RESOLVED", 0, None),
        ("STOPPED", 0, None),
    ],
)
def test_how_it_is_listed(st: str, claim_until: float, status: Listed | None) -> None:
    assert status is listed(st, claim_until, NOW)
