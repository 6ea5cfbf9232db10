"""`turnkeeper forget`: deletes what is kept about a customer."""

import time
from collections import Counter
from dataclasses import dataclass, field

from turnkeeper.domain.spend import utc_day
from turnkeeper.domain.turns import TurnState
from turnkeeper.ports import Delete, Item, Key
from turnkeeper.stores import keys
from turnkeeper.stores.callbacks import DUE

from turnkeeper_cli.store import Store

_KINDS = {
    "TURN": "turns",
    "ESC": "escalations",
    "RSV": "reservations",
    "ATT": "attempts",
    "STEP": "tool effects",
    "MSG": "messages",
    "HEAD": "conversations",
    "DAY": "daily counters",
    "TASK": "task counters",
    "RATE": "rate limits",
    "FEEDBACK": "feedback",
    "CALLBACK": "callbacks",
    "CUSTOMER": "limits",
}


@dataclass
class Plan:
    """What would be deleted (turns last, so that a second try finds what a first one left), and what must stay."""

    delete: list[Key] = field(default_factory=list)
    unfinished: list[str] = field(default_factory=list)
    today: bool = False
    """Today's counter stays, or the customer could spend the day's limit twice; it goes by itself."""

    def counts(self) -> dict[str, int]:
        """How many items of each kind would go."""
        found = Counter(_kind(sk) for _, sk in self.delete)
        return dict(sorted(found.items()))


def plan(store: Store, customer: str) -> Plan:
    """Find what is kept about a customer."""
    found, turns = Plan(), list[Key]()
    today = keys.customer_day(store.tenant, customer, utc_day(time.time()))
    for item in store.owned_by(customer):
        key = (str(item["pk"]), str(item["sk"]))
        if key == today:
            found.today = True
        elif key[1] == keys.TURN:
            turns.append(key)
        else:
            found.delete.append(key)
    for key in turns:
        _plan_turn(store, key, found)
    kept = {f"{prefix}#{turn_id}" for turn_id in found.unfinished for prefix in ("TURN", "DOC")}
    if found.unfinished:  # what they hold is counted there
        kept.add(today[0])
    found.delete = [key for key in dict.fromkeys(found.delete) if key[0] not in kept]
    limits = keys.customer_limits(store.tenant, customer)
    if store.table.get(limits):
        found.delete.append(limits)
    found.delete.sort(key=lambda key: key[1] == keys.TURN)
    return found


def carry_out(store: Store, todo: Plan) -> None:
    """Delete it."""
    for key in todo.delete:
        store.table.transact([Delete(key)])


def _plan_turn(store: Store, key: Key, found: Plan) -> None:
    family = store.turns.family(keys.turn_of(key[0]))
    if any(_is_unfinished(item) for item in family):
        found.unfinished.append(keys.turn_of(key[0]))
        return
    found.delete += [(str(item["pk"]), str(item["sk"])) for item in family]


def _is_unfinished(item: Item) -> bool:
    """Whether something may still be written for it: the turn goes on, money is held, or a receiver waits."""
    match str(item["sk"]).partition("#")[0]:
        case keys.TURN:
            return bool(item["st"] != TurnState.DONE)
        case "RSV":
            return bool(item["st"] == "PENDING")
        case keys.CALLBACK:
            return bool(item["st"] == DUE)
    return False


def _kind(sk: str) -> str:
    return _KINDS.get(sk.partition("#")[0], "parts of answers and cached answers")
