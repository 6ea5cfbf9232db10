"""A conversation that books an appointment, from the HTTPS call to the tool's store."""

import pytest

from tests.e2e.cloud import Cloud, new_customer

pytestmark = pytest.mark.cloud


def test_a_conversation_books_an_appointment(cloud: Cloud) -> None:
    """Three turns find a dentist, agree on a time and book it, once, for that customer."""
    cloud.http.delete(f"{cloud.stack['tools_url']}/_state")
    customer = new_customer()
    first = cloud.send("I need a dentist in Wexley.", customer_id=customer).json()
    conversation = first["conversation_id"]
    cloud.send("That sounds good.", customer_id=customer, conversation_id=conversation)
    last = cloud.send("On December 9 at 10:30, please.", customer_id=customer, conversation_id=conversation).json()

    booked = cloud.http.get(f"{cloud.stack['tools_url']}/appointments", params={"customer_id": customer}).json()
    assert ["completed", "first_attempt", "10:30:00"] == [last["status"], last["tier"], last["output"]["time"]]
    assert [last["output"]["name"]] == [a["name"] for a in booked]

    said = cloud.get(f"/v1/conversations/{first['conversation_id']}").json()
    assert ["I need a dentist in Wexley.", "That sounds good.", "On December 9 at 10:30, please."] == [
        t["message"] for t in said["turns"]
    ]


def test_a_replay_is_byte_for_byte_the_first_answer(cloud: Cloud) -> None:
    """The same key and body again is the same answer, and costs nothing."""
    customer = new_customer()
    first = cloud.send("I need a doctor in San Jose.", key="replayed", customer_id=customer)
    cloud.forget_calls()
    again = cloud.send("I need a doctor in San Jose.", key="replayed", customer_id=customer)

    assert (200, first.content, "true") == (again.status_code, again.content, again.headers["idempotency-replayed"])
    assert "idempotency-replayed" not in first.headers
    assert [] == cloud.calls()


def test_the_cost_is_what_the_provider_billed_for(cloud: Cloud) -> None:
    """What a customer spent is the sum of their turns, all of it posted."""
    customer = new_customer()
    turns = [cloud.send("I need a dentist in Palo Alto.", customer_id=customer).json() for _ in range(3)]
    spend = cloud.get(f"/v1/customers/{customer}/spend").json()

    assert round(sum(float(t["cost_usd"]) for t in turns), 6) == float(spend["posted_usd"])
    assert 0 == float(spend["pending_usd"])
    assert float(spend["limit_usd"]) - float(spend["posted_usd"]) == pytest.approx(float(spend["remaining_usd"]))


def test_an_asynchronous_turn_is_answered_later(cloud: Cloud) -> None:
    """`Prefer: respond-async` answers 202 at once, and the first attempt is made by the state machine."""
    sent = cloud.send("I need a dentist in Palo Alto.", headers={"Prefer": "respond-async"})
    ended = cloud.ended(sent.json()["turn_id"])

    assert (202, "completed", "first_attempt") == (sent.status_code, ended["status"], ended["tier"])
    where = sent.headers["location"]
    assert f"../../turns/{ended['turn_id']}" == where


def test_the_contract_describes_the_routes(cloud: Cloud) -> None:
    """OpenAPI is served to everyone, and names every route."""
    contract = cloud.request("GET", "/v1/openapi.json", who=None).json()

    assert contract["openapi"].startswith("3.1")
    assert {"/v1/agents/{agent}/turns", "/v1/turns/{turn_id}", "/v1/escalations/{turn_id}/answer"} <= set(
        contract["paths"]
    )
