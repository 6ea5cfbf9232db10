"""DynamoDB throttles, conflicts, fails and refuses: what is retried, for how long, and what it comes to."""

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ConnectionClosedError, ConnectTimeoutError, EndpointConnectionError, NoCredentialsError
from botocore.parsers import ResponseParserError
from turnkeeper.adapters.dynamodb import DynamoTable
from turnkeeper.errors import StoreContended, StoreUnavailable
from turnkeeper.ports import Attr, Delete, Put, Refused, Update

from tests.contract.table.faults import Fault, Faults, Time, answering, cancelled, raising

KEY = ("p", "s")
URL = "https://dynamodb"
CALLS: dict[str, Callable[[DynamoTable], Any]] = {
    "get": lambda table: table.get(KEY),
    "batch_get": lambda table: table.batch_get([KEY, ("p", "t")]),
    "query": lambda table: table.query("p", prefix="s", limit=5),
    "query_index": lambda table: table.query_index("due", "X"),
    "update": lambda table: table.write(Update(KEY, add={"n": 1}, when=Attr("n").absent())),
    "put": lambda table: table.write(Put(KEY, {})),
    "delete": lambda table: table.transact([Delete(KEY)]),
    "transact": lambda table: table.transact([Put(KEY, {}), Put(("p", "t"), {})]),
}
THROTTLED = {
    code: answering(code)
    for code in ("ProvisionedThroughputExceededException", "ThrottlingException", "RequestLimitExceeded")
}
CONFLICTS = {
    "conflict with a transaction": answering("TransactionConflictException"),
    "conflict": cancelled("None", "TransactionConflict"),
    "throttled items": cancelled("ThrottlingError", "ProvisionedThroughputExceeded"),
    "conflict and throttled": cancelled("TransactionConflict", "ThrottlingError"),
}
UNSURE = {
    "500": answering("InternalServerError", 500),
    "503": answering("ServiceUnavailable", 503),
    "in progress": answering("TransactionInProgressException"),
    "closed": raising(ConnectionClosedError(endpoint_url=URL)),
    "no connection": raising(EndpointConnectionError(endpoint_url=URL)),
    "no connection in time": raising(ConnectTimeoutError(endpoint_url=URL)),
    "not to be read": raising(ResponseParserError("garbage")),
}
HOPELESS = {
    "denied": answering("AccessDeniedException"),
    "no table": answering("ResourceNotFoundException"),
    "invalid": answering("ValidationException"),
    "invalid transaction": cancelled("None", "ValidationError"),
    "no credentials": raising(NoCredentialsError()),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_nothing_costs_more_than_one_call(
    faulty: DynamoTable, faults: Faults, call: Callable[[DynamoTable], Any]
) -> None:
    call(faulty)

    assert len(faults.calls) == 1


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
@pytest.mark.parametrize("fault", (THROTTLED | UNSURE).values(), ids=THROTTLED | UNSURE)
def test_a_failed_call_is_tried_again(
    faulty: DynamoTable, faults: Faults, time: Time, fault: Fault, call: Callable[[DynamoTable], Any]
) -> None:
    faults.plan.extend([fault, fault])

    call(faulty)

    assert len(faults.calls) == 3
    assert len(time.slept) == 2


@pytest.mark.parametrize("fault", (THROTTLED | CONFLICTS).values(), ids=THROTTLED | CONFLICTS)
def test_a_transaction_in_the_way_of_others_is_tried_again_once_asked(
    faulty: DynamoTable, faults: Faults, fault: Fault
) -> None:
    faults.plan.extend([fault, fault])
    asked: list[int] = []

    faulty.transact([Put(KEY, {}), Put(("p", "t"), {})], on_conflict=lambda: asked.append(len(faults.calls)))

    assert asked == [1, 2]
    assert len(faulty.query("p")) == 2


def test_a_transaction_may_be_given_up_between_tries(faulty: DynamoTable, faults: Faults) -> None:
    faults.always = cancelled("TransactionConflict")

    def give_up() -> None:
        raise LookupError("the day is full")

    with pytest.raises(LookupError):
        faulty.transact([Put(KEY, {})], on_conflict=give_up)

    assert len(faults.calls) == 1


def test_a_transaction_that_may_have_happened_is_not_given_up(faulty: DynamoTable, faults: Faults) -> None:
    faults.plan.extend([UNSURE["500"], CONFLICTS["conflict"]])

    faulty.transact([Put(KEY, {})], on_conflict=pytest.fail)

    assert faulty.get(KEY) is not None


@pytest.mark.parametrize("fault", (THROTTLED | CONFLICTS).values(), ids=THROTTLED | CONFLICTS)
def test_who_never_gets_a_turn_is_told_that_nothing_was_written(
    faulty: DynamoTable, faults: Faults, time: Time, fault: Fault
) -> None:
    faults.always = fault

    with pytest.raises(StoreContended):
        faulty.transact([Put(KEY, {}), Put(("p", "t"), {})])

    faults.always = None
    assert faulty.query("p") == []
    assert 1.0 < time.clock() <= 2.0


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
@pytest.mark.parametrize("fault", UNSURE.values(), ids=UNSURE)
def test_a_table_that_stays_away_is_unavailable(
    faulty: DynamoTable, faults: Faults, time: Time, fault: Fault, call: Callable[[DynamoTable], Any]
) -> None:
    faults.always = fault

    with pytest.raises(StoreUnavailable) as away:
        call(faulty)

    assert not isinstance(away.value, StoreContended)
    assert 1.0 < time.clock() <= 2.0


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
@pytest.mark.parametrize("fault", HOPELESS.values(), ids=HOPELESS)
def test_what_no_retry_would_mend_is_told_at_once_with_its_cause(
    faulty: DynamoTable, faults: Faults, time: Time, fault: Fault, call: Callable[[DynamoTable], Any]
) -> None:
    faults.always = fault

    with pytest.raises(StoreUnavailable) as hopeless:
        call(faulty)

    assert hopeless.value.__cause__ is not None
    assert str(hopeless.value.__cause__) in str(hopeless.value)
    assert (len(faults.calls), time.slept) == (1, [])


def test_waits_grow_and_are_jittered_from_nothing_to_all_of_it(faulty: DynamoTable, faults: Faults, time: Time) -> None:
    faults.plan.extend([THROTTLED["ThrottlingException"]] * 6)

    faulty.get(KEY)

    assert time.slept == pytest.approx([0.999 * wait for wait in (0.02, 0.04, 0.08, 0.16, 0.32, 0.5)])


def test_a_failed_condition_stands_whatever_else_was_in_the_way(faulty: DynamoTable, faults: Faults) -> None:
    faults.always = cancelled("TransactionConflict", "ConditionalCheckFailed", "ThrottlingError")

    with pytest.raises(Refused) as refused:
        faulty.transact([Put(("p", f"{n}"), {}, Attr("pk").absent()) for n in range(3)])

    assert (refused.value.failed, refused.value.olds) == ((1,), (None, None, None))


def test_keys_that_were_left_out_of_a_batch_are_asked_for_again(
    faulty: DynamoTable, dynamo_client: Any, time: Time
) -> None:
    keys = [("p", f"{n}") for n in range(4)]
    faulty.transact([Put(key, {}) for key in keys])
    asked = []

    def leave_out_all_but_one(parsed: Any, **_: Any) -> None:
        found = parsed["Responses"]["turnkeeper"]
        asked.append(len(found))
        left = [{"pk": item["pk"], "sk": item["sk"]} for item in found[1:]]
        parsed["Responses"]["turnkeeper"] = found[:1]
        parsed["UnprocessedKeys"] = {"turnkeeper": {"Keys": left, "ConsistentRead": True}} if left else {}

    dynamo_client.meta.events.register("after-call.dynamodb.BatchGetItem", leave_out_all_but_one)
    found = faulty.batch_get(keys)
    dynamo_client.meta.events.unregister("after-call.dynamodb.BatchGetItem", leave_out_all_but_one)

    assert sorted(found) == keys
    assert asked == [4, 3, 2, 1]
    assert len(time.slept) == 3


def test_a_batch_that_is_never_served_in_full_is_contended(faulty: DynamoTable, dynamo_client: Any) -> None:
    def leave_out_all(parsed: Any, **_: Any) -> None:
        keys = [{"pk": {"S": "p"}, "sk": {"S": "s"}}]
        parsed |= {"Responses": {}, "UnprocessedKeys": {"turnkeeper": {"Keys": keys, "ConsistentRead": True}}}

    dynamo_client.meta.events.register("after-call.dynamodb.BatchGetItem", leave_out_all)
    with pytest.raises(StoreContended):
        faulty.batch_get([KEY])
    dynamo_client.meta.events.unregister("after-call.dynamodb.BatchGetItem", leave_out_all)
