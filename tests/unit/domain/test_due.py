from dataclasses import replace
from typing import Any

import pytest
from turnkeeper.domain.due import Due, due_now
from turnkeeper.domain.escalation import Escalation, EscalationState
from turnkeeper.domain.policies import PagingTimes

TIMES = PagingTimes(page_every_s=600, claim_s=900)
NOW = 1_000.0
OPEN, CLAIMED, TIERS = EscalationState.OPEN, EscalationState.CLAIMED, EscalationState.TIERS
ENDED = (EscalationState.ANSWERED, EscalationState.EXPIRED, EscalationState.RESOLVED, EscalationState.STOPPED)
PAGED = Escalation(
    turn_id="turn_1",
    tenant="t",
    customer="carla",
    agent="paint",
    state=OPEN,
    reason="low_confidence",
    created_at=0,
    answer_by=9_000,
    next_page_at=2_000,
    pages=1,
    pages_confirmed=1,
)


@pytest.mark.parametrize(
    ("changes", "action"),
    [
        ({}, Due.NOTHING),
        ({"next_page_at": 1_000}, Due.PAGE),
        ({"pages_confirmed": 0}, Due.REPEAT_PAGE),
        ({"pages_confirmed": 0, "next_page_at": 1_000}, Due.PAGE),
        ({"pages_confirmed": 0, "state": CLAIMED, "claim_until": 1_001}, Due.NOTHING),
        ({"state": CLAIMED, "claim_until": 1_001, "next_page_at": 0}, Due.NOTHING),
        ({"state": CLAIMED, "claim_until": 1_000, "next_page_at": 0}, Due.PAGE),
        ({"state": TIERS, "pages": 0, "pages_confirmed": 0}, Due.ENSURE_EXECUTION),
        ({"answer_by": 1_000}, Due.EXPIRE),
        ({"answer_by": 1_000, "state": TIERS}, Due.EXPIRE),
        ({"answer_by": 1_000, "state": CLAIMED, "claim_until": 9_999}, Due.EXPIRE),
        *(({"state": state, "answer_by": 1}, Due.END_EXECUTION) for state in ENDED),
    ],
    ids=str,
)
def test_what_is_due(changes: dict[str, Any], action: Due) -> None:
    assert action is due_now(replace(PAGED, **changes), NOW, TIMES).action


@pytest.mark.parametrize("state", EscalationState)
def test_everything_is_looked_at_again_and_what_lives_by_its_end(state: EscalationState) -> None:
    escalation = replace(PAGED, state=state, answer_by=1_010, claim_until=5_000, next_page_at=5_000)
    decision = due_now(escalation, NOW, TIMES)

    assert NOW < decision.again_at <= 1_010
    assert decision.reason
