import pytest
from turnkeeper.domain.failures import CONSEQUENCES, Failure

OURS = {Failure.BAD_REQUEST, Failure.BREAKER_OPEN, Failure.THROTTLED_HERE, Failure.OVER_LIMIT}
ANSWERED = {Failure.TRUNCATED, Failure.REFUSAL, Failure.CONTENT_FILTER, Failure.INVALID_OUTPUT}


def test_the_table_is_total() -> None:
    assert set(Failure) == set(CONSEQUENCES)


@pytest.mark.parametrize("failure", Failure)
def test_what_counts_is_the_dependencys_own_failure(failure: Failure) -> None:
    assert CONSEQUENCES[failure].counts == (failure not in OURS | ANSWERED)


@pytest.mark.parametrize("failure", Failure)
def test_an_answer_stays_with_its_model_and_a_failure_moves_on(failure: Failure) -> None:
    assert CONSEQUENCES[failure].next_model == (failure not in ANSWERED)


@pytest.mark.parametrize("failure", Failure)
def test_a_probe_that_counts_or_was_answered_tells_something(failure: Failure) -> None:
    assert CONSEQUENCES[failure].probe_tells == (failure not in OURS)


@pytest.mark.parametrize("failure", Failure)
def test_only_what_the_other_side_may_mend_at_once_is_tried_again(failure: Failure) -> None:
    row = CONSEQUENCES[failure]

    assert not row.retry or (row.counts and not row.alert_owner)
