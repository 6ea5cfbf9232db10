import json
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st
from turnkeeper.domain.notice import Notice

NOTICE = Notice(
    turn_id="turn_1",
    tenant="tenant-a",
    customer="carla",
    agent="paint",
    message="Which colour?",
    reason="low_confidence",
    tried=[("first_attempt", "openai:first", "timeout")],
    cost=1_234,
    waited_s=3_700,
    answer_by="2026-11-24 09:00 UTC",
    link="https://api.example/console#/escalations/turn_1",
    page=1,
    second_level=False,
)
SNS_BYTES = 256 * 1024


def test_a_person_at_3_am_finds_what_they_need() -> None:
    text = NOTICE.text()

    for needed in ("carla", "Which colour?", "low confidence", "1 h 1 min", "$0.001234", NOTICE.link, "timeout"):
        assert needed in text


def test_the_machines_form_says_the_same() -> None:
    data = json.loads(NOTICE.json())

    assert ("escalation", "turn_1#1", "0.001234", 3_700) == (
        data["type"],
        data["dedup_key"],
        data["cost_usd"],
        data["waited_s"],
    )


def test_a_message_is_shown_up_to_300_characters() -> None:
    shown = json.loads(replace(NOTICE, message="x" * 301).json())["message"]

    assert (300, "…") == (len(shown), shown[-1])


def test_a_message_is_left_out_where_it_is_not_given() -> None:
    hidden = replace(NOTICE, message=None)

    assert "asked" not in hidden.text()
    assert json.loads(hidden.json())["message"] is None


def test_later_pages_and_the_second_level_show() -> None:
    third = replace(NOTICE, page=3, second_level=True)

    assert ("turn_1#3", "critical") == (third.dedup_key, third.attributes["severity"])
    assert "(page 3)" in third.subject()


def test_how_long_somebody_waits_is_said_in_words() -> None:
    said = [replace(NOTICE, waited_s=s).text().partition("since ")[2].partition(".")[0] for s in (5, 60, 3_660)]

    assert ["less than a minute", "1 min", "1 h 1 min"] == said


@given(st.text(max_size=3_000), st.from_regex(r"[a-z][a-z0-9_]{0,62}", fullmatch=True), st.integers(0, 40))
def test_a_notice_keeps_to_the_limits_of_sns_whatever_is_in_it(message: str, agent: str, tries: int) -> None:
    tried = [("first_attempt", "m" * 100, "timeout")] * tries
    notice = replace(NOTICE, message=message, agent=agent, page=tries, tried=tried)
    subject = notice.subject()

    assert len(subject) < 100
    assert subject.isascii()
    assert subject[0].isalnum() or subject[0] in "[("
    assert subject.isprintable()
    assert len((notice.text() + notice.json() + str(notice.attributes)).encode()) < SNS_BYTES
    assert len(notice.attributes) <= 10
