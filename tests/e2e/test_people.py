"""Turns that leave the fast path: answered by a later tier, or by a person who was paged."""

import json

import pytest

from tests.e2e.cloud import Cloud, new_customer, until

pytestmark = pytest.mark.cloud

CHAIN = ("gpt-6-luna", "claude-haiku-*")
EVERYTHING = {"model": "*", "mode": "error", "times": None}


def test_tier_1_answers_when_the_first_attempt_failed(cloud: Cloud) -> None:
    """Every model of the chain turns one call away; the corrected retry is accepted."""
    with cloud.faults(*({"model": model, "mode": "rate_limit", "times": 1} for model in CHAIN)):
        sent = cloud.send("I need a dentist in Palo Alto.")
        ended = cloud.ended(sent.json()["turn_id"])

    assert (202, "completed", "corrected_retry") == (sent.status_code, ended["status"], ended["tier"])


def test_tier_2_answers_when_tier_1_failed(cloud: Cloud) -> None:
    """No model of the chain works; the alternative path's other models do."""
    with cloud.faults(*({"model": model, "mode": "error", "times": None} for model in CHAIN)):
        ended = cloud.ended(cloud.send("I need a dentist in Palo Alto.").json()["turn_id"])

    assert ("completed", "alternative_path") == (ended["status"], ended["tier"])


def test_low_confidence_reaches_a_person_with_the_drafts(cloud: Cloud) -> None:
    """Answers of confidence 0.40 pass neither 0.85 nor 0.70: a person sees every try."""
    with cloud.faults({"model": "*", "mode": "low_confidence", "times": None}):
        turn_id = cloud.send("I need a dentist in Palo Alto.").json()["turn_id"]
        escalation = cloud.waiting(turn_id)

    assert ["first_attempt", "corrected_retry", "alternative_path"] == [a["tier"] for a in escalation["attempts"]]
    assert [0.4] * 3 == [a["confidence"] for a in escalation["attempts"]]


def test_a_person_is_paged_claims_and_answers(cloud: Cloud) -> None:
    """No model works: the page says what a person needs, and their answer is the turn's outcome."""
    with cloud.faults(EVERYTHING):
        customer = new_customer()
        sent = cloud.send("My tooth hurts, can you help me?", key="needs-a-person", customer_id=customer)
        turn_id = sent.json()["turn_id"]
        page = cloud.pages(turn_id)[0]
        escalation = cloud.waiting(turn_id)
    listed = cloud.operator("GET", "/v1/escalations").json()["escalations"]
    claim = cloud.operator("POST", f"/v1/escalations/{turn_id}/claim", {}).json()
    answer = {"version": claim["version"], "reply": "Come in at nine."}
    answered = cloud.operator("POST", f"/v1/escalations/{turn_id}/answer", answer)
    turn = cloud.get(f"/v1/turns/{turn_id}").json()

    assert 202 == sent.status_code
    assert ("My tooth hurts, can you help me?", customer, "booking") == (
        page["message"],
        page["customer_id"],
        page["agent"],
    )
    assert page["link"].endswith(f"/console#/escalations/{turn_id}")
    assert "token" not in json.dumps(page)
    assert ("awaiting_human", "My tooth hurts, can you help me?") == (
        escalation["turn"]["status"],
        escalation["message"],
    )
    assert turn_id in [e["turn_id"] for e in listed]
    assert 200 == answered.status_code
    assert ("completed", "human", "Come in at nine.") == (turn["status"], turn["tier"], turn["reply"])
    replay = cloud.send("My tooth hurts, can you help me?", key="needs-a-person", customer_id=customer)
    assert (202, sent.content) == (replay.status_code, replay.content)
    states = cloud.aws("stepfunctions")
    until(
        lambda: states.describe_execution(executionArn=cloud.execution(turn_id))["status"] == "SUCCEEDED",
        "the execution has ended",
    )


def test_of_two_operators_one_answers(cloud: Cloud) -> None:
    """The second claim loses, and so does an answer without the claim; a double click is one answer."""
    with cloud.faults(EVERYTHING):
        turn_id = cloud.send("Help!").json()["turn_id"]
        cloud.waiting(turn_id)
    path = f"/v1/escalations/{turn_id}"
    claim = cloud.operator("POST", f"{path}/claim", {}).json()
    lost = cloud.operator("POST", f"{path}/claim", {}, who="other_operator")
    foreign = cloud.operator("POST", f"{path}/claim", {}, who="other_tenant_operator")
    answer = {"version": claim["version"], "reply": "Done."}
    stolen = cloud.operator("POST", f"{path}/answer", answer, who="other_operator")
    answers = [cloud.operator("POST", f"{path}/answer", answer) for _ in range(2)]
    changed = cloud.operator("POST", f"{path}/answer", {**answer, "reply": "Something else."})

    assert [409, 404, 409] == [lost.status_code, foreign.status_code, stolen.status_code]
    assert [200, 200, 409] == [*(a.status_code for a in answers), changed.status_code]
    assert answers[0].content == answers[1].content


def test_a_stopped_execution_is_carried_on(cloud: Cloud) -> None:
    """An execution that somebody stops is started again, and the turn still reaches a person."""
    with cloud.faults(EVERYTHING):
        sent = cloud.send("Help!")
        turn_id = sent.json()["turn_id"]
        cloud.aws("stepfunctions").stop_execution(executionArn=cloud.execution(turn_id))
        cloud.waiting(turn_id)
    claim = cloud.operator("POST", f"/v1/escalations/{turn_id}/claim", {}).json()
    cloud.operator("POST", f"/v1/escalations/{turn_id}/answer", {"version": claim["version"], "reply": "Here I am."})

    assert ("completed", "Here I am.") == (cloud.ended(turn_id)["status"], cloud.ended(turn_id)["reply"])


def test_nobody_claims_so_others_are_paged(cloud: Cloud) -> None:
    """Pages repeat, each with a key of its own, and become critical at the second level."""
    with cloud.faults(EVERYTHING):
        turn_id = cloud.send("Help!").json()["turn_id"]
        seen: dict[str, str] = {}

        def critical() -> bool:
            seen.update({p["dedup_key"]: p["severity"] for p in cloud.pages(turn_id)})
            return "critical" in seen.values()

        until(critical, "the second level is paged")

    assert ["high", "high", "critical"] == [seen[f"{turn_id}#{n}"] for n in (1, 2, 3)]


def test_an_operator_stops_a_turn(cloud: Cloud) -> None:
    """A stopped turn has failed, honestly; stopping it again is refused."""
    with cloud.faults(EVERYTHING):
        turn_id = cloud.send("Help!").json()["turn_id"]
        cloud.waiting(turn_id)
    stopped = cloud.operator("POST", f"/v1/turns/{turn_id}/stop")
    again = cloud.operator("POST", f"/v1/turns/{turn_id}/stop")

    assert [(200, "failed", "stopped"), 409] == [
        (stopped.status_code, stopped.json()["status"], stopped.json()["reason"]),
        again.status_code,
    ]
