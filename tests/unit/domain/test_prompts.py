from hypothesis import given
from hypothesis import strategies as st
from turnkeeper.domain.chat import Message
from turnkeeper.domain.prompts import NO_ANSWER, Said, history, system_prompt, tokens

exchanges = st.lists(st.builds(Said, st.text(max_size=40), st.text(max_size=40)), max_size=8)


def test_instructions_come_first_and_the_rules_after() -> None:
    prompt = system_prompt("  Be kind.\n", 1_795_000_000)

    assert prompt.startswith("Be kind.\n\nAnswer with one JSON object")
    assert prompt.endswith("It is Wednesday, 2026-11-18, 11:06 UTC.")


def test_a_corrected_retry_is_told_what_went_wrong() -> None:
    assert system_prompt("x", 0, ["low", "late"]).endswith("Avoid what went wrong:\n- low\n- late")


def test_a_token_is_four_bytes_rounded_up() -> None:
    assert [0, 1, 1, 2, 1] == [tokens(text) for text in ("", "a", "abcd", "abcde", "éé")]


def test_what_nobody_answered_is_said_so() -> None:
    assert [Message("user", "x"), Message("assistant", NO_ANSWER)] == history([Said("x", "")], 100)


@given(exchanges, st.integers(0, 60))
def test_the_oldest_turns_are_dropped_always_whole(said: list[Said], budget: int) -> None:
    kept = history(said, budget)
    newest = said[len(said) - len(kept) // 2 :]

    assert [s.user for s in newest] == [m.text for m in kept[::2]]
    assert {"user"} >= {m.role for m in kept[::2]}
    assert {"assistant"} >= {m.role for m in kept[1::2]}
    assert sum(tokens(m.text) for m in kept) <= budget
