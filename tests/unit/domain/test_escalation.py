from dataclasses import replace
from typing import Any

import pytest
from turnkeeper.domain.attempt import Attempt, Outcome
from turnkeeper.domain.escalation import (
    Escalation,
    EscalationState,
    Listed,
    Severity,
    next_tier,
    severity,
    skip_reason,
)
from turnkeeper.domain.tier import Tier

NOW = 1_000.0
FRESH = Escalation(
    turn_id="turn_1",
    tenant="t",
    customer="carla",
    agent="paint",
    state=EscalationState.TIERS,
    reason="low_confidence",
    created_at=0,
    answer_by=9_000,
)


def tried(tier: Tier, *, reasked: bool = False) -> Attempt:
    return Attempt(1, tier, Outcome.REJECTED, "low_confidence", at=0, duration_ms=1, reasked=reasked)


@pytest.mark.parametrize(
    ("state", "claim_until", "status"),
    [
        (EscalationState.TIERS, 0, None),
        (EscalationState.OPEN, 0, Listed.OPEN),
        (EscalationState.CLAIMED, 1_001, Listed.CLAIMED),
        (EscalationState.CLAIMED, 1_000, Listed.OPEN),
        (EscalationState.ANSWERED, 0, Listed.ANSWERED),
        (EscalationState.EXPIRED, 0, Listed.EXPIRED),
        (EscalationState.RESOLVED, 0, None),
        (EscalationState.STOPPED, 0, None),
    ],
)
def test_how_it_is_listed(state: EscalationState, claim_until: float, status: Listed | None) -> None:
    assert status is replace(FRESH, state=state, claim_until=claim_until).listed(NOW)


@pytest.mark.parametrize(
    ("changes", "attempts", "tier"),
    [
        ({}, [], Tier.FIRST_ATTEMPT),
        ({"first_done": True}, [], Tier.CORRECTED_RETRY),
        ({"first_done": True, "reasked": True}, [], Tier.ALTERNATIVE_PATH),
        ({}, [tried(Tier.FIRST_ATTEMPT)], Tier.CORRECTED_RETRY),
        ({}, [tried(Tier.FIRST_ATTEMPT, reasked=True)], Tier.ALTERNATIVE_PATH),
        ({}, [tried(Tier.FIRST_ATTEMPT), tried(Tier.CORRECTED_RETRY)], Tier.ALTERNATIVE_PATH),
        ({"first_done": True}, [tried(Tier.CORRECTED_RETRY), tried(Tier.ALTERNATIVE_PATH)], Tier.HUMAN),
        ({"to_human": True}, [], Tier.HUMAN),
        ({"opened_at": 900.0}, [], Tier.HUMAN),
    ],
)
def test_which_tier_comes_next(changes: dict[str, Any], attempts: list[Attempt], tier: Tier) -> None:
    assert tier is next_tier(replace(FRESH, **changes), attempts)


def test_a_skipped_tier_has_a_reason_and_the_others_have_none() -> None:
    done = replace(FRESH, first_done=True)

    assert "the API tried it" == skip_reason(done, [], Tier.FIRST_ATTEMPT)
    assert [None, None] == [skip_reason(done, [], tier) for tier in (Tier.CORRECTED_RETRY, Tier.ALTERNATIVE_PATH)]


@pytest.mark.parametrize(("pages", "how"), [(1, Severity.HIGH), (2, Severity.HIGH), (3, Severity.CRITICAL)])
def test_pages_are_critical_from_the_second_level_on(pages: int, how: Severity) -> None:
    assert how is severity(pages, second_level_from=3)
