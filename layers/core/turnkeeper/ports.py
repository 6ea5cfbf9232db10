"""What the core needs from outside: a table, models, HTTP for tools, a notifier, a workflow, telemetry, a clock.

Adapters implement these protocols; nothing here depends on an adapter.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from turnkeeper.authoring.http import ToolHttp
from turnkeeper.authoring.tools import Dependency
from turnkeeper.domain.chat import ModelReply, ModelRequest
from turnkeeper.domain.telemetry import Action, Metric

Json = dict[str, Any]


# --- models -----------------------------------------------------------------------------------------------------------


class ModelClient(Protocol):
    """One provider's API. `complete` returns within `timeout_s` seconds or raises `errors.DependencyError`."""

    def complete(self, request: ModelRequest, *, timeout_s: float) -> ModelReply:
        """Ask the model once; `timeout_s` is a hard total."""


# --- the table --------------------------------------------------------------------------------------------------------

Key = tuple[str, str]
"""A partition key and a sort key."""

Item = dict[str, Any]
"""An item's attributes, `pk` and `sk` included. Numbers are int, or float for what is not money."""


@dataclass(frozen=True, slots=True)
class Cond:
    """A condition on one item: a leaf (`op`, `name`, `value`) or a combination (`all`, `any`) of others."""

    op: Literal["eq", "lt", "le", "gt", "ge", "in", "exists", "absent", "all", "any"]
    name: str = ""
    value: Any = None
    parts: tuple["Cond", ...] = ()

    def __and__(self, other: "Cond") -> "Cond":
        return Cond("all", parts=(self, other))

    def __or__(self, other: "Cond") -> "Cond":
        return Cond("any", parts=(self, other))


@dataclass(frozen=True, slots=True)
class Attr:
    """Builds conditions on the attribute `name`: `Attr("st").eq("RUN") & Attr("epoch").eq(3)`."""

    name: str

    def eq(self, value: Any) -> Cond:
        """Equal, and present."""
        return Cond("eq", self.name, value)

    def lt(self, value: Any) -> Cond:
        """Less than, and present."""
        return Cond("lt", self.name, value)

    def le(self, value: Any) -> Cond:
        """Less or equal, and present."""
        return Cond("le", self.name, value)

    def gt(self, value: Any) -> Cond:
        """Greater than, and present."""
        return Cond("gt", self.name, value)

    def ge(self, value: Any) -> Cond:
        """Greater or equal, and present."""
        return Cond("ge", self.name, value)

    def is_in(self, *values: Any) -> Cond:
        """One of the values, and present."""
        return Cond("in", self.name, values)

    def exists(self) -> Cond:
        """Present."""
        return Cond("exists", self.name)

    def absent(self) -> Cond:
        """Not present."""
        return Cond("absent", self.name)


@dataclass(frozen=True, slots=True)
class Update:
    """Change one item, or create it: `set` attributes, `default` absent ones, `add` to numbers (absent is 0), `remove`.

    Nothing is written unless `when` holds.
    """

    key: Key
    set: Mapping[str, Any] = field(default_factory=dict)
    default: Mapping[str, Any] = field(default_factory=dict)
    add: Mapping[str, int] = field(default_factory=dict)
    remove: tuple[str, ...] = ()
    when: Cond | None = None


@dataclass(frozen=True, slots=True)
class Put:
    """Write one item in place of whatever was there, if `when` holds."""

    key: Key
    item: Mapping[str, Any]
    when: Cond | None = None


@dataclass(frozen=True, slots=True)
class Delete:
    """Remove one item, in a transaction only.

    A removed item cannot show who removed it. The transaction's token can: with it, a retry after a lost answer
    succeeds, and does not remove an item that somebody else wrote since.
    """

    key: Key
    when: Cond | None = None


@dataclass(frozen=True, slots=True)
class Check:
    """Require a condition of one item, in a transaction, without writing the item."""

    key: Key
    when: Cond


Write = Update | Put
Op = Write | Delete | Check


class Refused(Exception):  # noqa: N818 - a refused condition is an answer, not a fault
    """A condition did not hold. `failed` are the indexes of the operations whose condition failed.

    `olds[i]` is the item that operation i found; it is None if there was no item, or if the condition held.
    """

    def __init__(self, failed: Sequence[int], olds: Sequence[Item | None]) -> None:
        super().__init__(f"conditions refused: {list(failed)}")
        self.failed = tuple(failed)
        self.olds = tuple(olds)


class Table(Protocol):
    """One table of items with conditional writes, transactions and two sparse indexes.

    A write whose answer is lost can be retried: if the first try was written, the retry succeeds and changes nothing.
    Every method raises `errors.StoreUnavailable` when its retries are used up; whether a write happened is then
    unknown. `transact` raises `errors.StoreContended` when every try lost against others; then nothing was written.
    """

    def get(self, key: Key) -> Item | None:
        """Read one item (strongly consistent)."""

    def batch_get(self, keys: Sequence[Key]) -> dict[Key, Item]:
        """Read many items in one call (strongly consistent); missing items are left out."""

    def query(
        self, pk: str, *, prefix: str = "", newest_first: bool = False, limit: int | None = None, after: str = ""
    ) -> list[Item]:
        """Read the items of a partition in order of `sk` (strongly consistent), from the one after the `sk` `after`."""

    def query_index(
        self, index: str, pk: str, *, upto: Any = None, limit: int = 100, after: Json | None = None
    ) -> tuple[list[Item], Json | None]:
        """Read a page of an index, `due`, `esc` or `customer` (eventually consistent), in order of its sort key.

        Returns the items, and a cursor for `after` if there are more. `upto` is the highest sort key to return.
        """

    def write(self, op: Write) -> Item:
        """Write one item, and return it as it is afterwards. Raises `Refused`."""

    def transact(self, ops: Sequence[Op], *, on_conflict: Callable[[], None] | None = None) -> None:
        """Write all operations, or none. Raises `Refused`.

        `on_conflict` runs before each retry of a transaction that lost against another; it may raise to give up.
        """


# --- tools ------------------------------------------------------------------------------------------------------------


class CallHttp(ToolHttp, Protocol):
    """The HTTP client of one tool call; it knows whether the call may have changed something, and was answered."""

    @property
    def changed(self) -> bool:
        """Whether a request of this call that changes something may have reached the service."""

    @property
    def answered(self) -> bool:
        """Whether the service has answered any request of this call."""


class ToolTransport(Protocol):
    """Makes the HTTP client of one tool call, and bounds its time."""

    def http(
        self, dependency: Dependency | None, *, timeout_s: float, idempotency_key: str, admits: Callable[[], bool]
    ) -> CallHttp:
        """Return a client of the dependency's own host; a request is sent if `admits`, asked each time, says so."""

    def within(self, seconds: float, call: Callable[[], Any]) -> Any:
        """Return what `call` returns, or raise DependencyError(TIMEOUT) after `seconds`, whatever it is waiting for."""


# --- telemetry --------------------------------------------------------------------------------------------------------


class Telemetry(Protocol):
    """Logs and counts; never raises. No log line may hold a message, a prompt, an argument, a token or a key."""

    def action(self, action: Action, **fields: Any) -> None:
        """Log one agent action as a structured line; the fields are those of `domain.telemetry.LOG_FIELDS`."""

    def count(self, metric: Metric, value: float = 1, **dimensions: str) -> None:
        """Add a value to a metric, in the metric's unit."""

    def warning(self, message: str, **fields: Any) -> None:
        """Log something that an owner should look at."""

    def fault(self, message: str, error: Exception) -> None:
        """Log a fault of ours with its traceback, and count it."""

    def flush(self) -> None:
        """Write out what was counted in this invocation."""


# --- the rest ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Published:
    """A message to a topic: plain text for people, `data` (JSON text) for machines, `attributes` to filter by.

    `sms` is one line for a phone; where there is none, the subject is sent.
    """

    subject: str
    text: str
    data: str
    attributes: Mapping[str, str]
    sms: str = ""


@dataclass(frozen=True, slots=True)
class Subscriptions:
    """How many subscriptions a topic has: the confirmed ones receive what is published, the unconfirmed do not."""

    confirmed: int = 0
    unconfirmed: int = 0


class Notifier(Protocol):
    """Publishes to topics."""

    def publish(self, topic: str, message: Published) -> str:
        """Publish one message; returns its id. Raises `errors.DependencyError`."""

    def subscriptions(self, topic: str) -> Subscriptions:
        """Count a topic's subscriptions. Raises `errors.DependencyError`."""


class Queue(Protocol):
    """A queue of small messages. Raises `errors.DependencyError`."""

    def send(self, message: Json) -> None:
        """Put a message into the queue."""


class CallbackSender(Protocol):
    """Sends signed messages to receivers. Raises `errors.DependencyError`."""

    def send(self, url: str, *, tenant: str, message_id: str, timestamp: int, body: str, timeout_s: float) -> int:
        """POST one message; returns the receiver's HTTP status."""


class Workflow(Protocol):
    """The escalation state machine. Raises `errors.WorkflowUnavailable`."""

    def start(self, name: str, payload: Json) -> bool:
        """Make sure that an execution of that name is running; returns False if it ran before and is closed."""

    def task_succeeded(self, token: str, payload: Json) -> None:
        """End the Task that waits with `token`; a Task that no longer waits counts as success."""


Clock = Callable[[], float]
"""Seconds since the epoch."""
