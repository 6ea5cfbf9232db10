from hypothesis import given
from hypothesis import strategies as st
from turnkeeper.domain.chat import Message
from turnkeeper.domain.prompts import NO_ANSWER, Said, history, note, system_prompt, tokens
from turnkeeper.domain.text import is_blank

seen = st.text(max_size=40).filter(lambda text: not is_blank(text))
exchanges = st.lists(st.builds(Said, seen, st.text(max_size=40)), max_size=8)


def test_instructions_come_first_and_the_rules_after() -> None:
    assert system_prompt("  Be kind.\n").startswith("Be kind.\n\nAnswer with one JSON object")


def test_the_time_is_told_after_all_that_stays_the_same() -> None:
    assert "It is Wednesday, 2026-11-18, 11:06 UTC." == note(1_795_000_000)


def test_a_corrected_retry_is_told_what_went_wrong() -> None:
    assert note(0, ["low", "late"]).endswith("Avoid what went wrong:\n- low\n- late")


def test_a_token_is_four_bytes_rounded_up() -> None:
    assert [0, 1, 1, 2, 1] == [tokens(text) for text in ("", "a", "abcd", "abcde", "éé")]


def test_what_nobody_answered_is_said_so() -> None:
    for blank in ("", " ", "\u200b"):
        assert [Message("user", "x"), Message("assistant", NO_ANSWER)] == history([Said("x", blank)], 100)


def test_a_message_of_which_nothing_is_seen_is_left_out_with_its_answer() -> None:
    assert [Message("user", "x"), Message("assistant", "y")] == history([Said("\n", "z"), Said("x", "y")], 100)


@given(exchanges, st.integers(0, 60))
def test_the_oldest_turns_are_dropped_always_whole(said: list[Said], budget: int) -> None:
    kept = history(said, budget)
    newest = said[len(said) - len(kept) // 2 :]

    assert [s.user for s in newest] == [m.text for m in kept[::2]]
    assert {"user"} >= {m.role for m in kept[::2]}
    assert {"assistant"} >= {m.role for m in kept[1::2]}
    assert sum(tokens(m.text) for m in kept) <= budget
