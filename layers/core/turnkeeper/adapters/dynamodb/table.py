"""The table in DynamoDB: bounded retries, after which a write whose answer was lost has still happened only once."""

import random as randomness
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from botocore.exceptions import ClientError

from turnkeeper.adapters.dynamodb.expressions import Placeholders, key_to_wire, render
from turnkeeper.adapters.dynamodb.retries import Patience, Tries, cancellations
from turnkeeper.adapters.dynamodb.rules import (
    INDEXES,
    NONCE,
    check_key,
    check_ops,
    check_write,
    index_cursor,
    index_start,
)
from turnkeeper.adapters.dynamodb.values import Wire, item_from_wire, item_to_wire
from turnkeeper.ports import Check, Item, Json, Key, Op, Put, Refused, Update, Write

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_BATCH = 100


class DynamoTable:
    """A `Table` over a low-level boto3 client, whose timeouts bound each try; the last one starts within `patience_s`.

    Lost answers: every write puts a nonce on its items, the same in all of its tries, so a refusal by an item with this
    nonce means that an earlier try succeeded. No item has the nonce by accident, as it is made for one call and neither
    shown nor copied. But an item has only the nonce of its last writer: if somebody else wrote it between our success
    and our retry, a single write is judged again, so it is refused or, if its condition still holds, happens twice.
    Where that matters, as for money, use `transact`: DynamoDB remembers its token for ten minutes, whoever has written
    since. A delete leaves no nonce behind, so it is always a transaction.
    """

    def __init__(
        self,
        client: "DynamoDBClient",
        table_name: str,
        *,
        patience_s: float = 2.0,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        random: Callable[[], float] = randomness.random,
    ) -> None:
        self._client = client
        self._name = table_name
        self._patience = Patience(patience_s, clock, sleep, random)

    def get(self, key: Key) -> Item | None:
        """Read one item (strongly consistent)."""
        check_key(key)
        params = {"TableName": self._name, "Key": key_to_wire(key), "ConsistentRead": True}
        return _read(Tries(self._patience).send(self._client.get_item, params).get("Item"))

    def batch_get(self, keys: Sequence[Key]) -> dict[Key, Item]:
        """Read many items (strongly consistent), a hundred in each call; a key without an item is left out."""
        unique = list(dict.fromkeys(keys))
        for key in unique:
            check_key(key)
        found: dict[Key, Item] = {}
        for start in range(0, len(unique), _BATCH):
            found |= self._batch_get(unique[start : start + _BATCH])
        return found

    def query(
        self, pk: str, *, prefix: str = "", newest_first: bool = False, limit: int | None = None, after: str = ""
    ) -> list[Item]:
        """Read the items of a partition in order of `sk` (strongly consistent), starting behind `after`."""
        if limit is not None and limit < 1:
            return []
        if after and not after.startswith(prefix):  # DynamoDB refuses to start outside of the range
            if (after > prefix) != newest_first:
                return []
            after = ""
        holders = Placeholders()
        condition = f"{holders.name('pk')} = {holders.value(pk)}"
        if prefix:
            condition += f" AND begins_with({holders.name('sk')}, {holders.value(prefix)})"
        params = {"KeyConditionExpression": condition, "ConsistentRead": True, "ScanIndexForward": not newest_first}
        start = key_to_wire((pk, after)) if after else None
        return self._query(params | holders.params(), start, limit)

    def query_index(
        self, index: str, pk: str, *, upto: Any = None, limit: int = 100, after: Json | None = None
    ) -> tuple[list[Item], Json | None]:
        """Read a page of an index (eventually consistent); returns it with the cursor of the next one, or None.

        One item more than `limit` is read, which tells whether there is a next page.
        """
        if limit < 1:
            return [], None
        pk_name, sk_name = INDEXES[index]
        holders = Placeholders()
        condition = f"{holders.name(pk_name)} = {holders.value(pk)}"
        if upto is not None:
            condition += f" AND {holders.name(sk_name)} <= {holders.value(upto)}"
        params = {"IndexName": index, "KeyConditionExpression": condition}
        start = None if after is None else item_to_wire(index_start(index, pk, after))
        found = self._query(params | holders.params(), start, limit + 1)
        return found[:limit], index_cursor(index, found[limit - 1]) if len(found) > limit else None

    def write(self, op: Write) -> Item:
        """Write one item and return it as it is afterwards; raises Refused when the condition does not hold."""
        check_write(op)
        nonce = uuid4().hex
        params = render(op, self._name, nonce)
        tries = Tries(self._patience)
        try:
            match op:
                case Update():
                    response = tries.send(self._client.update_item, {**params, "ReturnValues": "ALL_NEW"})
                    return _shown(response["Attributes"])
                case Put():
                    tries.send(self._client.put_item, params)
                    return _shown(params["Item"])
        except ClientError as refusal:
            answer: Any = refusal.response
            old = answer.get("Item")
            if old is not None and _is_ours(old, nonce):
                return _shown(old)
            raise Refused([0], [_read(old)]) from refusal

    def transact(self, ops: Sequence[Op], *, on_conflict: Callable[[], None] | None = None) -> None:
        """Write all items or none; raises Refused when any condition does not hold."""
        check_ops(ops)
        nonce = uuid4().hex
        members = [{_member(op): render(op, self._name, nonce)} for op in ops]
        params = {"TransactItems": members, "ClientRequestToken": nonce}
        try:
            Tries(self._patience).send(self._client.transact_write_items, params, on_conflict)
        except ClientError as refusal:
            reasons = cancellations(refusal)
            # An item with our nonce proves that an earlier try wrote them all. DynamoDB itself knows a repeated
            # transaction by its token, and does not refuse it; an emulator may not know tokens.
            if any(_is_ours(reason.get("Item", {}), nonce) for reason in reasons):
                return
            failed = [i for i, reason in enumerate(reasons) if reason["Code"] == "ConditionalCheckFailed"]
            olds = [_read(reason.get("Item")) if i in failed else None for i, reason in enumerate(reasons)]
            raise Refused(failed, olds) from refusal

    def _batch_get(self, keys: Sequence[Key]) -> dict[Key, Item]:
        found: dict[Key, Item] = {}
        tries = Tries(self._patience)
        wanted: Any = {self._name: {"Keys": [key_to_wire(key) for key in keys], "ConsistentRead": True}}
        while True:
            response = tries.send(self._client.batch_get_item, {"RequestItems": wanted})
            for wire in response["Responses"].get(self._name, []):
                item = _shown(wire)
                found[item["pk"], item["sk"]] = item
            wanted = response.get("UnprocessedKeys")
            if not wanted:
                return found
            tries.wait()

    def _query(self, params: dict[str, Any], start: Wire | None, limit: int | None) -> list[Item]:
        found: list[Item] = []
        tries = Tries(self._patience)
        while True:
            page = {"TableName": self._name, **params}
            if start:
                page["ExclusiveStartKey"] = start
            if limit is not None:
                page["Limit"] = limit - len(found)
            response = tries.send(self._client.query, page)
            found += [_shown(wire) for wire in response["Items"]]
            start = response.get("LastEvaluatedKey")
            if not start or len(found) == limit:
                return found


def _member(op: Op) -> str:
    return "ConditionCheck" if isinstance(op, Check) else type(op).__name__


def _is_ours(old: Wire, nonce: str) -> bool:
    return old.get(NONCE) == {"S": nonce}


def _read(wire: Wire | None) -> Item | None:
    return None if wire is None else _shown(wire)


def _shown(wire: Wire) -> Item:
    return item_from_wire({name: value for name, value in wire.items() if name != NONCE})
