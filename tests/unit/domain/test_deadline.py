import pytest
from hypothesis import given
from hypothesis import strategies as st
from turnkeeper.domain.deadline import call_limit

seconds = st.floats(0.1, 30)


@pytest.mark.parametrize(
    ("own", "rest", "left", "limit"),
    [
        (4, [], 20, 4),
        (4, [4], 20, 4),
        (20, [], 10, 10),
        (20, [20], 20, 10),
        (20, [10], 15, 10),
        (4, [4], 0, 0),
        (4, [4], -3, 0),
    ],
)
def test_a_call_has_its_own_limit_unless_the_rest_needs_the_time(
    own: float, rest: list[float], left: float, limit: float
) -> None:
    assert limit == call_limit(own, rest, left)


@given(seconds, st.lists(seconds, max_size=5), st.floats(0, 60))
def test_a_hung_chain_ends_by_its_deadline_and_everyone_had_a_turn(own: float, rest: list[float], left: float) -> None:
    chain = [own, *rest]
    for i, mine in enumerate(chain):
        limit = call_limit(mine, chain[i + 1 :], left)
        assert 0 <= limit <= mine + 1e-9
        assert limit > 0 or left <= 1e-9
        left -= limit  # it hung

    assert left >= -1e-6
