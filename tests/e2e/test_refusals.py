"""Who is turned away, and how: every refusal is a problem that says what to do, and charges nothing."""

import json
import time

import pytest

from tests.e2e.cloud import Cloud, code, new_customer

pytestmark = pytest.mark.cloud
TURNS = "/v1/agents/booking/turns"


@pytest.mark.parametrize("token", ["", "Bearer nonsense", "Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiJ4In0."])
def test_no_token_or_a_forged_one_is_401(cloud: Cloud, token: str) -> None:
    headers = {"Authorization": token} if token else {}
    answer = cloud.request("POST", TURNS, who=None, body={"message": "hi"}, headers=headers)

    assert (401, "unauthorized") == (answer.status_code, code(answer))


def test_roles_are_held_apart(cloud: Cloud) -> None:
    """Operators send no turns, customers and services operate nothing."""
    turn = cloud.request("POST", TURNS, who="operator", body={"message": "hi"}, headers={"Idempotency-Key": "k"})
    refused = [cloud.request("GET", "/v1/escalations", who=who) for who in ("customer", "service", "other_tenant")]

    assert [(403, "forbidden")] * 4 == [(r.status_code, code(r)) for r in (turn, *refused)]


def test_a_customer_acts_for_nobody_else(cloud: Cloud) -> None:
    answer = cloud.send("hi", who="customer", customer_id="somebody-else")

    assert (403, "forbidden") == (answer.status_code, code(answer))


@pytest.mark.parametrize(
    ("content", "key"),
    [
        ('{"message": "hi"}', None),
        ('{"message": "hi"}', "a,b"),
        ('{"message": "hi"}', "k" * 256),
        ("not json", "k"),
        ("[" * 5000 + "]" * 5000, "k"),
        ('{"message": "hi", "surprise": 1}', "k"),
        ('{"message": "   "}', "k"),
        (json.dumps({"message": "x" * 16_001}), "k"),
        ('{"message": 5}', "k"),
    ],
    ids=["no key", "comma", "long key", "no json", "deep", "unknown field", "blank", "long", "type"],
)
def test_what_is_malformed_is_400(cloud: Cloud, content: str, key: str | None) -> None:
    headers = {"Idempotency-Key": key} if key else {}
    answer = cloud.request("POST", TURNS, content=content, headers=headers)

    assert (400, "invalid-request") == (answer.status_code, code(answer))


def test_a_service_must_name_its_customer(cloud: Cloud) -> None:
    answer = cloud.request("POST", TURNS, who="service", body={"message": "hi"}, headers={"Idempotency-Key": "k"})

    assert (400, "invalid-request") == (answer.status_code, code(answer))


def test_a_body_that_is_too_large_is_413(cloud: Cloud) -> None:
    body = {"message": "hi", "metadata": {"a": "x" * 300_000}}
    answer = cloud.request("POST", TURNS, body=body, headers={"Idempotency-Key": "k"})

    assert (413, "payload-too-large") == (answer.status_code, code(answer))


def test_a_key_with_another_body_is_422(cloud: Cloud) -> None:
    customer = new_customer()
    cloud.send("I need a dentist in Palo Alto.", key="one-key", customer_id=customer)
    answer = cloud.send("I need a doctor in Palo Alto.", key="one-key", customer_id=customer)

    assert (422, "key-reused") == (answer.status_code, code(answer))


@pytest.mark.parametrize("path", ["/v1/turns/turn_none", "/v1/conversations/conv_none", "/v1/nothing"])
def test_what_is_not_there_is_404(cloud: Cloud, path: str) -> None:
    answer = cloud.get(path)

    assert (404, "not-found") == (answer.status_code, code(answer))


def test_an_unknown_agent_or_conversation_is_404(cloud: Cloud) -> None:
    unknown = [cloud.send("hi", agent="nobody"), cloud.send("hi", conversation_id="conv_none")]

    assert [(404, "not-found")] * 2 == [(a.status_code, code(a)) for a in unknown]


def test_another_tenant_sees_nothing(cloud: Cloud) -> None:
    """The same ids, asked for by another tenant or another customer, are not there."""
    turn = cloud.send("I need a dentist in Palo Alto.", who="customer").json()
    paths = [f"/v1/turns/{turn['turn_id']}", f"/v1/conversations/{turn['conversation_id']}"]
    strangers = ("other_customer", "other_service", "other_tenant")

    assert [200, 200] == [cloud.get(path, who="customer").status_code for path in paths]
    assert [404] * 6 == [cloud.get(path, who=who).status_code for path in paths for who in strangers]
    assert 403 == cloud.get(f"/v1/customers/{turn['customer_id']}/spend", who="other_customer").status_code
    spend = cloud.get(f"/v1/customers/{turn['customer_id']}/spend", who="other_service").json()
    assert 0 == float(spend["posted_usd"])


def test_a_task_ends_at_its_limit(cloud: Cloud) -> None:
    """A limit below one call's worst case refuses with 402, calls nothing and keeps nothing."""
    customer = new_customer()
    tenant = cloud.send("I need a dentist in Palo Alto.", customer_id=customer)
    assert 200 == tenant.status_code
    cloud.forget_calls()
    table, name = cloud.aws("dynamodb"), cloud.stack["table_name"]
    day = table.query(
        TableName=name,
        IndexName="customer",
        KeyConditionExpression="cust_pk = :c",
        ExpressionAttributeValues={":c": {"S": f"CUST#{_tenant(cloud)}#{customer}"}},
    )["Items"]
    key = next({"pk": i["pk"], "sk": i["sk"]} for i in day if i["sk"]["S"].startswith("DAY#"))
    table.update_item(
        TableName=name,
        Key=key,
        UpdateExpression="SET committed = :n, posted = :n",
        ExpressionAttributeValues={":n": {"N": "4999990"}},
    )
    refused = cloud.send("I need a dentist in Palo Alto.", customer_id=customer, key="too-dear")
    problem = refused.json()

    assert (402, "limit-exceeded") == (refused.status_code, code(refused))
    assert ("customer_day", "0.000010") == (problem["limit"], problem["remaining_usd"])
    assert problem["resets_at"].endswith("T00:00:00Z")
    assert [] == cloud.calls()
    assert 404 == cloud.get(f"/v1/turns/{tenant.json()['turn_id']}x").status_code


def test_a_customer_beyond_the_rate_limit_is_told_when_to_come_back(cloud: Cloud) -> None:
    """A customer whose next conforming arrival lies far ahead is refused with 429, and the key may be tried again."""
    customer = new_customer()
    table, name = cloud.aws("dynamodb"), cloud.stack["table_name"]
    key = {"pk": {"S": f"RATE#{_tenant(cloud)}#{customer}"}, "sk": {"S": "RATE"}}
    table.put_item(TableName=name, Item={**key, "tat": {"N": f"{(time.time() + 100) * 1000:.0f}"}})
    refused = cloud.send("I need a dentist in Palo Alto.", customer_id=customer, key="too-fast")
    table.delete_item(TableName=name, Key=key)
    admitted = cloud.send("I need a dentist in Palo Alto.", customer_id=customer, key="too-fast")

    assert (429, "rate-limited") == (refused.status_code, code(refused))
    assert 0 < int(refused.headers["retry-after"]) <= 100
    assert 200 == admitted.status_code


def _tenant(cloud: Cloud) -> str:
    clients = cloud.aws("cloudformation").describe_stacks(StackName="turnkeeper")["Stacks"][0]["Outputs"]
    return str(next(o["OutputValue"] for o in clients if o["OutputKey"] == "ServiceClientId"))
