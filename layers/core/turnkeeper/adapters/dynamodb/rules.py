"""What DynamoDB refuses whatever the table holds; every adapter refuses it in the same way, with a `ValueError`."""

from collections.abc import Mapping, Sequence
from typing import Any

from turnkeeper.adapters.dynamodb.values import Wire, item_to_wire, size
from turnkeeper.ports import Cond, Json, Key, Op, Put, Update, Write

NONCE = "nonce"
"""The attribute that identifies the call that last wrote an item; only the adapter reads and writes it."""

INDEXES = {"due": ("due_pk", "due_at"), "esc": ("esc_pk", "esc_at"), "customer": ("cust_pk", "sk")}
"""The names of the partition key and the sort key of each index."""

KEYS_ONLY = {"customer"}
"""Indexes that hold only the keys of an item."""

_TEXT_KEYS = {"pk", "sk", *(pk for pk, _ in INDEXES.values())}
_NUMBER_KEYS = {"due_at", "esc_at"}
_MAX_OPS = _MAX_CHOICES = 100
_MAX_ITEM = 400 * 1024 - 64  # DynamoDB's limit, less the nonce
_MAX_PK, _MAX_SK = 2048, 1024
_ORDERED = {"lt", "le", "gt", "ge"}


def check_ops(ops: Sequence[Op]) -> None:
    """Raise ValueError where the operations of one call break a rule of DynamoDB."""
    if not 1 <= len(ops) <= _MAX_OPS:
        raise ValueError(f"a transaction has 1 to {_MAX_OPS} operations, not {len(ops)}")
    if len({op.key for op in ops}) < len(ops):
        raise ValueError("two operations of one transaction are about the same item")
    for op in ops:
        _check_op(op)


def check_write(op: Write) -> None:
    """Raise ValueError where a single write breaks a rule of DynamoDB, or could not be retried safely."""
    if not isinstance(op, Put | Update):
        message = "put a delete into a transaction: alone, its retry could delete what was written since"
        raise ValueError(message)  # noqa: TRY004 - like every rule
    check_ops([op])


def check_key(key: Key) -> None:
    """Raise ValueError where a key (pk, sk) breaks a rule of DynamoDB."""
    pk, sk = key
    if not (pk and sk):
        raise ValueError(f"no part of a key may be empty: {key}")
    if len(pk.encode()) > _MAX_PK or len(sk.encode()) > _MAX_SK:
        raise ValueError(f"a key is at most {_MAX_PK} and {_MAX_SK} bytes long: {key}")


def check_item(item: Wire) -> None:
    """Raise ValueError where an item, or the part of it that is written, is larger than DynamoDB allows."""
    if sum(len(name.encode()) + size(value) for name, value in item.items()) > _MAX_ITEM:
        raise ValueError(f"an item is at most {_MAX_ITEM} bytes large")


def index_cursor(index: str, item: Mapping[str, Any]) -> Json:
    """Return the place of an item in an index. Safe to give to a client, as it does not name the partition."""
    return {"key": [item["pk"], item["sk"]], "at": item[INDEXES[index][1]]}


def index_start(index: str, pk: str, cursor: Json) -> dict[str, Any]:
    """Return the keys of the item that a cursor names; raises ValueError for a cursor that is not of this index."""
    pk_name, sk_name = INDEXES[index]
    match cursor:
        case {"key": [str() as item_pk, str() as item_sk], "at": str() | int() | float() as at} if item_pk and item_sk:
            start = {"pk": item_pk, "sk": item_sk, pk_name: pk, sk_name: at}
        case _:
            raise ValueError("not a cursor of this index")
    if sk_name == "sk" and at != item_sk:
        raise ValueError("not a cursor of this index")
    _check_index_keys(start)
    return start


def _check_op(op: Op) -> None:
    check_key(op.key)
    if op.when is not None:
        _check_cond(op.when)
    if not isinstance(op, Put | Update):
        return
    written = _written(op)
    if NONCE in written or (isinstance(op, Update) and NONCE in {*op.add, *op.remove}):
        raise ValueError(f"the attribute {NONCE!r} is the table's own")
    if "" in written:
        raise ValueError("an attribute's name is not empty")
    _check_index_keys(written)
    check_item(item_to_wire(written))


def _written(op: Put | Update) -> dict[str, Any]:
    if isinstance(op, Put):
        written = {**op.item, "pk": op.key[0], "sk": op.key[1]}
        if any(op.item.get(name, written[name]) != written[name] for name in ("pk", "sk")):
            raise ValueError(f"the item has another key in it than {op.key}")
        return written
    names = [*op.set, *op.default, *op.add, *op.remove]
    if len(set(names)) < len(names):
        raise ValueError("an update changes one attribute in two ways")
    if {"pk", "sk"} & set(names):
        raise ValueError("an update cannot change an item's key")
    if any(isinstance(amount, bool) or not isinstance(amount, int) for amount in op.add.values()):
        raise ValueError("only a whole number can be added")
    return {**op.default, **op.set}


def _check_index_keys(written: Mapping[str, Any]) -> None:
    for name in _TEXT_KEYS & written.keys():
        if not (isinstance(written[name], str) and written[name]):
            raise ValueError(f"{name} is a key of an index: text that is not empty")
    for name in _NUMBER_KEYS & written.keys():
        if isinstance(written[name], bool) or not isinstance(written[name], int | float):
            raise ValueError(f"{name} is a key of an index: a number (remove it to leave the index)")  # noqa: TRY004 - likewise


def _check_cond(cond: Cond) -> None:
    if cond.op in {"all", "any"}:
        if not cond.parts:
            raise ValueError("a combination of conditions has parts")
        for part in cond.parts:
            _check_cond(part)
    elif not cond.name:
        raise ValueError("a condition names an attribute")
    elif cond.op == "in" and not 1 <= len(cond.value) <= _MAX_CHOICES:
        raise ValueError(f"a condition offers 1 to {_MAX_CHOICES} values")
    elif cond.op in _ORDERED and (isinstance(cond.value, bool) or not isinstance(cond.value, str | int | float)):
        raise ValueError(f"only numbers and text have an order, not {cond.value!r}")
