"""Renders operations and conditions of the port as DynamoDB requests, with a placeholder for every name and value."""

from collections.abc import Iterable
from typing import Any

from turnkeeper.adapters.dynamodb.rules import NONCE
from turnkeeper.adapters.dynamodb.values import item_to_wire, to_wire
from turnkeeper.ports import Check, Cond, Delete, Key, Op, Put, Update

_COMPARE = {"eq": "=", "lt": "<", "le": "<=", "gt": ">", "ge": ">="}


class Placeholders:
    """The names and values of one request."""

    def __init__(self) -> None:
        self._names: dict[str, str] = {}
        self._values: dict[str, Any] = {}

    def name(self, name: str) -> str:
        """Return the placeholder of an attribute's name."""
        return self._names.setdefault(name, f"#n{len(self._names)}")

    def value(self, value: Any) -> str:
        """Return a placeholder for a value."""
        placeholder = f":v{len(self._values)}"
        self._values[placeholder] = to_wire(value)
        return placeholder

    def params(self) -> dict[str, Any]:
        """Return the parameters of the request that resolve the placeholders."""
        names = {placeholder: name for name, placeholder in self._names.items()}
        named = {"ExpressionAttributeNames": names, "ExpressionAttributeValues": self._values}
        return {param: mapping for param, mapping in named.items() if mapping}


def key_to_wire(key: Key) -> dict[str, Any]:
    """Render a key (pk, sk) as DynamoDB's attribute values."""
    return {"pk": {"S": key[0]}, "sk": {"S": key[1]}}


def render(op: Op, table: str, nonce: str) -> dict[str, Any]:
    """Render an operation: its parameters are the same in a request of its own and in a transaction.

    A Put or Update is refused where the item already has its nonce. A write that was committed, but whose answer was
    lost, therefore does not happen twice, even if it has no condition, or one that holds again (`add` below a limit).
    """
    holders = Placeholders()
    params: dict[str, Any] = {"TableName": table}
    condition = "" if op.when is None else _condition(op.when, holders)
    match op:
        case Put():
            params["Item"] = item_to_wire({**op.item, NONCE: nonce}) | key_to_wire(op.key)
        case Update():
            params |= {"Key": key_to_wire(op.key), "UpdateExpression": _update(op, holders, nonce)}
        case Delete() | Check():
            params["Key"] = key_to_wire(op.key)
    if isinstance(op, Put | Update):
        guard = f"(attribute_not_exists({holders.name(NONCE)}) OR {holders.name(NONCE)} <> {holders.value(nonce)})"
        condition = f"{condition} AND {guard}" if condition else guard
    if condition:
        params |= {"ConditionExpression": condition, "ReturnValuesOnConditionCheckFailure": "ALL_OLD"}
    return params | holders.params()


def _condition(cond: Cond, holders: Placeholders) -> str:
    match cond.op:
        case "all" | "any":
            word = " AND " if cond.op == "all" else " OR "
            return f"({word.join(_condition(part, holders) for part in cond.parts)})"
        case "exists":
            return f"attribute_exists({holders.name(cond.name)})"
        case "absent":
            return f"attribute_not_exists({holders.name(cond.name)})"
        case "in":
            return f"{holders.name(cond.name)} IN ({_join(holders.value(value) for value in cond.value)})"
        case _:
            return f"{holders.name(cond.name)} {_COMPARE[cond.op]} {holders.value(cond.value)}"


def _update(op: Update, holders: Placeholders, nonce: str) -> str:
    name, value = holders.name, holders.value
    sets = [f"{name(attr)} = {value(new)}" for attr, new in [*op.set.items(), (NONCE, nonce)]]
    sets += [f"{name(attr)} = if_not_exists({name(attr)}, {value(new)})" for attr, new in op.default.items()]
    expression = f"SET {_join(sets)}"
    if op.add:
        expression += f" ADD {_join(f'{name(attr)} {value(amount)}' for attr, amount in op.add.items())}"
    if op.remove:
        expression += f" REMOVE {_join(name(attr) for attr in op.remove)}"
    return expression


def _join(parts: Iterable[str]) -> str:
    return ", ".join(parts)
