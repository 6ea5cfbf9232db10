import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from turnkeeper.domain.notice import Notice, Tried

NOTICE = Notice(
    turn_id="turn_1",
    tenant="tenant-a",
    customer="carla",
    agent="paint",
    message="Which colour?",
    reason="low_confidence",
    tried=[Tried("first_attempt", "openai:first", "timeout")],
    cost_micro_usd=1_234,
    waited_s=3_700,
    answer_by=1_795_000_000.5,
    link="https://api.example/console#/escalations/turn_1",
    page=1,
    second_level=False,
)
SNS_BYTES = 256 * 1024
MARKS = "\u00ad\u061c\u2060\u2800\u3164\ufe0f\ufeff\U000e0041\x00\x1b\x7f\x9b\u200b\u200f\u202a\u202e\u2066\u2069"


def test_a_person_at_3_am_finds_what_they_need() -> None:
    text = NOTICE.text()

    needs = ("carla", "Which colour?", "low confidence", "1 h 1 min", "$0.001234", "timeout", "2026-11-18 11:06 UTC")
    for needed in (*needs, NOTICE.link):
        assert needed in text


def test_the_machines_form_says_the_same() -> None:
    data = json.loads(NOTICE.json())

    assert ("escalation", "turn_1#1", "0.001234", 3_700, "2026-11-18T11:06:40Z") == (
        data["type"],
        data["dedup_key"],
        data["cost_usd"],
        data["waited_s"],
        data["answer_by"],
    )


def test_an_sms_is_a_line_that_leads_there() -> None:
    line = replace(NOTICE, second_level=True).sms()

    assert (
        "Turnkeeper critical: carla waits for a person (paint). https://api.example/console#/escalations/turn_1" == line
    )


def test_what_was_wrong_is_worded_for_people_and_coded_for_machines() -> None:
    wrong = replace(NOTICE, tried=[Tried("corrected_retry", "openai:first", "invalid_output", "date:\nField required")])
    (told,) = json.loads(wrong.json())["tried"]

    assert "  corrected retry · openai:first · invalid output: date: Field required\n" in wrong.text()
    assert ("invalid_output", "date: Field required") == (told["failure"], told["error"])
    assert json.loads(NOTICE.json())["tried"][0]["error"] is None


def test_what_was_wrong_is_cut() -> None:
    told = json.loads(replace(NOTICE, tried=[Tried("t", "m", "f", "x" * 121)]).json())["tried"][0]["error"]

    assert (120, "…") == (len(told), told[-1])


@pytest.mark.parametrize("invisible", MARKS, ids=ascii)
def test_what_cannot_be_seen_is_shown(invisible: str) -> None:
    hidden = f"pay{invisible}me"
    notice = replace(NOTICE, message=hidden, tried=[Tried("t", "m", "f", hidden)])
    told = json.loads(notice.json())

    assert ("pay\ufffdme", "pay\ufffdme") == (told["message"], told["tried"][0]["error"])
    assert 2 == notice.text().count("pay\ufffdme")


def test_lines_of_a_message_become_one() -> None:
    assert "  One. Two. Three.\n" in replace(NOTICE, message="One.\nTwo.\r\n\tThree.").text()


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
    assert "[Turnkeeper] CRITICAL paint: a customer waits for a person (page 3)" == third.subject()
    assert "Severity:  CRITICAL, page 3" in third.text().splitlines()[:4]
    assert "CRITICAL" not in NOTICE.subject() + NOTICE.text()


def test_how_long_somebody_waits_is_said_in_words() -> None:
    said = [replace(NOTICE, waited_s=s).text().partition("a person for ")[2].partition(".")[0] for s in (5, 60, 3_660)]

    assert ["less than a minute", "1 min", "1 h 1 min"] == said


@given(st.text(max_size=3_000), st.from_regex(r"[a-z][a-z0-9_]{0,62}", fullmatch=True), st.integers(0, 40))
def test_a_notice_keeps_to_the_limits_of_sns_whatever_is_in_it(message: str, agent: str, tries: int) -> None:
    tried = [Tried("first_attempt", "m" * 100, "timeout", message)] * tries
    notice = replace(NOTICE, message=message, agent=agent, page=tries, tried=tried)
    subject = notice.subject()

    assert len(subject) < 100
    assert "\n" not in notice.sms()
    assert subject.isascii()
    assert subject[0].isalnum() or subject[0] in "[("
    assert subject.isprintable()
    assert len((notice.text() + notice.json() + str(notice.attributes)).encode()) < SNS_BYTES
    assert len(notice.attributes) <= 10
