"""A write whose answer is lost has happened once, and is told as what it is."""

from collections import deque
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from turnkeeper.adapters.dynamodb import DynamoTable
from turnkeeper.errors import StoreContended, StoreUnavailable
from turnkeeper.ports import Attr, Check, Delete, Item, Op, Put, Refused, Table, Update, Write

from tests.contract.table.faults import Faults, answering, cancelled, lost

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

KEY, OTHER = ("p", "s"), ("p", "t")
BEFORE = {"pk": "p", "sk": "s", "n": 1}
WRITES: dict[str, tuple[Write, Item]] = {
    "add": (Update(KEY, add={"n": 1}), BEFORE | {"n": 2}),
    "add, holding again": (Update(KEY, add={"n": 1}, when=Attr("n").le(9)), BEFORE | {"n": 2}),
    "add, not holding again": (Update(KEY, add={"n": 1}, when=Attr("n").le(1)), BEFORE | {"n": 2}),
    "set": (Update(KEY, set={"n": 7}, when=Attr("n").eq(1)), BEFORE | {"n": 7}),
    "put": (Put(KEY, {"m": 1}), {"pk": "p", "sk": "s", "m": 1}),
    "put, not holding again": (Put(KEY, {"m": 1}, Attr("n").exists()), {"pk": "p", "sk": "s", "m": 1}),
}


@pytest.mark.parametrize(("op", "after"), WRITES.values(), ids=WRITES)
@pytest.mark.parametrize("times", [1, 2])
def test_a_write_happens_once(faulty: DynamoTable, faults: Faults, op: Write, after: Item, times: int) -> None:
    faulty.write(Put(KEY, {"n": 1}))
    faults.plan.extend([lost()] * times)

    assert faulty.write(op) == after
    assert len(faults.calls) == 1 + times + 1
    assert faulty.get(KEY) == after


@pytest.mark.parametrize(("op", "after"), WRITES.values(), ids=WRITES)
def test_a_write_happens_once_if_the_client_retries_by_itself(
    dynamo_client: "DynamoDBClient", op: Write, after: Item
) -> None:
    client = boto3.client(
        "dynamodb",
        region_name=dynamo_client.meta.region_name,
        aws_access_key_id="testing",
        aws_secret_access_key="testing",
        config=Config(retries={"mode": "standard", "total_max_attempts": 3}),
    )
    table = DynamoTable(client, "turnkeeper", patience_s=0)
    table.write(Put(KEY, {"n": 1}))
    again = deque([0.0])

    def retry_at_once(**_: Any) -> float | None:
        return again.popleft() if again else None

    events: Any = client.meta.events
    events.register_first("needs-retry.dynamodb", retry_at_once)

    assert table.write(op) == after
    assert not again
    assert table.get(KEY) == after


@pytest.mark.parametrize("times", [1, 2])
@pytest.mark.parametrize(
    "ops",
    [
        [Update(KEY, add={"n": 1}), Put(OTHER, {})],
        [Update(KEY, add={"n": 1}, when=Attr("n").le(1)), Put(OTHER, {}, Attr("pk").absent())],
        [Put(OTHER, {}, Attr("pk").absent()), Update(KEY, add={"n": 1}, when=Attr("n").le(9))],
        [Check(("q", "q"), Attr("pk").absent()), Put(OTHER, {}), Update(KEY, set={"n": 2}), Delete(("q", "r"))],
    ],
)
def test_a_transaction_happens_once(faulty: DynamoTable, faults: Faults, ops: list[Op], times: int) -> None:
    faulty.write(Put(KEY, {"n": 1}))
    faults.plan.extend([lost()] * times)

    faulty.transact(ops)

    assert len(faults.calls) == 1 + times + 1
    assert faulty.query("p") == [BEFORE | {"n": 2}, {"pk": "p", "sk": "t"}]


def test_a_transaction_is_known_by_one_item_when_another_was_overwritten(
    faulty: DynamoTable, dynamo_table: DynamoTable, faults: Faults
) -> None:
    def others_fill_the_day() -> None:
        dynamo_table.write(Update(KEY, add={"n": 8}))

    faults.plan.append(lost(others_fill_the_day))

    faulty.transact(
        [
            Put(OTHER, {}, Attr("pk").absent()),
            Update(KEY, add={"n": 1}, when=Attr("n").absent() | Attr("n").le(5)),
        ]
    )

    assert faulty.get(KEY) == BEFORE | {"n": 9}


def test_all_tries_of_a_call_carry_one_token_and_one_nonce_and_no_other_call_does(
    faulty: DynamoTable, faults: Faults
) -> None:
    faults.plan.extend([answering("InternalServerError", 500), cancelled("TransactionConflict"), None])
    faulty.transact([Put(KEY, {})])
    faulty.transact([Put(KEY, {})])

    first, *again, other = faults.calls
    assert again == [first, first]
    assert first["TransactItems"][0]["Put"]["Item"]["nonce"] == {"S": first["ClientRequestToken"]}
    assert other["ClientRequestToken"] != first["ClientRequestToken"]
    assert other["TransactItems"][0]["Put"]["Item"]["nonce"] != first["TransactItems"][0]["Put"]["Item"]["nonce"]


def test_the_nonce_is_stored_but_never_shown(faulty: DynamoTable, dynamo_client: "DynamoDBClient") -> None:
    shown = [faulty.write(Update(KEY, set={"due_pk": "X", "due_at": 1})), faulty.get(KEY)]
    shown += faulty.query("p") + faulty.query_index("due", "X")[0] + [*faulty.batch_get([KEY]).values()]
    with pytest.raises(Refused) as refused:
        faulty.write(Put(KEY, {}, Attr("pk").absent()))
    shown += refused.value.olds
    with pytest.raises(Refused) as refused:
        faulty.transact([Put(KEY, {}, Attr("pk").absent())])
    shown += refused.value.olds

    assert shown == [{"pk": "p", "sk": "s", "due_pk": "X", "due_at": 1}] * 7
    assert "nonce" in dynamo_client.get_item(TableName="turnkeeper", Key={"pk": {"S": "p"}, "sk": {"S": "s"}})["Item"]


def test_a_write_that_another_overtook_is_refused_with_what_the_other_wrote(
    faulty: DynamoTable, dynamo_table: DynamoTable, faults: Faults
) -> None:
    faults.plan.append(lost(lambda: dynamo_table.write(Update(KEY, set={"owner": "other"}))))

    with pytest.raises(Refused) as refused:
        faulty.write(Update(KEY, set={"owner": "me"}, when=Attr("owner").absent()))

    assert refused.value.olds == ({"pk": "p", "sk": "s", "owner": "other"},)


def test_a_delete_is_a_transaction_or_nothing(table: Table) -> None:
    """Alone, the retry of a delete whose answer was lost cannot tell its item from what another wrote since."""
    with pytest.raises(ValueError, match="transaction"):
        table.write(Delete(KEY))  # type: ignore[arg-type]


@pytest.mark.parametrize("times", [1, 2])
def test_a_delete_whose_answer_is_lost_has_removed(faulty: DynamoTable, faults: Faults, times: int) -> None:
    faulty.write(Put(KEY, {"n": 1}))
    faults.plan.extend([lost()] * times)

    faulty.transact([Delete(KEY)])

    assert faulty.get(KEY) is None


def test_a_delete_whose_retry_finds_another_item_is_refused(
    faulty: DynamoTable, dynamo_table: DynamoTable, faults: Faults
) -> None:
    faulty.write(Put(KEY, {"n": 1}))
    faults.plan.append(lost(lambda: dynamo_table.write(Put(KEY, {"n": 2}))))

    with pytest.raises(Refused):
        faulty.transact([Delete(KEY, Attr("n").eq(1))])

    assert faulty.get(KEY) == BEFORE | {"n": 2}


def test_an_answer_lost_on_the_last_try_leaves_the_outcome_unknown(faulty: DynamoTable, faults: Faults) -> None:
    faults.always = lost()

    with pytest.raises(StoreUnavailable) as by_write:
        faulty.write(Update(KEY, add={"n": 1}))
    with pytest.raises(StoreUnavailable) as by_transaction:
        faulty.transact([Update(OTHER, add={"n": 1})])

    assert not isinstance(by_write.value, StoreContended)
    assert not isinstance(by_transaction.value, StoreContended)
    faults.always = None
    assert [item["n"] for item in faulty.query("p")] == [1, 1]


def test_contention_after_a_lost_answer_leaves_the_outcome_unknown(faulty: DynamoTable, faults: Faults) -> None:
    faults.plan.append(lost())
    faults.always = cancelled("TransactionConflict")

    with pytest.raises(StoreUnavailable) as unknown:
        faulty.transact([Put(KEY, {})])

    assert not isinstance(unknown.value, StoreContended)
    assert isinstance(unknown.value.__cause__, ClientError)
