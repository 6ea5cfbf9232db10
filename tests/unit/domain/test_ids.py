from hypothesis import given
from hypothesis import strategies as st
from turnkeeper.domain.ids import conversation_id, digest, position, request_fingerprint, turn_id

text = st.text(max_size=20)


@given(st.lists(text, min_size=4, max_size=4), st.lists(text, min_size=4, max_size=4))
def test_two_turns_have_one_id_only_where_everything_is_the_same(one: list[str], other: list[str]) -> None:
    assert (one == other) == (turn_id(*one) == turn_id(*other))


def test_parts_of_an_id_do_not_run_into_each_other() -> None:
    assert digest("ab", "c") != digest("a", "bc") != digest("a", "b", "c")


def test_a_fingerprint_ignores_the_order_of_fields_and_nothing_else() -> None:
    body = {"message": "é", "metadata": {"a": "1", "b": "2"}}

    assert request_fingerprint(body) == request_fingerprint({"metadata": {"b": "2", "a": "1"}, "message": "é"})
    assert request_fingerprint(body) != request_fingerprint({**body, "message": "e"})
    assert request_fingerprint({"n": 1}) != request_fingerprint({"n": "1"})


def test_a_conversations_id_follows_from_its_first_turn() -> None:
    assert conversation_id("turn_1") == conversation_id("turn_1") != conversation_id("turn_2")


@given(st.floats(0, 4e9), st.floats(0, 4e9))
def test_positions_sort_as_text_by_the_moment_of_acquisition(one: float, other: float) -> None:
    if int(one * 1e6) < int(other * 1e6):
        assert position(one, "z") < position(other, "a")
